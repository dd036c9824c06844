"""What one entity remembers, rebuilt from its documents: state, sequence, answers given, sends outstanding.

The same code serves an activation, a snapshot in the making, ``kaifan replay`` and the audit. It never decides.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import msgspec

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
from actors.snapshots import Image, RememberedRecord, decode_state, encode_state
from actors.words import Accepted, Event, Rejected

ANSWERS_KEPT_MS = 24 * 3_600_000
"""Guarantee 4: answers of accepted commands are remembered for at least 24 h of event time."""

_decode_rejected = msgspec.msgpack.Decoder(Rejected).decode
_RUNTIME_EVENTS = (Handled, Sealed, Acknowledged)


class Remembered(msgspec.Struct, gc=False):
    """A command that got its answer: when, up to which sequence, the digest of its body, the answer."""

    at: int
    seq: int
    digest: bytes
    answer: bytes
    refused: bool = False

    def reply(self, seq: int) -> Accepted | Rejected:
        """The answer again; ``seq`` is where the entity stands now, and a no that is final is true there too."""
        if self.refused:
            return msgspec.structs.replace(_decode_rejected(self.answer), seq=seq)
        return Accepted(self.answer, self.seq)


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
        self.remembered: dict[bytes, Remembered] = {}
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
        self.last_at = max(self.last_at, at)

    def remember(self, record: CommandRecord, at: int, seq: int) -> None:
        """Keep the answer of a command, and let go of those older than ANSWERS_KEPT_MS."""
        remembered = self.remembered
        remembered[record.id] = Remembered(at, seq, record.digest, record.answer, record.refused)
        # Insertion order is time order, because an entity's time never goes back.
        too_old = at - ANSWERS_KEPT_MS
        while (oldest := next(iter(remembered.items()))) and oldest[1].at < too_old:
            del remembered[oldest[0]]

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

    def image(self) -> Image:
        """All of it, for a snapshot. Only of committed memory (an activation's own is ahead of the journal)."""
        return Image(
            seq=self.seq,
            last_at=self.last_at,
            state_version=self.type.cls.state_version,
            state=encode_state(self.state),
            remembered=[
                RememberedRecord(command_id, kept.at, kept.digest, kept.answer, kept.refused)
                for command_id, kept in self.remembered.items()
            ],
            sends=[(owed.at, owed.record) for owed in self.sends.values()],
        )

    def restore(self, image: Image) -> None:
        """Take over a snapshot. Raises Unreadable and leaves this memory as it was."""
        state = decode_state(image, self.type)
        self.state, self.seq, self.last_at = state, image.seq, image.last_at
        self.remembered = {
            kept.id: Remembered(kept.at, image.seq, kept.digest, kept.answer, kept.refused)
            for kept in image.remembered
        }
        self.sends = {record.id: Outstanding(at, record) for at, record in image.sends}

    # --- deadlines -----------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        """The domain's earliest deadline (ms), None without one."""
        waker = self.type.waker
        return None if waker is None else waker(self.entity, self.state)
