"""What one entity remembers, rebuilt from its documents: state, sequence, answers given, sends outstanding.

The same code serves an activation, a snapshot in the making, ``kaifan replay`` and the audit. It never decides.
"""

from __future__ import annotations

import struct
from collections.abc import Container, Iterator, Sequence
from typing import Any

import msgspec
import zstandard

from actors.codec import (
    Acknowledged,
    CommandRecord,
    Handled,
    Sealed,
    SendRecord,
    Unreadable,
    decode_event,
    read_commands,
    read_events,
    read_sends,
)
from actors.entity import Entity, EntityType
from actors.journal import Document
from actors.parts import Segmented
from actors.remembered import Answers, Remembered
from actors.snapshots import Image, Manifest, cut, decode_state, encode_state, join, unseal
from actors.words import Event

_RUNTIME_EVENTS = (Handled, Sealed, Acknowledged)


class Outstanding(msgspec.Struct, gc=False):
    """A send that its receiver has not answered yet, and when it was decided."""

    at: int
    record: SendRecord


class CannotReplay(Exception):
    """An event that this release cannot apply. ``seq`` is its journal sequence; the entity stops, the silo not."""

    def __init__(self, entity: str, seq: int, reason: str) -> None:
        super().__init__(f"{entity} at {seq}: {reason}")
        self.entity, self.seq, self.reason = entity, seq, reason


class EntityMemory:
    """The remembered part of one entity, at ``seq``."""

    __slots__ = ("entity", "key", "last_at", "remembered", "sends", "seq", "state", "type")

    def __init__(self, entity_type: EntityType[Any], key: str) -> None:
        self.type = entity_type
        self.key = key
        self.entity: Entity[Any] = entity_type.cls(key.partition("/")[2])
        self.state: Any = self.entity.blank()
        self.seq = 0
        self.last_at = 0
        self.remembered = Answers()
        self.sends: dict[bytes, Outstanding] = {}

    # --- going forward -------------------------------------------------------------------------------------

    def apply(self, event: Event, at: int) -> None:
        """One event: the domain's go to their evolver, the runtime's change what is remembered."""
        evolver = self.type.evolvers.get(type(event))
        if evolver is not None:
            evolver(self.entity, self.state, event, at)
        elif isinstance(event, Acknowledged):
            for send_id in event.sends:
                self.sends.pop(send_id, None)
        else:
            assert isinstance(event, _RUNTIME_EVENTS), (
                f"{self.type.kind} does not evolve {type(event).__name__}"
            )
        self.seq += 1
        if at > self.last_at:
            self.last_at = at

    def remember(self, record: CommandRecord, at: int, seq: int) -> None:
        """Keep the answer of a command, and let go of those older than 24 h."""
        self.remembered.put(record.id, Remembered(at, seq, record.digest, record.answer, record.refused))

    def owe(self, record: SendRecord, at: int) -> None:
        """A send was decided: it is owed to its receiver until acknowledged."""
        self.sends[record.id] = Outstanding(at, record)

    # --- from the journal ----------------------------------------------------------------------------------

    def apply_document(self, document: Document, skip: Container[int] = ()) -> None:
        """One committed document. Raises CannotReplay; the memory is then useless and must be dropped."""
        if document.first_seq != self.seq + 1:
            raise CannotReplay(self.key, self.seq + 1, f"the history has a gap before {document.first_seq}")
        records = read_events(document.events)
        if len(records) != document.n:
            raise CannotReplay(
                self.key, document.first_seq, f"{len(records)} events where n says {document.n}"
            )
        for record in records:
            self._apply_record(record, skip)
        # Sends before acknowledgements would be lost if a document both owes and acknowledges: it never does,
        # an acknowledgement follows the commit of its send.
        for command in read_commands(document.cmds):
            self.remember(command, self.last_at, document.last_seq)
        for send in read_sends(document.sends):
            self.owe(send, self.last_at)

    def _apply_record(self, record: Any, skip: Container[int]) -> None:
        seq = self.seq + 1
        if seq in skip:
            self.seq, self.last_at = seq, max(self.last_at, record.at)
            return
        try:
            self.apply(decode_event(record, self.type), record.at)
        except Unreadable as error:
            raise CannotReplay(self.key, seq, str(error)) from error
        except Exception as error:
            raise CannotReplay(self.key, seq, f"evolving {record.type}: {error!r}") from error

    # --- snapshots -----------------------------------------------------------------------------------------

    def cut(self, stored: Container[bytes] = frozenset()) -> tuple[Manifest, dict[bytes, bytes]]:
        """All of it, for a snapshot: the manifest, and the parts that are not ``stored``.

        Only of committed memory (an activation's own is ahead of the journal).
        """
        image = Image(
            seq=self.seq,
            last_at=self.last_at,
            state_version=self.type.cls.state_version,
            state=encode_state(self.state),
            remembered=self.remembered.new_records(),
            sends=[(owed.at, owed.record) for owed in self.sends.values()],
        )
        segments = self.state.segments() if isinstance(self.state, Segmented) else ()
        return cut(self.key, image, self.remembered.blocks(), segments, stored)

    def restore_head(self, manifest: Manifest, head: Sequence[bytes]) -> None:
        """Begin with a snapshot's image. Raises Unreadable, and leaves this memory as it was."""
        image = join(manifest, head)
        state = decode_state(image, self.type)
        self.state, self.seq, self.last_at = state, image.seq, image.last_at
        self.remembered = Answers()
        self.remembered.take_over(image.remembered)
        self.sends = {record.id: Outstanding(at, record) for at, record in image.sends}

    def restore_part(self, manifest: Manifest, number: int, raw: bytes) -> Iterator[None]:
        """Go on with part ``number`` of the manifest, in order; yields every few milliseconds. Raises Unreadable,
        and is then to be cleared.
        """
        part = manifest.parts[number]
        try:
            content = unseal(part, raw)
            if number < manifest.head + manifest.blocks:
                self.remembered.attach(content, part)
            else:
                yield from self.state.attach(content, part)
        except (msgspec.MsgspecError, zstandard.ZstdError, struct.error) as error:
            raise Unreadable(f"part {number} of the snapshot of {self.key}: {error}") from error
        yield

    def clear(self) -> None:
        """As before the first event."""
        self.state = self.entity.blank()
        self.seq = self.last_at = 0
        self.remembered, self.sends = Answers(), {}

    # --- deadlines -----------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        """The domain's earliest deadline (ms), None without one."""
        waker = self.type.waker
        return None if waker is None else waker(self.entity, self.state)
