"""What an audit log shows. Moments are ms since the epoch, hashes lower-case hex."""

from __future__ import annotations

import msgspec

from store_runtime.audit_log.acts import Act
from store_runtime.audit_log.state import Entry, Log


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One entry."""

    number: int
    act: Act
    recorded_at: int
    hash: str


class EntriesView(msgspec.Struct, frozen=True, kw_only=True):
    """``count`` entries in all, the last with hash ``head``; older than ``oldest`` only the journal has."""

    count: int
    head: str
    oldest: int
    items: list[EntryView]


def entry_view(entry: Entry) -> EntryView:
    """An entry as it is shown."""
    return EntryView(number=entry.number, act=entry.act, recorded_at=entry.at, hash=entry.hash.hex())


def entries_view(log: Log, since: int, limit: int) -> EntriesView:
    """Those after ``since`` that are still at hand."""
    oldest = log.count - len(log.recent) + 1
    first = max(0, since + 1 - oldest)
    return EntriesView(
        count=log.count,
        head=log.head.hex(),
        oldest=oldest,
        items=[entry_view(entry) for entry in log.recent[first : first + limit]],
    )
