"""The world of one seed: virtual time, silos on loops of their own, an outside that fails, clients that insist.

One step runs one callback of one loop, chosen by the seed. Everything random comes from ``rng``, so a seed gives the
same history in every run and on every machine.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import xxhash

from actors.codec import read_commands
from actors.entity import Entity, EntityType, kind_of
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document, Outcome, Stored
from actors.membership import Member
from actors.placement import shard_of
from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.memory import (
    MemoryJournal,
    MemoryMembers,
    MemoryPlacement,
    MemoryQuarantine,
    MemoryReminders,
    MemorySnapshots,
)
from actors.testing.simulation.loop import SimLoop
from actors.testing.simulation.ports import (
    SimJournal,
    SimMembers,
    SimPlacement,
    SimQuarantine,
    SimReminders,
    SimSnapshots,
)
from actors.testing.simulation.sagas import Sagas
from actors.testing.simulation.streams import SimNetwork
from actors.testing.simulation.watchdog import EndlessTurn, end_process, heed_slot

EPOCH_MS = 1_800_000_000_000
STEPS_MAX = 2_000_000
TRACE_LINES = 400

SETTINGS = RuntimeSettings(
    lease_s=1.0,
    renew_every_s=0.3,
    watch_every_s=0.4,
    mailbox_max=24,
    queue_max=400,
    activations_at_once=2,
    idle_s=0.4,
    entities_max=50,
    snapshot_every=12,
    look_for_reminders_s=0.3,
    follow_every_s=0.15,
)
"""Small numbers, so that bounds are met and leases run out within virtual seconds."""


class Weather(msgspec.Struct, frozen=True):
    """How bad the outside is in this seed: chances per call."""

    lost: float
    answer_lost: float
    late: float
    partial: float
    slow: float
    doubled: float


CALM = Weather(0, 0, 0, 0, 0, 0)


class SimClock:
    """A silo's clocks: monotonic with a rate of its own, cluster time with an offset that may jump."""

    def __init__(self, world: World, rate: float) -> None:
        self._world = world
        self._rate = rate
        self.skew_ms = 0

    def monotonic(self) -> float:
        return 1_000 + self._world.now * self._rate

    def now_ms(self) -> int:
        return EPOCH_MS + int(self._world.now * 1_000) + self.skew_ms


