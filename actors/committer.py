"""Group commit: whatever queued up while the last write was under way becomes one write.

No timers: an idle journal is written to at once, a busy one gets larger batches. One document per entity and
batch, one batch of an entity in flight; outcomes are per document, so neighbours never share a fate (pitfall 3).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import structlog

from actors.activation import Activation, Phase
from actors.clock import Clock
from actors.doubt import Doubt
from actors.journal import (
    BATCH_BYTES_MAX,
    BATCH_DOCUMENTS_MAX,
    Document,
    InDoubt,
    Journal,
    Outcome,
    Stored,
    Taken,
)
from actors.membership import StoreUnreachable
from actors.metering import Meter
from actors.reminders import ReminderStore

FLIGHTS_MAX = 2
"""Batches of one silo under way at once; with one, a slow write of one entity would hold up all others."""

RETRY_ROWS_S = 0.1

log = structlog.get_logger("kaifan.committer")


class Committer:
    """Takes activations with an open batch to the journal and tells the host each outcome.

    Runs on the silo's loop. ``may_write`` is the lease: while it does not hold, batches wait. ``settled`` hears
    ``(activation, None)`` for a stored batch, or the document of another writer (or a seal) that took its place.
    ``departed`` hears whose batches have taken off.
    """

    def __init__(
        self,
        *,
        silo: str,
        journal: Journal,
        reminders: ReminderStore,
        doubt: Doubt,
        clock: Clock,
        meter: Meter,
        random: Callable[[int], bytes],
        may_write: Callable[[], bool],
        settled: Callable[[Activation, Document | None], None],
        parked: Callable[[Activation], None],
        departed: Callable[[list[Activation]], None],
        spawn: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self.silo = silo
        self._journal = journal
        self._reminders = reminders
        self._doubt = doubt
        self._clock = clock
        self._meter = meter
        self._random = random
        self._may_write = may_write
        self._settled = settled
        self._parked = parked
        self._departed = departed
        self._spawn = spawn
        self._queue: deque[Activation] = deque()
        self._flights = 0
        self._pump_soon = False

    def enqueue(self, activation: Activation) -> None:
        """The activation has something to commit; does nothing while its last batch is in flight."""
        if activation.flying is None and not activation.queued:
            activation.queued = True
            self._queue.append(activation)
            self.pump()

    def pump(self) -> None:
        """Start flights at the end of this loop iteration, so that all commands read in it share one."""
        if not self._pump_soon:
            self._pump_soon = True
            asyncio.get_running_loop().call_soon(self._take_off)

    def _take_off(self) -> None:
        self._pump_soon = False
        while self._queue and self._flights < FLIGHTS_MAX and self._may_write():
            group = self._next_group()
            if group:
                self._flights += 1
                self._spawn(asyncio.get_running_loop().create_task(self._fly(group)))
                self._departed(group)

    def _next_group(self) -> list[Activation]:
        group: list[Activation] = []
        size = 0
        while self._queue and len(group) < BATCH_DOCUMENTS_MAX and size < BATCH_BYTES_MAX:
            activation = self._queue.popleft()
            activation.queued = False
            if self._pack(activation):
                assert activation.flying is not None
                group.append(activation)
                size += activation.flying.size_bytes
        return group

    def _pack(self, activation: Activation) -> bool:
        """The open batch takes off; False if there is nothing to commit or the activation is gone."""
        if activation.phase is Phase.GONE:
            return False
        if activation.acknowledgements:
            activation.acknowledge(max(activation.memory.last_at, self._clock.now_ms()))
        if activation.open is None or activation.flying is not None:
            return False
        activation.flying, activation.open = activation.open, None
        activation.flying.nonce = self._random(12)
        activation.full = False
        return True

    async def _fly(self, group: list[Activation]) -> None:
        try:
            ready = await self._write_reminders(group)
            documents = [self._document(activation) for activation in ready]
            if documents:
                await self._append(ready, documents)
        finally:
            self._flights -= 1
            self.pump()

    def _document(self, activation: Activation) -> Document:
        assert activation.flying is not None
        return activation.flying.document(activation.key, self.silo)

    async def _append(self, group: list[Activation], documents: list[Document]) -> None:
        began = self._clock.monotonic()
        outcomes = await self._journal.append(documents)
        self._meter.commit_seconds.observe(self._clock.monotonic() - began)
        self._meter.commit_documents.observe(len(documents))
        commands = sum(len(activation.flying.commands) for activation in group if activation.flying)
        self._meter.commit_commands.observe(commands)
        assert len(outcomes) == len(documents), "one outcome per document"
        for activation, document, outcome in zip(group, documents, outcomes, strict=True):
            self._land(activation, document, outcome)

    def _land(self, activation: Activation, document: Document, outcome: Outcome) -> None:
        match outcome:
            case Stored():
                self._settled(activation, None)
            case Taken(document=standing):
                self._settled(activation, None if self._doubt.is_ours(document, standing) else standing)
            case InDoubt(reason=reason):
                self._meter.doubts += 1
                log.warning("commit_in_doubt", entity=activation.key, seq=document.first_seq, reason=reason)
                self._parked(activation)
                loop = asyncio.get_running_loop()
                self._spawn(loop.create_task(self._settle(activation, document)))

    async def _settle(self, activation: Activation, document: Document) -> None:
        self._settled(activation, await self._doubt.settle(document))

    # --- reminders before the commit that needs them (guarantee 7) ----------------------------------------

    def rows_needed(self, group: list[Activation]) -> dict[str, int]:
        """The reminder rows that must be earlier before these batches may be stored."""
        rows = {}
        for activation in group:
            needed = self.deadline(activation)
            if needed is not None and (activation.reminder_at is None or needed < activation.reminder_at):
                rows[activation.key] = needed
        return rows

    def deadline(self, activation: Activation) -> int | None:
        """The entity's earliest deadline; a send that is owed is one too, a few seconds from now."""
        deadline = activation.memory.deadline()
        if activation.memory.sends:
            deliver = self._clock.now_ms() + SEND_REMINDER_MS
            deadline = deliver if deadline is None else min(deadline, deliver)
        return deadline

    async def _write_reminders(self, group: list[Activation]) -> list[Activation]:
        rows = self.rows_needed(group)
        if not rows:
            return group
        if len(rows) < len(group):
            # The others do not wait for rows that are not theirs.
            apart = [activation for activation in group if activation.key not in rows]
            self._flights += 1
            self._spawn(asyncio.get_running_loop().create_task(self._fly(apart)))
            group = [activation for activation in group if activation.key in rows]
        try:
            await self._reminders.at_latest(rows, f"{self.silo}:{self._random(6).hex()}")
        except StoreUnreachable as outage:
            log.warning("reminders_unreachable", entities=len(rows), reason=str(outage))
            for activation in group:
                self._retry(activation)
            return []
        for activation in group:
            activation.reminder_at = rows[activation.key]
        return group

    def _retry(self, activation: Activation) -> None:
        """Nothing went to the journal: the batch flies again after a moment, with what was decided meanwhile."""
        loop = asyncio.get_running_loop()
        loop.call_later(RETRY_ROWS_S, self._fly_again, activation)

    def _fly_again(self, activation: Activation) -> None:
        if activation.flying is None or activation.phase is Phase.GONE:
            return
        if not self._may_write():
            self._retry(activation)
            return
        self._flights += 1
        self._spawn(asyncio.get_running_loop().create_task(self._fly([activation])))


SEND_REMINDER_MS = 5_000
