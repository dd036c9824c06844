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
from actors.feeds import Language
from actors.following import Following, hottest
from actors.host import EntityHost
from actors.journal import Journal
from actors.lanes import LaneTransport
from actors.live import Hub
from actors.membership import ALIVE, ENDED, LEAVING, Lease, Member, MemberStore, StoreUnreachable
from actors.metering import Meter
from actors.placement import PlacementStore, shard_of
from actors.quarantine import QuarantineStore
from actors.quarantining import Quarantining
from actors.reminders import ReminderStore
from actors.reminding import Reminding
from actors.router import Router
from actors.settings import RuntimeSettings
from actors.snapshots import SnapshotStore
from actors.tasks import end_tasks
from actors.watching import LOOK_AT_MOST_EVERY_S, RETRY_S, Watching
from actors.words import Command, Query

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
    watching_class = Watching

    host: EntityHost
    watching: Watching
    following: Following
    quarantining: Quarantining
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
        self.resident_bytes: Callable[[], int] | None = None
        """Resident memory of the process; given by whoever runs the silo, watched if memory_bytes_max is set."""
        self.on_stand_in: Callable[[], None] = lambda: None
        """A spare holds a seat from now on: whoever runs the silo lets clients in."""
        self._types = types
        self.stores = stores
        self._transport = transport
        self.clock = clock
        self.settings = settings
        self._random = random
        self._loops: set[asyncio.Task[None]] = set()
        self._owned: tuple[int, list[int]] = (-1, [])
        self._suspended = False
        self.stopped = False
        self._ended: asyncio.Event | None = None

    # --- life ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Register a new incarnation, get a first lease, and serve. Waits out an unreachable store."""
        self._ended = asyncio.Event()
        self.member = await self._register()
        self.address = self.member.address
        self.host = self._make_host()
        self.watching = self.watching_class(self)
        self.following = Following(self.host, self.settings.follow_every_s)
        self.host.activator.copies = self.following.take
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
        self.quarantining = Quarantining(self.host, self.stores.quarantine)
        self._reminding = self.reminding_class(self.host, self.stores.reminders, self._mine, self._random)
        await self.renew()
        for loop in (
            self._renew_for_ever(),
            self.watching.run(),
            self.following.run(),
            self._passivate_for_ever(),
            self._reminding.run(),
        ):
            self.keep(asyncio.get_running_loop().create_task(loop))
        log.info("silo_started", silo=self.address)

    def _make_host(self) -> EntityHost:
        return self.host_class(
            address=self.address,
            types=[entity.type for entity in self._types],
            journal=self.stores.journal,
            snapshots=self.stores.snapshots,
            reminders=self.stores.reminders,
            clock=self.clock,
            meter=self.meter,
            settings=self.settings,
            ownership=self,
            random=self._random,
        )

    async def _register(self) -> Member:
        while True:
            try:
                members = await self.stores.members.members()
                self.member.spare = self.member.spare or self._seat_is_held(members)
                return await self.stores.members.register(self.member)
            except StoreUnreachable as outage:
                log.warning("cannot_register", silo=self.name, reason=str(outage))
                await asyncio.sleep(RETRY_S)

    def _seat_is_held(self, members: list[Member]) -> bool:
        """A spare stands in for our earlier incarnation: we are the spare from now on, and nothing moves again."""
        return any(
            other.state == ALIVE and not other.spare and other.held == self.name != other.name
            for other in members
        )

    def keep(self, task: asyncio.Task[None]) -> None:
        """Own a task until it ends; one that fails ends the silo."""
        self._loops.add(task)
        task.add_done_callback(self._loop_ended)

    def _loop_ended(self, task: asyncio.Task[None]) -> None:
        self._loops.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A silo without its lease loop would only wait for its lease to run out: say so and stop.
            log.error("silo_loop_failed", silo=self.address, error=repr(error), exc_info=error)
            self._end()

    @property
    def members(self) -> list[Member]:
        """All incarnations, as of the last look."""
        return self.watching.members if hasattr(self, "watching") else []

    async def drain(self, timeout_s: float) -> None:
        """Leave in order: hand all shards over, or, as the last silo, commit and forget everything."""
        self.member.state = LEAVING
        try:
            async with asyncio.timeout(timeout_s):
                await self._leave()
        except TimeoutError:
            log.warning("drain_timed_out", silo=self.address, entities=len(self.host.activations))

    async def _leave(self) -> None:
        await self.renew()
        while True:
            try:
                await self.watching.look()
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
            await asyncio.sleep(LOOK_AT_MOST_EVERY_S)

    def _heirs(self) -> list[Member]:
        return [m for m in self.members if m.state == ALIVE and m.address != self.address and not m.spare]

    async def stop(self) -> None:
        """End the silo: whoever waits is told, nothing is decided any more; marks itself ended."""
        self._end()
        await end_tasks(*self._loops)
        await self.host.close()
        try:
            await self.stores.members.mark_ended(self.member.name, self.member.incarnation, None)
        except StoreUnreachable as outage:
            log.warning("end_not_recorded", silo=self.address, reason=str(outage))

    async def ended(self) -> None:
        """Returns when this incarnation has stopped for good; its process should end."""
        assert self._ended is not None, "start() first"
        await self._ended.wait()

    def _end(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.lease.end()
            self.host.halt()
            self.router.stop()
            if self._ended is not None:
                self._ended.set()

    # --- screens that follow -----------------------------------------------------------------------------

    def watch(self, language: Language, hub_class: type[Hub] = Hub) -> Hub:
        """The hub of what is followed on this silo; it lives as long as the silo. Once, after :meth:`start`."""
        hub = hub_class(
            host=self.host,
            submit=self.router.submit,
            owner=self._owner_of,
            version=self.version,
            address=self.address,
            clock=self.clock,
            language=language,
            random=lambda: int.from_bytes(self._random(4), "big") / 2**32,
        )
        self.keep(asyncio.get_running_loop().create_task(hub.run()))
        return hub

    def _owner_of(self, entity: str) -> str:
        """As far as we know; empty: nobody."""
        placement = self.router.placement
        return (placement.owner[shard_of(entity)] or "") if placement is not None else ""

    # --- memory --------------------------------------------------------------------------------------------

    async def _passivate_for_ever(self) -> None:
        while not self.stopped:
            await asyncio.sleep(PASSIVATE_EVERY_S)
            await self._mind_memory()

    async def _mind_memory(self) -> None:
        bound = self.settings.memory_bytes_max
        if bound and self.resident_bytes is not None:
            self.host.memory_full = self.resident_bytes() > bound
        for _ in self.host.passivate_idle():
            await asyncio.sleep(0)

    # --- ownership (asked by the host) ----------------------------------------------------------------------

    def may_answer(self) -> bool:
        """The lease holds by our own monotonic clock (guarantee 5)."""
        return self.lease.valid(self.clock.monotonic())

    def version(self) -> int:
        return self.router.placement.version if self.router.placement else 0

    async def confirm(self, shard: int) -> bool:
        """Whose is it? Asked of the placement document itself, until it answers or we have ended."""
        while not self.stopped:
            try:
                placement = await self.stores.placement.read()
            except StoreUnreachable:
                await asyncio.sleep(RETRY_S)
                continue
            self.watching.see(placement)
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
        while not self.stopped:
            renewed = await self.renew()
            await asyncio.sleep(self.settings.renew_every_s if renewed else RETRY_S)

    async def renew(self) -> bool:
        """Renew the lease, and say our state, role and hottest entities; False if nobody heard it."""
        self.member.hot = hottest(self.host.heat)
        sent_at = self.clock.monotonic()
        try:
            renewal = await self.stores.members.renew(self.member)
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

    # --- from outside --------------------------------------------------------------------------------------

    def poke(self) -> None:
        """Look at membership and placement now."""
        self.watching.poke()

    def peer_gone(self, address: str) -> None:
        """The launcher saw that silo's process end: it need not be waited for. Inherit what is ours, at once."""
        self.watching.tell_ended(address)

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
            "seat": "" if self.member.spare else self.member.held,
            "follows": self.following.followed,
            "state": ENDED if self.stopped else self.member.state,
            "serving": not self.stopped and self.may_answer(),
            "shards": len(placement.owned_by(self.address)) if placement else 0,
            "placement_version": placement.version if placement else 0,
            "entities": len(self.host.activations),
            "loading": self.host.activator.loading,
            "mailbox_depth": self.host.pending_count,
            "lane_depth": self.router.depth,
            "quarantined": sorted(self.host.quarantined),
        }


__all__ = ["Command", "Query", "Silo", "Stores"]
