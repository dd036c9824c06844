"""The host: entities in memory, one turn at a time, replies gated behind their commits.

Everything here runs on the silo's one loop. A turn (decide → evolve → react) has no await in it; that is the
whole concurrency story. What needs the outside (journal, reminders, other entities) is started here and comes
back as a call.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import structlog

from actors.activation import Activation, Gated, Pending, Phase
from actors.activator import Activator
from actors.clock import Clock
from actors.committer import Committer
from actors.courier import Courier
from actors.doubt import Doubt
from actors.entity import EntityType, kind_of
from actors.entity_memory import CannotReplay
from actors.handover import Handover
from actors.journal import Document, Journal
from actors.metering import Meter
from actors.placement import shard_of
from actors.quarantine import END, SKIP, Quarantine
from actors.reminders import ReminderStore
from actors.settings import RuntimeSettings
from actors.snapshots import SnapshotStore
from actors.sweeper import Sweeper
from actors.tasks import end_tasks
from actors.turns import Taken, take_turn
from actors.words import Accepted, Command, Moved, Query, Rejected, Reply, Unserved, Wake

log = structlog.get_logger("kaifan.host")


class Ownership(Protocol):
    """What the host asks about its right to answer (actors/silo.py)."""

    def may_answer(self) -> bool:
        """The lease holds by our own clock."""
        ...

    def version(self) -> int:
        """The placement version we know."""
        ...

    async def confirm(self, shard: int) -> bool:
        """Ask the placement document itself whether the shard is ours; waits out outages."""
        ...


class EntityHost:
    """All activations of one silo. The classes it is made of may be replaced by a subclass (simulation, mutants)."""

    activator_class = Activator
    committer_class = Committer
    courier_class = Courier
    doubt_class = Doubt
    handover_class = Handover

    def __init__(
        self,
        *,
        address: str,
        types: Iterable[EntityType[Any]],
        journal: Journal,
        snapshots: SnapshotStore,
        reminders: ReminderStore,
        clock: Clock,
        meter: Meter,
        settings: RuntimeSettings,
        ownership: Ownership,
        random: Callable[[int], bytes],
    ) -> None:
        self.address = address
        self.types = {entity_type.kind: entity_type for entity_type in types}
        self.clock = clock
        self.meter = meter
        self.settings = settings
        self.ownership = ownership
        self.activations: dict[str, Activation] = {}
        self.quarantined: dict[str, Quarantine] = {}
        self.heat: Counter[str] = Counter()
        """Entity → events committed lately; hottest() in actors/following.py reads and cools it."""
        self.pending_count = 0
        self.turn_began: tuple[str, float] | None = None
        """(entity, monotonic) while a turn runs: what the watchdog looks at."""
        self.memory_full = False
        self.on_committed: Callable[[str, Document], None] | None = None
        self.followed: set[str] = set()
        """Entities whose commits somebody watches (actors/live.py)."""
        self.on_departure: Callable[[str], None] = _nobody_watches
        self.on_quarantine: Callable[[Quarantine], None] | None = None
        self._arrivals = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper = Sweeper(self)
        self._halted = False
        self.handover = self.handover_class(self)
        self.courier = self.courier_class(self)
        self.activator = self.activator_class(self, journal, snapshots)
        self.committer = self.committer_class(
            silo=address,
            journal=journal,
            reminders=reminders,
            doubt=self.doubt_class(journal, meter, random, clock.now_ms),
            clock=clock,
            meter=meter,
            random=random,
            may_write=self._may_write,
            settled=self._settled,
            parked=self._park,
            departed=self._departed,
            spawn=self.keep,
        )

    def keep(self, task: asyncio.Task[None]) -> None:
        """Own a task until it ends; its failure is a bug and is told."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("runtime_task_failed", error=repr(error), exc_info=error)

    def _may_write(self) -> bool:
        return not self._halted and self.ownership.may_answer()

    # --- coming in -----------------------------------------------------------------------------------------

    def submit(self, key: str, pending: Pending) -> None:
        """Take one command or query for an entity whose shard is ours. The answer comes to its callback, also
        synchronously. Overload is said before any work is done (guarantee 5)."""
        self.admit(pending)
        if self._halted:
            self.refuse(pending, "unavailable", "This silo has stopped.")
            return
        if self.pending_count > self.settings.queue_max:
            self.refuse(pending, "overloaded", "The silo's queue is full.")
            return
        if self.quarantined and (stopped := self.quarantined.get(key)) and stopped.mode != SKIP:
            self._refuse_stopped(pending, stopped)
            return
        if self.handover.draining and shard_of(key) in self.handover.draining:
            self.bounce(pending)
            return
        activation = self.activations.get(key) or self._activate(key, pending)
        if activation is not None:
            self._enter(activation, pending)

    def admit(self, pending: Pending) -> None:
        """Count it in; every pending that is admitted gets exactly one reply."""
        pending.arrival = next(self._arrivals)
        self.pending_count += 1
        self._sweeper.wake()

    def _activate(self, key: str, pending: Pending) -> Activation | None:
        entity_type = self.types.get(kind_of(key))
        if entity_type is None:
            self.reply(pending, Rejected("unknown_command", 422, f"There is no entity {key}.", "", {}, 0))
            return None
        if self.memory_full:
            self.refuse(pending, "overloaded", "The silo's memory is full.")
            return None
        activation = Activation(entity_type, key, shard_of(key))
        self.activations[key] = activation
        self.activator.want(activation)
        return activation

    def _enter(self, activation: Activation, pending: Pending) -> None:
        if activation.phase is Phase.ACTIVE and not activation.mailbox and not activation.full:
            self._turn(activation, pending)
        elif len(activation.mailbox) >= self.settings.mailbox_max:
            self.refuse(pending, "overloaded", "The entity's mailbox is full.")
        else:
            activation.mailbox.append(pending)

    # --- a turn --------------------------------------------------------------------------------------------

    def _turn(self, activation: Activation, pending: Pending) -> None:
        now = self.clock.monotonic()
        activation.touched = now
        if pending.callback is None:
            return
        if pending.deadline <= now:
            self.refuse(pending, "deadline_exceeded", "The time for this command was up before its turn.")
            return
        self.turn_began = (activation.key, now)
        try:
            outcome = take_turn(activation, pending, self.clock.now_ms(), self.settings.document_bytes_max)
        finally:
            self.turn_began = None
        if (took := self.clock.monotonic() - now) > self.settings.turn_warn_s:
            self.meter.slow_turns += 1
            log.warning("slow_turn", entity=activation.key, word=type(pending.word).__name__, seconds=took)
        self._after_turn(activation, pending, outcome)

    def _after_turn(self, activation: Activation, pending: Pending, outcome: Reply | Taken) -> None:
        if outcome is Taken.AGAIN_LATER:
            activation.full = True
            activation.mailbox.appendleft(pending)
            self.committer.enqueue(activation)
        elif outcome is Taken.BROKEN:
            # The state may be half evolved: it is dropped, and only this command is told of it.
            self.meter.poisoned_turns += 1
            self.refuse(pending, "internal_error", "The command failed by a mistake of ours.")
            self.drop(activation)
        else:
            self.gate(activation, pending, outcome)
            if activation.open is not None:
                self.committer.enqueue(activation)

    def gate(self, activation: Activation, pending: Pending, reply: Reply) -> None:
        """The output gate: the reply leaves when all that the entity has decided so far is committed."""
        if activation.memory.seq <= activation.committed and activation.shard not in self.handover.suspects:
            self._leave(pending, reply)
        else:
            activation.gated.append(Gated(activation.memory.seq, pending, reply))

    def _leave(self, pending: Pending, reply: Reply) -> None:
        # An accepted command is durable, whoever owns the entity now. A read or a rejection is only true while
        # we are the owner: the lease is looked at again here (guarantee 5, pitfall 5).
        durable = isinstance(reply, Accepted) and not isinstance(pending.word, Query)
        if not durable and not self.ownership.may_answer():
            reply = Unserved("unavailable", "This silo's lease is out; another may own the entity.", 1_000)
        self.reply(pending, reply)

    def reply(self, pending: Pending, reply: Reply) -> None:
        """Call back, once."""
        callback, pending.callback = pending.callback, None
        if callback is None:
            return
        self.pending_count -= 1
        self._count(pending, reply)
        try:
            callback(reply)
        except Exception as error:
            log.error("reply_callback_failed", error=repr(error), exc_info=error)

    def _count(self, pending: Pending, reply: Reply) -> None:
        name = type(pending.word).__name__
        match reply:
            case Accepted():
                self.meter.commands[(name, "accepted")] += 1
            case Rejected():
                self.meter.commands[(name, "rejected")] += 1
                self.meter.rejected[reply.code] += 1
            case Unserved():
                self.meter.commands[(name, "unserved")] += 1
                self.meter.unserved[reply.code] += 1
            case Moved():
                self.meter.bounced += 1

    def refuse(self, pending: Pending, code: str, detail: str) -> None:
        self.reply(pending, Unserved(code, detail, 1_000))

    def bounce(self, pending: Pending) -> None:
        """Not ours (any more): the router that sent it asks the placement and sends it on (pitfall 7)."""
        self.reply(pending, Moved(self.ownership.version()))

    def _refuse_stopped(self, pending: Pending, stopped: Quarantine) -> None:
        if stopped.mode == END:
            self.reply(
                pending, Rejected("entity_ended", 410, "An operator ended this entity.", "", {}, stopped.seq)
            )
        else:
            self.refuse(pending, "quarantined", f"{stopped.entity} is stopped and waits for an operator.")

    # --- commits come back ---------------------------------------------------------------------------------

    def _departed(self, group: list[Activation]) -> None:
        """Batches have taken off. What is asked of these entities now is answered when they have landed."""
        if self.followed:
            for activation in group:
                if activation.key in self.followed:
                    self.on_departure(activation.key)

    def _settled(self, activation: Activation, standing: Document | None) -> None:
        """The batch in flight is stored (None), or ``standing`` has its place for ever."""
        if activation.phase is Phase.GONE:
            return
        if standing is None:
            self._stored(activation)
            return
        self.meter.fenced += 1
        other = standing.silo != self.address
        log.warning("commit_fenced", entity=activation.key, seq=standing.first_seq, by=standing.silo)
        if other:
            self.handover.suspect(activation.shard)
        self.drop(activation)

    def _stored(self, activation: Activation) -> None:
        batch, activation.flying = activation.flying, None
        assert batch is not None, "only a batch in flight can be stored"
        activation.committed = batch.last_seq
        self.meter.events += len(batch.events)
        self.heat[activation.key] += len(batch.events)
        if activation.phase is Phase.PARKED:
            activation.phase = Phase.DRAINING if activation.shard in self.handover.draining else Phase.ACTIVE
        if self.on_committed is not None:
            self.on_committed(activation.key, batch.document(activation.key, self.address))
        self.courier.committed(activation, batch.sends)
        self.committer.enqueue(activation)
        self.release(activation)
        self.activator.watch_wake(activation)
        self._run_mailbox(activation)
        self.activator.snapshotting.notice(activation)
        self.handover.notice_drained(activation)

    def release(self, activation: Activation) -> None:
        if activation.shard in self.handover.suspects:
            return
        gated = activation.gated
        while gated and gated[0].seq <= activation.committed:
            gate = gated.popleft()
            self._leave(gate.pending, gate.reply)

    def _run_mailbox(self, activation: Activation) -> None:
        while activation.mailbox and activation.phase is Phase.ACTIVE and not activation.full:
            self._turn(activation, activation.mailbox.popleft())

    def _park(self, activation: Activation) -> None:
        if activation.phase is not Phase.GONE:
            activation.phase = Phase.PARKED

    # --- losing an activation ------------------------------------------------------------------------------

    def drop(self, activation: Activation) -> None:
        """The state is lost (fenced, sealed, broken): load it again and decide what was never answered again.

        Commands that the journal holds get their stored answer there; neighbours are untouched.
        """
        self.meter.drops += 1
        waiting = self.forget(activation)
        if activation.shard in self.handover.draining and activation.shard not in self.handover.suspects:
            for pending in waiting:
                self.bounce(pending)
            self.handover.notice_drained(activation)
            return
        if not waiting and not activation.courier and activation.shard not in self.handover.suspects:
            self.handover.notice_drained(activation)
            return
        fresh = Activation(activation.type, activation.key, activation.shard)
        fresh.mailbox.extend(waiting)
        self.activations[activation.key] = fresh
        self.activator.want(fresh)

    def forget(self, activation: Activation) -> list[Pending]:
        """Take it out of the table; what it still owed an answer, in order of arrival."""
        activation.phase = Phase.GONE
        if self.activations.get(activation.key) is activation:
            del self.activations[activation.key]
        waiting = [gate.pending for gate in activation.gated if gate.pending.callback is not None]
        waiting += [pending for pending in activation.mailbox if pending.callback is not None]
        activation.gated.clear()
        activation.mailbox.clear()
        return sorted(waiting, key=lambda pending: pending.arrival)

    def loaded(self, activation: Activation) -> None:
        """The activator has rebuilt the memory from the journal."""
        if activation.phase is Phase.GONE:
            return
        if activation.shard in self.handover.draining:
            for pending in self.forget(activation):
                self.bounce(pending)
            self.handover.notice_drained(activation)
            return
        self.meter.activations += 1
        activation.committed = activation.memory.seq
        activation.phase = Phase.ACTIVE
        activation.touched = self.clock.monotonic()
        self.courier.resume(activation)
        self.activator.watch_wake(activation)
        self._run_mailbox(activation)

    def failed_to_load(self, activation: Activation, error: CannotReplay) -> None:
        """A poisonous event: this entity stops with an alarm, the silo goes on (guarantee 9, pitfall 13)."""
        self.stop_entity(
            Quarantine(entity=activation.key, reason=error.reason, seq=error.seq, at=self.clock.now_ms())
        )

    def stop_entity(self, quarantine: Quarantine) -> None:
        """Stop one entity until an operator decides."""
        self.meter.quarantines += 1
        log.error(
            "entity_quarantined", entity=quarantine.entity, seq=quarantine.seq, reason=quarantine.reason
        )
        self.quarantined[quarantine.entity] = quarantine
        if self.on_quarantine is not None:
            self.on_quarantine(quarantine)
        activation = self.activations.get(quarantine.entity)
        if activation is not None:
            for pending in self.forget(activation):
                self._refuse_stopped(pending, quarantine)
            self.handover.notice_drained(activation)

    def abandon(self, activation: Activation) -> None:
        """Not loadable now and nobody waits, or not ours: whoever still waits is sent on."""
        for pending in self.forget(activation):
            self.bounce(pending)
        self.handover.notice_drained(activation)

    # --- time ----------------------------------------------------------------------------------------------

    def wake(self, key: str, callback: Callable[[Reply], None] | None = None) -> None:
        """Send Wake to an entity of ours; activates it."""
        self.meter.wakes += 1
        deadline = self.clock.monotonic() + WAKE_DEADLINE_S
        self.submit(key, Pending(Wake(), b"", b"", deadline, callback or _ignore))

    def passivate_idle(self) -> Iterator[None]:
        """Let go of idle entities, the longest idle first when there are too many (guarantee 8).

        Yields after every few, where others may have their turn: letting go of thousands at once takes 30 ms.
        """
        idle = []
        for number, activation in enumerate(list(self.activations.values()), 1):
            if self._idle(activation):
                idle.append(activation)
            if number % LOOKED_AT_AT_ONCE == 0:
                yield
        idle.sort(key=lambda activation: activation.touched)
        now = self.clock.monotonic()
        surplus = len(self.activations) - self.settings.entities_max
        for number, activation in enumerate(idle, 1):
            if surplus <= 0 and not self.memory_full and now - activation.touched < self.settings.idle_s:
                break
            if self._idle(activation):
                surplus -= 1
                self.meter.passivations += 1
                self.forget(activation)
            if number % LET_GO_AT_ONCE == 0:
                yield

    def _idle(self, activation: Activation) -> bool:
        return activation.phase is Phase.ACTIVE and activation.quiet and not activation.memory.sends

    # --- the end -------------------------------------------------------------------------------------------

    def resume(self) -> None:
        """The lease holds again: what waited is written."""
        self.committer.pump()

    def halt(self) -> None:
        """Stop for good: nothing is decided or written any more; whoever waits is told to ask another silo."""
        self._halted = True
        for activation in list(self.activations.values()):
            for pending in self.forget(activation):
                self.refuse(pending, "unavailable", "This silo has stopped.")
        self.handover.give_up()

    async def close(self) -> None:
        """Cancel what is still running; used at the end of the process."""
        self.halt()
        await end_tasks(*self._tasks)


WAKE_DEADLINE_S = 30.0
LOOKED_AT_AT_ONCE = 1_000
LET_GO_AT_ONCE = 100


def _nobody_watches(entity: str) -> None:
    """No hub is there."""


def _ignore(reply: Reply) -> None:
    """Nobody waits for this answer."""


__all__ = ["Command", "EntityHost", "Ownership", "Pending"]