class Seat:
    """A silo's seat: its present incarnation, if it lives."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.silo: Silo | None = None
        self.loop: SimLoop | None = None
        self.clock: SimClock | None = None
        self.leaving = False
        self.slot = ""
        """The entity whose turn has ended its process."""
        self.spare = False

    @property
    def alive(self) -> bool:
        return self.loop is not None and not self.loop.dead

    @property
    def started(self) -> bool:
        return self.alive and self.silo is not None and hasattr(self.silo, "router")


class World:
    """One seed's world. ``silo_class`` may be a mutant's."""

    def __init__(
        self,
        seed: int,
        types: Sequence[type[Entity[Any]]],
        *,
        silo_class: type[Silo] = Silo,
        settings: RuntimeSettings = SETTINGS,
    ) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now = 0.0
        self.types = types
        self.kinds: dict[str, EntityType[Any]] = {entity.type.kind: entity.type for entity in types}
        self.settings = settings
        self.silo_class = silo_class
        self.weather = CALM
        self.outage_until = 0.0
        self.journal = MemoryJournal()
        self.members = MemoryMembers(lambda: EPOCH_MS + int(self.now * 1_000))
        self.placement = MemoryPlacement()
        self.reminders = MemoryReminders()
        self.snapshots = MemorySnapshots()
        self.quarantine = MemoryQuarantine()
        self.seats: dict[str, Seat] = {}
        self.violations: list[str] = []
        self.trace: deque[str] = deque(maxlen=TRACE_LINES)
        self.shadow: dict[str, EntityMemory] = {}
        self.stored_at: dict[tuple[str, bytes], tuple[int, bytes]] = {}
        """(entity, command id) → (sequence of its first event, answer)."""
        self.refused: set[tuple[str, bytes]] = set()
        """Final rejections, recorded at the receiver of a send."""
        self.state_checks: dict[str, Callable[[Any], Sequence[str]]] = {}
        self.sagas = Sagas()
        self.endless: dict[str, list[str]] = {}
        """Entity → seats whose process one of its turns has cost."""
        self._digest = xxhash.xxh3_64()
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._number = 0
        self._ready: list[SimLoop] = []
        self._loops: list[SimLoop] = []
        self.network = SimNetwork(self)
        self._reading: dict[int, int] = {}
        self._steps = 0

    # --- time and chance -------------------------------------------------------------------------------------

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def at(self, when: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (max(when, self.now), self.next_number(), action))

    def after(self, delay: float, action: Callable[[], object]) -> None:
        self.at(self.now + delay, action)

    def latency(self) -> float:
        if self.rng.random() < self.weather.slow:
            return self.rng.random() * 0.4
        return 0.0005 + self.rng.random() * 0.002

    def fate(self) -> str:
        """What becomes of one call to the outside."""
        if self.now < self.outage_until:
            return "lost"
        weather, chance = self.weather, self.rng.random()
        for name, share in (
            ("lost", weather.lost),
            ("answer lost", weather.answer_lost),
            ("late", weather.late),
        ):
            if chance < share:
                return name
            chance -= share
        return "ok"

    def partial(self) -> bool:
        return self.rng.random() < self.weather.partial

    def note_ready(self, loop: SimLoop) -> None:
        if loop not in self._ready:
            self._ready.append(loop)

    def run_until(self, when: float) -> None:
        """Run to a moment of virtual time, or to the first violation."""
        while not self.violations and self._steps < STEPS_MAX:
            if not self._step() and not self._advance(when):
                return
        if self._steps >= STEPS_MAX:
            self.violate("the world did not come to rest: a loop that never ends")

    def _step(self) -> bool:
        """One callback of one loop; False when none is ready."""
        while self._ready:
            index = self.rng.randrange(len(self._ready)) if len(self._ready) > 1 else 0
            loop = self._ready[index]
            if loop.dead or not loop.ready or loop.paused_until > self.now:
                self._ready.pop(index)
                continue
            self._steps += 1
            handle = loop.ready.popleft()
            if not handle.cancelled():
                asyncio._set_running_loop(loop)
                try:
                    handle._run()
                except EndlessTurn as endless:
                    end_process(self, loop, endless.entity)
                finally:
                    asyncio._set_running_loop(None)
            if loop.strike_in:
                loop.count_down()
            if not loop.ready and loop in self._ready:
                self._ready.remove(loop)
            return True
        return False

    def _advance(self, when: float) -> bool:
        if not self._heap or self._heap[0][0] > when:
            self.now = when
            return False
        moment, _, action = heapq.heappop(self._heap)
        self.now = max(self.now, moment)
        action()
        return True

    # --- silos -----------------------------------------------------------------------------------------------

    def start_silo(self, name: str, spare: bool | None = None) -> Seat:
        """A process for this seat: a new incarnation registers and serves by itself. ``spare`` as before if None."""
        seat = self.seats.setdefault(name, Seat(name))
        assert not seat.alive, f"{name} lives already"
        heed_slot(self, seat)
        loop = SimLoop(self, f"{name}@{self.now:.3f}")  # type: ignore[abstract]
        self._loops.append(loop)
        seat.loop, seat.leaving = loop, False
        seat.spare = seat.spare if spare is None else spare
        seat.clock = SimClock(self, 0.98 + self.rng.random() * 0.04)
        noise = random.Random(self.rng.getrandbits(64))
        seat.silo = self.silo_class(
            name=name,
            types=self.types,
            stores=Stores(
                journal=SimJournal(self),
                members=SimMembers(self),
                placement=SimPlacement(self),
                reminders=SimReminders(self),
                snapshots=SimSnapshots(self),
                quarantine=SimQuarantine(self),
            ),
            transport=self.network.lanes(seat, noise.randbytes),
            clock=seat.clock,
            settings=self.settings,
            random=noise.randbytes,
            member=Member(name=name, incarnation=0, spare=seat.spare),
        )
        loop.call_soon(lambda: loop.create_task(self._live(seat, loop)))
        self.say(f"{name} starts")
        return seat

    async def _live(self, seat: Seat, loop: SimLoop) -> None:
        silo = seat.silo
        assert silo is not None
        await silo.start()
        self.say(f"{silo.address} serves")
        await silo.ended()
        # Its process ends with it, and is started again unless it was asked to leave.
        self.say(f"{silo.address} has ended")
        if not seat.leaving:
            loop.dead = True
            self.after(0.5, lambda: None if seat.alive else self.start_silo(seat.name))

    def kill(self, name: str, told: bool) -> None:
        """kill -9. ``told``: the launcher saw it and says so at once; else its lease must run out."""
        seat = self.seats[name]
        if not seat.alive:
            return
        assert seat.loop is not None
        seat.loop.dead = True
        seat.loop.ready.clear()
        self.network.ended(seat.loop)
        silo = seat.silo
        self.say(f"kill {name} ({'told' if told else 'nobody saw it'})")
        if told and silo is not None:
            self.announce_end(silo)

    def announce_end(self, silo: Silo) -> None:
        """What the launcher does when it sees a process end: it tells every silo of the machine."""
        if not hasattr(silo, "address"):
            return
        for other in self.seats.values():
            if other.started and other.silo is not None and other.loop is not None:
                other.loop.call_soon(other.silo.peer_gone, silo.address)

    def pause(self, name: str, seconds: float) -> None:
        """SIGSTOP, and SIGCONT later: nothing runs, clocks go on."""
        loop = self.seats[name].loop
        if loop is None or loop.dead:
            return
        loop.paused_until = max(loop.paused_until, self.now + seconds)
        self.say(f"pause {name} for {seconds:.2f} s")
        self.at(loop.paused_until, lambda: self.note_ready(loop))

    def living(self) -> list[Seat]:
        """Seats whose process runs and serves, in order of their names."""
        return [seat for _, seat in sorted(self.seats.items()) if seat.started]

    def silo_at(self, address: str) -> Silo | None:
        for seat in self.seats.values():
            if seat.started and seat.silo is not None and seat.silo.address == address:
                return seat.silo
        return None

    def loop_of(self, address: str) -> SimLoop | None:
        for seat in self.seats.values():
            if seat.started and seat.silo is not None and seat.silo.address == address:
                return seat.loop
        return None

    # --- what must hold --------------------------------------------------------------------------------------

    def violate(self, what: str) -> None:
        self.say(f"VIOLATION {what}")
        self.violations.append(what)

    def say(self, line: str) -> None:
        self.trace.append(f"{self.now:9.4f}  {line}")

    def stored(self, document: Document, outcome: Outcome) -> None:
        """A document has reached the journal: one history, each command once, the domain's invariants."""
        if not isinstance(outcome, Stored):
            return
        self._digest.update(document.id.encode() + document.events + document.cmds)
        self.say(f"stored {document.id} n={document.n} by {document.silo}")
        memory = self.shadow.get(document.entity)
        if memory is None:
            entity_type = self.kinds[kind_of(document.entity)]
            memory = self.shadow[document.entity] = EntityMemory(entity_type, document.entity)
        for record in read_commands(document.cmds):
            key = (document.entity, record.id)
            if key in self.stored_at or key in self.refused:
                self.violate(f"command {record.id.hex()} of {document.entity} is in the journal twice")
            if record.refused:
                self.refused.add(key)
            else:
                self.stored_at[key] = (document.first_seq + record.first_event, record.answer)
        self.sagas.note(document)
        try:
            memory.apply_document(document)
        except CannotReplay as error:
            self.violate(f"one history: {error}")
            return
        check = self.state_checks.get(memory.type.kind)
        if check is not None:
            for broken in check(memory.state):
                self.violate(f"{document.id}: {broken}")

    def check_owner(self, key: str) -> None:
        """At most one silo with a valid lease decides for a shard (pitfall 6)."""
        shard = shard_of(key)
        owners = []
        for seat in self.seats.values():
            silo = seat.silo
            if not seat.started or silo is None or silo.router.placement is None:
                continue
            if (
                silo.router.placement.owner[shard] == silo.address
                and silo.may_answer()
                and shard not in silo.host.handover.draining
            ):
                owners.append(silo.address)
        if len(owners) > 1:
            self.violate(f"two owners with a valid lease for {key}: {owners}")

    def check_bounds(self) -> None:
        """The queue of a silo stays within its bound (pitfall 11)."""
        for seat in self.seats.values():
            if not seat.started or seat.silo is None:
                continue
            host = seat.silo.host
            if host.pending_count > self.settings.queue_max + 1:
                self.violate(f"{seat.silo.address}: {host.pending_count} commands wait in the silo")

    def reading(self, change: int) -> None:
        """Concurrent loads of one silo; beside them may read a snapshot, and a last look at a followed journal."""
        loop = asyncio.get_running_loop()
        count = self._reading[id(loop)] = self._reading.get(id(loop), 0) + change
        follows = any(seat.spare for seat in self.seats.values())
        if count > self.settings.activations_at_once + 1 + follows:
            self.violate(f"{count} activations at once")

    @property
    def history(self) -> str:
        """A hash over all documents in the order in which they were stored."""
        return str(self._digest.hexdigest())

    def bury(self) -> None:
        """End of the seed."""
        for loop in self._loops:
            asyncio._set_running_loop(loop)
            try:
                loop.bury()
            finally:
                asyncio._set_running_loop(None)
        self._heap.clear()
