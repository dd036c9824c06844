"""``kaifan replay``: what happened to one entity, event by event, and how it stood at a point of its history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime
from typing import Any

from actors.codec import EventRecord, Unreadable, decode_event, read_commands, read_events, read_sends
from actors.entity import EntityType, kind_of
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document
from actors.quarantine import SKIP, Quarantine
from actors.words import Event
from cluster.embedded.failure import EmbeddedFailure
from cluster.rooms import TYPES
from cluster.showing import SHOWN_MAX, fields_of, lines_of, moment, plain
from store_runtime.live import LiveLog
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.story import Told, tell


class Point:
    """Where to stop: after a sequence, or after a moment (ms); without both at the end."""

    def __init__(self, seq: int | None = None, at_ms: int | None = None) -> None:
        self.seq = seq
        self.at_ms = at_ms

    def is_past(self, seq: int, at_ms: int) -> bool:
        return (self.seq is not None and seq > self.seq) or (self.at_ms is not None and at_ms > self.at_ms)


def point(text: str | None) -> Point:
    """``17``, or a time like ``2026-11-24T10:13`` (the machine's zone unless it names one)."""
    if text is None:
        return Point()
    if text.isdecimal():
        return Point(seq=int(text))
    return Point(at_ms=int(time_of(text).timestamp() * 1000))


def time_of(text: str) -> datetime:
    """Raises EmbeddedFailure for what is no time."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise EmbeddedFailure(
            f"{text!r} is no time.", "Write it like 2026-11-24T10:13 or 2026-11-24T10:13:05+08:00."
        ) from None


def type_of(entity: str) -> EntityType[Any]:
    """The room of ``kind/id``. Raises EmbeddedFailure."""
    entity_type = TYPES.get(kind_of(entity))
    if entity_type is None or not entity.partition("/")[2]:
        raise EmbeddedFailure(
            f"{entity!r} names no entity.", f"Write KIND/ID; kinds are {', '.join(sorted(TYPES))}."
        )
    return entity_type


async def replay(
    entity: str, documents: AsyncIterator[Document], until: Point, stopped: Quarantine | None = None
) -> AsyncIterator[str]:
    """The lines to print. Ends with the state at ``until``, or with what could not be applied.

    Raises EmbeddedFailure for an entity without a history.
    """
    entity_type = type_of(entity)
    memory = EntityMemory(entity_type, entity)
    skip = frozenset(stopped.skip if stopped is not None and stopped.mode == SKIP else ())
    yield entity
    if stopped is not None:
        yield f"  ! {stopped.mode}: {stopped.reason} (sequence {stopped.seq})"
    async for document in documents:
        if document.first_seq != memory.seq + 1:
            yield f"  ! the history has a gap: {document.first_seq} follows {memory.seq}"
            return
        for index, record in enumerate(read_events(document.events)):
            if until.is_past(memory.seq + 1, record.at):
                for line in _state(memory):
                    yield line
                return
            yield _event(memory.seq + 1, record, entity_type)
            if (told := _told(memory, record)) is not None:
                yield told
            failure = _apply(memory, record, memory.seq + 1 in skip)
            if failure is not None:
                yield f"  ! {failure}"
                return
            if index == document.n - 1:
                for line in _asides(document):
                    yield line
    if memory.seq == 0:
        raise EmbeddedFailure(f"{entity} has no history.", "Check the id; the journal knows nothing of it.")
    if until.seq is not None and until.seq > memory.seq:
        yield f"  ! there is no {until.seq} yet; this is the last"
    for line in _state(memory):
        yield line


def _apply(memory: EntityMemory, record: EventRecord, skipped: bool) -> str | None:
    if skipped:
        memory.seq += 1
        return None
    try:
        memory.apply(decode_event(record, memory.type), record.at)
    except (Unreadable, CannotReplay) as error:
        return str(error)
    except Exception as error:
        return f"this release cannot apply it: {error!r}"
    return None


def _event(seq: int, record: EventRecord, entity_type: EntityType[Any]) -> str:
    try:
        what = fields_of(decode_event(record, entity_type))
    except Unreadable as error:
        what = str(error)
    return f"{seq:>7}  {moment(record.at)}  {record.type:<18} {what}"


STORIES: dict[str, Callable[[Any, Event], Told]] = {TableSession.kind: tell}
"""Rooms that tell their events in words: who did what, and which rule priced it."""


def _told(memory: EntityMemory, record: EventRecord) -> str | None:
    teller = STORIES.get(memory.type.kind)
    if teller is None:
        return None
    try:
        event = decode_event(record, memory.type)
    except Unreadable:
        return None
    if type(event) not in memory.type.evolvers:
        return None
    told = teller(memory.state, event)
    return f"         » {told.who + ': ' if told.who else ''}{told.said}"


def _asides(document: Document) -> Iterator[str]:
    """By whom the document was written, which commands it answers, and what it sends."""
    commands = ", ".join(
        record.id.hex()[:12] + (" with a no" if record.refused else "")
        for record in read_commands(document.cmds)
    )
    yield f"         by {document.silo}" + (f", answering {commands}" if commands else "")
    for send in read_sends(document.sends):
        yield f"         → {send.to}: {send.type}"


def _state(memory: EntityMemory) -> Iterator[str]:
    yield f"state after {memory.seq} ({moment(memory.last_at)})"
    shown = plain(memory.state, SHOWN_MAX)
    if isinstance(getattr(memory.state, "live", None), LiveLog):
        # What screens were told, packed: the events above say the same.
        del shown["live"]
    yield from lines_of(shown)
    if memory.sends:
        yield f"  messages not yet acknowledged: {len(memory.sends)}"
