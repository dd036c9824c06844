"""What an audit log remembers: the end of the chain, and the newest entries. The journal has them all."""

from __future__ import annotations

import msgspec

from store_runtime.audit_log.acts import Act
from store_runtime.audit_log.chain import START

RECENT_MAX = 500


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One act in the log; ``at`` is when it was entered, ms."""

    number: int
    act: Act
    at: int
    hash: bytes


class Log(msgspec.Struct, kw_only=True):
    """``broken_at``: the first entry that does not follow from the one before it (0: none)."""

    count: int = 0
    head: bytes = START
    recent: list[Entry] = []
    broken_at: int = 0
