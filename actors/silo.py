"""A silo: host + router + its right to exist (lease, membership, placement) + reminders, on one loop.

Build it, ``await start()``; from then on it serves by itself: it renews its lease, takes and hands over shards,
declares dead peers ended, and wakes entities whose reminders are due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from actors.clock import Clock, ClusterClock
from actors.entity import Entity
from actors.host import EntityHost
from actors.journal import Journal
from actors.lanes import LaneTransport
from actors.membership import ALIVE, ENDED, LEAVING, Lease, Member, MemberStore, StoreUnreachable
from actors.metering import Meter
from actors.placement import Placement, PlacementStore, propose, release, take
from actors.quarantine import QuarantineStore
from actors.quarantining import Quarantining
from actors.reminders import ReminderStore
from actors.reminding import Reminding
from actors.router import Router
from actors.settings import RuntimeSettings
from actors.snapshots import SnapshotStore
from actors.tasks import end_tasks
from actors.words import Command, Query

RETRY_S = 0.3
PASSIVATE_EVERY_S = 10.0

log = structlog.get_logger("kaifan.silo")


class Stores(msgspec.Struct):
    """The outside of a silo, all of it in MongoDB in production."""

    journal: Journal
    members: MemberStore
    placement: PlacementStore
    reminders: ReminderStore
    snapshots: SnapshotStore
    quarantine: QuarantineStore


class Silo:
    """One process's share of all entities. Everything runs on the loop that called :meth:`start`."""

    host_class = EntityHost
    reminding_class = Reminding

    host: EntityHost
    router: Router
    address: str

    def __init__(
        self,
        *,
        name: str,
        types: Sequence[type[Entity[Any]]],
        stores: Stores,
        transport: LaneTransport,
        clock: Clock,
        settings: RuntimeSettings,
        random: Callable[[int], bytes],
        member: Member,
    ) -> None:
        assert member.name == name, "a silo registers under its own name"
        self.name = name
        self.meter = Meter()
        self.lease = Lease(settings.lease_s)
        self.member = member
        self.members: list[Member] = []
        self.resident_bytes: Callable[[], int] | None = None
        """Resident memory of the process; given by whoever runs the silo, watched if memory_bytes_max is set."""
        self._types = types
        self._stores = stores
        self._transport = transport
        self.clock = clock
        self._settings = settings
        self._random = random
        self._loops: set[asyncio.Task[None]] = set()
        self._poked: asyncio.Event | None = None
        self._seen: dict[str, tuple[int, float]] = {}
        self._releasing: set[int] = set()
        self._owned: tuple[int, list[int]] = (-1, [])
        self._looked_at = 0.0
        self._suspended = False
        self._stopped = False
        self._ended: asyncio.Event | None = None

    # --- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Register a new incarnation, get a first lease, and serve. Waits out an unreachable store."""
        self._poked = asyncio.Event()
        self._ended = asyncio.Event()
        self.member = await self._register()
        self.address = self.member.address
        self.host = self._make_host()
        self.router = Router(
            address=self.address,
            host=self.host,
            transport=self._transport,
            clock=self.clock,
            meter=self.meter,
            may_answer=self.may_answer,
            look=self.poke,
        )
        self.host.courier.submit = self.router.submit
        self._quarantining = Quarantining(self.host, self._stores.quarantine)
        self._reminding = self.reminding_class(self.host, self._stores.reminders, self._mine, self._random)
        await self._renew()
        for loop in (self._renew_for_ever(), self._watch_for_ever(), self._reminding.run()):
            self._keep(asyncio.get_running_loop().create_task(loop))
        log.info("silo_started", silo=self.address)

    def _make_host(self) -> EntityHost:
        return self.host_class(
            address=self.address,
            types=[entity.type for entity in self._types],
            journal=self._stores.journal,
            snapshots=self._stores.snapshots,
            reminders=self._stores.reminders,
            clock=self.clock,
            meter=self.meter,
            settings=self._settings,
            ownership=self,
            random=self._random,
        )

    async def _register(self) -> Member:
        while True:
            try:
                return await self._stores.members.register(self.member)
            except StoreUnreachable as outage:
                log.warning("cannot_register", silo=self.name, reason=str(outage))
                await asyncio.sleep(RETRY_S)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._loops.add(task)
        task.add_done_callback(self._loop_ended)

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        self._loops.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A silo without its lease loop would only wait for its lease to run out: say so and stop.
            log.error("silo_loop_failed", silo=self.address, error=repr(error), exc_info=error)
            self._end()

    async def drain(self, timeout_s: float) -> None:
        """Leave in order: hand all shards over, or, as the last silo, commit and forget everything."""
        self.member.state = LEAVING
        try:
            async with asyncio.timeout(timeout_s):
                await self._leave()
        except TimeoutError:
            log.warning("drain_timed_out", silo=self.address, entities=len(self.host.activations))

    async def _leave(self) -> None:
        await self._renew()
        while True:
            try:
                await self._look()
            except StoreUnreachable as outage:
                log.warning("cannot_look", silo=self.address, reason=str(outage))
                await asyncio.sleep(RETRY_S)
                continue
            placement = self.router.placement
            mine = placement.owned_by(self.address) if placement else []
            if not mine:
                return
            if not self._heirs():
                await self.host.handover.drain(mine)
                return
            await asyncio.sleep(TAKE_OVER_LOOK_S)

    def _heirs(self) -> list[Member]:
        return [m for m in self.members if m.state == ALIVE and m.address != self.address and not m.spare]

    async def stop(self) -> None:
        """End the silo: whoever waits is told, nothing is decided any more; marks itself ended."""
        self._end()
        await end_tasks(*self._loops)
        await self.host.close()
        try:
            await self._stores.members.mark_ended(self.member.name, self.member.incarnation, None)
        except StoreUnreachable as outage:
            log.warning("end_not_recorded", silo=self.address, reason=str(outage))

    async def ended(self) -> None:
        """Returns when this incarnation has stopped for good; its process should end."""
        assert self._ended is not None, "start() first"
        await self._ended.wait()

    def _end(self) -> None:
        if not self._stopped:
            self._stopped = True
            self.lease.end()
            self.host.halt()
            self.router.stop()
            if self._ended is not None:
                self._ended.set()

    # --- ownership (asked by the host) ----------------------------------------------------------------------

    def may_answer(self) -> bool:
        """The lease holds by our own monotonic clock (guarantee 5)."""
        return self.lease.valid(self.clock.monotonic())

    def version(self) -> int:
        return self.router.placement.version if self.router.placement else 0

    async def confirm(self, shard: int) -> bool:
        """Whose is it? Asked of the placement document itself, until it answers or we have ended."""
        while not self._stopped:
            try:
                placement = await self._stores.placement.read()
            except StoreUnreachable:
                await asyncio.sleep(RETRY_S)
                continue
            self._see(placement)
            return placement.owner[shard] == self.address
        return False

    def _mine(self) -> list[int]:
        """The shards we own and may answer for now."""
        placement = self.router.placement
        if placement is None or not self.may_answer():
            return []
        if self._owned[0] != placement.version:
            self._owned = (placement.version, placement.owned_by(self.address))
        return self._owned[1]

    # --- the lease -----------------------------------------------------------------------------------------

    async def _renew_for_ever(self) -> None:
        while not self._stopped:
            renewed = await self._renew()
            await asyncio.sleep(self._settings.renew_every_s if renewed else RETRY_S)

    async def _renew(self) -> bool:
        sent_at = self.clock.monotonic()
        try:
            renewal = await self._stores.members.renew(self.member)
        except StoreUnreachable as outage:
            self.meter.lease_failures += 1
            self._note_suspension()
            log.warning("lease_not_renewed", silo=self.address, reason=str(outage))
            return False
        if renewal.ended:
            self._declared_ended()
            return True
        self.meter.lease_renewals += 1
        self.lease.renewed(sent_at)
        if isinstance(self.clock, ClusterClock):
            self.clock.measured(renewal.primary_ms, sent_at, self.clock.monotonic())
        if self._suspended and self.may_answer():
            self._suspended = False
            log.warning("silo_resumed", silo=self.address)
        self.host.resume()
        return True

    def _note_suspension(self) -> None:
        if not self._suspended and not self.may_answer():
            self._suspended = True
            self.meter.suspensions += 1
            log.warning("silo_suspended", silo=self.address)

    def _declared_ended(self) -> None:
        """A successor has taken our place: stop for good (pitfall 8)."""
        log.error("silo_ended_by_successor", silo=self.address)
        self._end()

    # --- membership and placement ---------------------------------------------------------------------------

    def poke(self) -> None:
        """Look at membership and placement now."""
        if self._poked is not None:
            self._poked.set()

    async def _watch_for_ever(self) -> None:
        assert self._poked is not None
        since_passivation = 0.0
        while not self._stopped:
            self._poked.clear()
            began = self.clock.monotonic()
            try:
                await self._look()
            except StoreUnreachable as outage:
                log.warning("cannot_look", silo=self.address, reason=str(outage))
                await asyncio.sleep(RETRY_S)
            if began - since_passivation > PASSIVATE_EVERY_S:
                since_passivation = began
                self._mind_memory()
            # At most one look per 20 ms, however often we are poked.
            await asyncio.sleep(TAKE_OVER_LOOK_S)
            await self._wait_for_poke(self._settings.watch_every_s)

    async def _wait_for_poke(self, timeout_s: float) -> None:
        assert self._poked is not None
        try:
            async with asyncio.timeout(timeout_s):
                await self._poked.wait()
        except TimeoutError:
            return

    def _mind_memory(self) -> None:
        bound = self._settings.memory_bytes_max
        if bound and self.resident_bytes is not None:
            self.host.memory_full = self.resident_bytes() > bound
        self.host.passivate_idle()

    async def _look(self) -> None:
        """One look: who lives, what is whose, and what follows for us."""
        self.members = await self._stores.members.members()
        await self._bury()
        placement = await self._stores.placement.read()
        self._see(placement)
        await self._quarantining.look()
        if not self.may_answer():
            return
        await self._take(placement)
        await self._propose(self.router.placement or placement)
        self._begin_release()

    async def _bury(self) -> None:
        """Declare dead whose beat stood still for the lease and 20 % more, on our own clock."""
        now = self.clock.monotonic()
        # Our own health first: a loop that was blocked has not watched anybody (pitfall 8).
        watched = now - self._looked_at < self._settings.lease_s / 2
        self._looked_at = now
        for member in self.members:
            if member.state == ENDED:
                self.router.peer_ended(member.address)
                continue
            beat, since = self._seen.get(member.address, (-1, now))
            if beat != member.beat or not watched:
                self._seen[member.address] = (member.beat, now)
            elif self._overdue(member, now - since) and await self._mark_ended(member):
                member.state = ENDED
                self.router.peer_ended(member.address)

    def _overdue(self, member: Member, silent_s: float) -> bool:
        return (
            member.address != self.address and silent_s > self._settings.lease_s * 1.2 and self.may_answer()
        )

    async def _mark_ended(self, member: Member) -> bool:
        log.warning("silo_seems_dead", silo=member.address, by=self.address)
        return await self._stores.members.mark_ended(member.name, member.incarnation, member.beat)

    def _see(self, placement: Placement) -> None:
        known = self.router.placement
        if known is not None and placement.version <= known.version:
            return
        before = set(known.owned_by(self.address)) if known else set()
        now = set(placement.owned_by(self.address))
        self.router.placement = placement
        if before - now:
            self.host.handover.lose_shards(before - now)
        self._undrain_kept()

    def _undrain_kept(self) -> None:
        """What is ours and stays ours is decided for, also after a move that was called off half-way."""
        placement = self.router.placement
        if placement is not None and self.host.handover.draining:
            kept = {shard for shard in placement.owned_by(self.address) if not placement.next[shard]}
            self.host.handover.undrain((kept & self.host.handover.draining) - self._releasing)

    async def _take(self, placement: Placement) -> None:
        draft = take(placement, self.address)
        if draft is not None and self.member.state == ALIVE and await self._stores.placement.swap(draft):
            gained = set(draft.owned_by(self.address)) - set(placement.owned_by(self.address))
            self.meter.takeovers += len(gained)
            self.host.handover.draining -= gained
            self._see(draft)
            log.info("shards_taken", silo=self.address, shards=len(gained), version=draft.version)

    async def _propose(self, placement: Placement) -> None:
        living = [m.address for m in self.members if m.state == ALIVE and not m.spare]
        # Only who is *known* to have ended: a silo that registered after we read the members is not gone.
        ended = [m.address for m in self.members if m.state == ENDED]
        draft = propose(placement, living, ended)
        if draft is not None and await self._stores.placement.swap(draft):
            self._see(draft)
            self.poke()

    def _begin_release(self) -> None:
        placement = self.router.placement
        shards = set(placement.to_release(self.address)) - self._releasing if placement else set()
        if shards:
            self._releasing |= shards
            self._keep(asyncio.get_running_loop().create_task(self._release(shards)))

    async def _release(self, shards: set[int]) -> None:
        """Drain, then say so in the placement; a successor sees it and takes."""
        try:
            await self.host.handover.drain(shards)
            while not self._stopped:
                try:
                    placement = await self._stores.placement.read()
                    draft = release(placement, self.address, shards)
                    if draft is None or await self._stores.placement.swap(draft):
                        self._see(draft or placement)
                        return
                except StoreUnreachable:
                    await asyncio.sleep(RETRY_S)
        finally:
            self._releasing -= shards
            self._undrain_kept()
            self.poke()

    # --- from outside --------------------------------------------------------------------------------------

    def receive(self, batch: bytes) -> None:
        """A lane's batch has come in (raises LaneDown if it is for an earlier incarnation)."""
        self.router.receive(batch)

    def status(self) -> dict[str, Any]:
        """Counts and gauges for ``/ops/silos`` and the metrics."""
        placement = self.router.placement
        return {
            "silo": self.address,
            "pid": self.member.pid,
            "node": self.member.node,
            "port": self.member.port,
            "spare": self.member.spare,
            "state": ENDED if self._stopped else self.member.state,
            "serving": not self._stopped and self.may_answer(),
            "shards": len(placement.owned_by(self.address)) if placement else 0,
            "placement_version": placement.version if placement else 0,
            "entities": len(self.host.activations),
            "loading": self.host.activator.loading,
            "mailbox_depth": self.host.pending_count,
            "lane_depth": self.router.depth,
            "quarantined": sorted(self.host.quarantined),
        }


TAKE_OVER_LOOK_S = 0.02

__all__ = ["Command", "Query", "Silo", "Stores"]
