"""One entity in memory on the silo that owns it: its memory, its mailbox, its batches, its gated replies."""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable
from typing import Any

from actors.codec import Acknowledged, CommandRecord, EventRecord, SendRecord, encode, record_event
from actors.entity import EntityType
from actors.entity_memory import EntityMemory
from actors.journal import Document
from actors.words import Command, Query, Reply

RECORD_OVERHEAD_BYTES = 40
COMMAND_OVERHEAD_BYTES = 40


class Phase(enum.Enum):
    """Where an activation stands."""

    LOADING = "loading"
    ACTIVE = "active"
    PARKED = "parked"
    """Its last commit is in doubt; nothing is decided until a seal settles it (guarantee 3)."""
    DRAINING = "draining"
    """The shard moves: nothing new is decided; what was decided commits and is answered."""
    GONE = "gone"


class Pending:
    """One command or query on its way to an answer. ``arrival`` orders those that must be decided again.

    ``final_no``: the sender undoes what it did when it hears a no, so the no is recorded and stays one.
    """

    __slots__ = ("arrival", "callback", "command_id", "deadline", "digest", "final_no", "word")

    def __init__(
        self,
        word: Command | Query,
        command_id: bytes,
        digest: bytes,
        deadline: float,
        callback: Callable[[Reply], None] | None,
        final_no: bool = False,
    ) -> None:
        self.word = word
        self.command_id = command_id
        self.digest = digest
        self.deadline = deadline
        self.callback = callback
        self.final_no = final_no
        self.arrival = 0


class Gated:
    """A reply that waits until everything up to ``seq`` is committed (guarantee 2)."""

    __slots__ = ("pending", "reply", "seq")

    def __init__(self, seq: int, pending: Pending, reply: Reply) -> None:
        self.seq = seq
        self.pending = pending
        self.reply = reply


class Batch:
    """The events of one entity that become one journal document."""

    __slots__ = ("commands", "events", "first_seq", "nonce", "sends", "size_bytes", "types")

    def __init__(self, first_seq: int) -> None:
        self.first_seq = first_seq
        self.events: list[EventRecord] = []
        self.commands: list[CommandRecord] = []
        self.sends: list[SendRecord] = []
        self.types: set[str] = set()
        self.size_bytes = 0
        self.nonce = b""

    @property
    def last_seq(self) -> int:
        return self.first_seq + len(self.events) - 1

    def document(self, entity: str, silo: str) -> Document:
        assert self.nonce, "a batch gets its nonce when it takes off"
        return Document(
            entity=entity,
            first_seq=self.first_seq,
            n=len(self.events),
            events=encode(self.events),
            cmds=encode(self.commands) if self.commands else b"",
            sends=encode(self.sends) if self.sends else b"",
            types=sorted(self.types),
            silo=silo,
            nonce=self.nonce,
        )


class Activation:
    """One entity, decided on by one silo. All of it belongs to the silo's one loop."""

    __slots__ = (
        "acknowledgements",
        "committed",
        "courier",
        "flying",
        "full",
        "gated",
        "key",
        "mailbox",
        "memory",
        "open",
        "phase",
        "queued",
        "reminder_at",
        "shard",
        "snapshot_seq",
        "touched",
        "type",
        "wake_at",
    )

    def __init__(self, entity_type: EntityType[Any], key: str, shard: int) -> None:
        self.type = entity_type
        self.key = key
        self.shard = shard
        self.memory = EntityMemory(entity_type, key)
        self.committed = 0
        self.phase = Phase.LOADING
        self.mailbox: deque[Pending] = deque()
        self.gated: deque[Gated] = deque()
        self.open: Batch | None = None
        self.flying: Batch | None = None
        self.queued = False
        """Stands in the committer's queue."""
        self.full = False
        """The open batch is at its limit: the mailbox waits until it flies."""
        self.acknowledgements: list[bytes] = []
        self.courier: dict[bytes, float] = {}
        """Sends under way: id → seconds of back-off so far."""
        self.reminder_at: int | None = None
        """The durable reminder fires at this ms or earlier; None: not known."""
        self.wake_at: int | None = None
        """The live timer's deadline."""
        self.snapshot_seq = 0
        self.touched = 0.0

    def batch(self) -> Batch:
        """The open batch; begins one after what flies or is committed."""
        if self.open is None:
            self.open = Batch(self.memory.seq + 1)
        return self.open

    def acknowledge(self, at: int) -> None:
        """Put the collected acknowledgements into the open batch."""
        event = Acknowledged(sends=self.acknowledgements)
        self.acknowledgements = []
        batch = self.batch()
        self.memory.apply(event, at)
        record = record_event(event, at)
        batch.events.append(record)
        batch.size_bytes += len(record.payload) + RECORD_OVERHEAD_BYTES

    @property
    def quiet(self) -> bool:
        """Nothing is decided and uncommitted, nothing waits."""
        return not (self.flying or self.open or self.gated or self.mailbox or self.acknowledgements)
