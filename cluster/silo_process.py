"""One silo in its process: stores, runtime, ingress and watchdog put together on one loop."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from pathlib import Path
from typing import Any

import psutil
import structlog
from redis.asyncio import BlockingConnectionPool, Redis

from actors.clock import ClusterClock
from actors.collecting import ShortCollections
from actors.lanes import LaneDown
from actors.membership import ENDED, Member, StoreUnreachable
from actors.on_mongo import MongoStores, open_stores
from actors.on_mongo.stores import NotUsable
from actors.on_redis.fan_out import RedisFanOut
from actors.quarantine import Quarantine
from actors.silo import Silo
from api.app import create_app
from api.live.words import ScreenLanguage
from api.server import HttpServer, run_server
from api.settings import ApiSettings, Services
from cluster.demo import Demo
from cluster.door import ask_for_listener
from cluster.notices import hear
from cluster.observability import metrics_text, write_logs_to
from cluster.plan import READY_FILE, SiloPlan
from cluster.rooms import ENTITIES
from cluster.silo_lanes import SiloLanes
from cluster.watchdog import Watchdog, take_slot

DRAIN_HTTP_S = 10.0
RETRY_S = 0.5
REDIS_TIMEOUT_S = 0.5

log = structlog.get_logger("kaifan.process")


class SiloProcess:
    """Builds and runs a silo from its plan. Everything is on the loop that called :meth:`start`."""

    def __init__(self, plan: SiloPlan) -> None:
        self.plan = plan
        self.silo: Silo
        self._stores: MongoStores
        self._clock = ClusterClock()
        self._http: HttpServer | None = None
        self._redis: Redis | None = None
        self._watchdog: Watchdog | None = None
        self._own_port = socket.socket()
        self._leaving = False
        self._system_ready = False
        self._guard: asyncio.Task[None] | None = None
        self._lanes = SiloLanes(
            plan,
            address=lambda: getattr(getattr(self, "silo", None), "address", ""),
            members=lambda: self.silo.members,
            receive=lambda batch: self.silo.receive(batch),
        )
        self._hearing: asyncio.Task[None] | None = None
        self._listener: socket.socket | None = None
        self._closed_door: socket.socket | None = None

    async def start(self) -> None:
        """Open stores (waits out an outage), join, serve HTTP."""
        self._write_log = write_logs_to(Path(self.plan.log_file))
        self._stores = await self._open_stores()
        self._own_port.bind(("127.0.0.1", 0))
        self._own_port.listen(256)
        self._own_port.setblocking(False)
        # Before it joins: a silo that gets no door must not take shards from a spare that has one.
        self._listener = await self._ask_for_listener()
        await self._quarantine_endless()
        await self._end_earlier_incarnations()
        await self._lanes.open()
        self.silo = self._make_silo()
        await self.silo.start()
        self._hearing = asyncio.get_running_loop().create_task(hear(self.plan.notices, self.silo.peer_gone))
        self._start_watchdog()
        await self._serve()
        ShortCollections().install()
        self._guard = asyncio.get_running_loop().create_task(self._end_with_the_silo())

    async def _ask_for_listener(self) -> socket.socket:
        """Waits for a launcher that stands still: an actor that fails to start is not started again by Ray."""
        while True:
            try:
                return await asyncio.to_thread(ask_for_listener, self.plan.door)
            except OSError as error:
                log.warning("no_door", reason=str(error))
                await asyncio.sleep(RETRY_S)

    async def _open_stores(self) -> MongoStores:
        while True:
            try:
                return await open_stores(self.plan.mongo_uri, self.plan.mongo_database)
            except NotUsable as error:
                log.warning("stores_not_open", reason=str(error))
                await asyncio.sleep(RETRY_S)

    def _make_silo(self) -> Silo:
        plan = self.plan
        silo = Silo(
            name=plan.name,
            types=ENTITIES,
            stores=self._stores,
            transport=self._lanes.transport,
            clock=self._clock,
            settings=plan.runtime,
            random=os.urandom,
            member=Member(
                name=plan.name,
                incarnation=0,
                node=plan.node,
                pid=os.getpid(),
                port=self._own_port.getsockname()[1],
                facts=self._lanes.facts,
                spare=plan.spare,
            ),
        )
        process = psutil.Process()
        silo.resident_bytes = lambda: int(process.memory_info().rss)
        return silo

    async def _end_earlier_incarnations(self) -> None:
        """Our own seat's earlier processes on this machine are gone for certain if their pid is: no need to wait
        for their lease."""
        while True:
            try:
                for member in await self._stores.members.members():
                    if self._is_gone(member):
                        await self._stores.members.mark_ended(member.name, member.incarnation, None)
                return
            except StoreUnreachable:
                await asyncio.sleep(RETRY_S)

    def _is_gone(self, member: Member) -> bool:
        ours = member.name == self.plan.name and member.node == self.plan.node
        return (
            ours
            and member.state != ENDED
            and (member.pid == os.getpid() or not psutil.pid_exists(member.pid))
        )

    # --- endless turns -------------------------------------------------------------------------------------

    def _slot(self) -> Path:
        return Path(self.plan.run_folder) / f"{self.plan.name}.turn"

    async def _quarantine_endless(self) -> None:
        entity = take_slot(self._slot())
        while entity is not None:
            try:
                await self._stores.quarantine.put(Quarantine(entity=entity, reason="a turn did not end"))
                log.error("entity_quarantined", entity=entity, reason="a turn did not end")
                return
            except StoreUnreachable:
                await asyncio.sleep(RETRY_S)

    def _start_watchdog(self) -> None:
        host = self.silo.host
        self._watchdog = Watchdog(self._slot(), lambda: host.turn_began, self.plan.runtime.turn_max_s)
        self._watchdog.start()

    # --- HTTP ----------------------------------------------------------------------------------------------

    async def _serve(self) -> None:
        plan = self.plan
        pool = BlockingConnectionPool.from_url(
            plan.redis_uri,
            max_connections=4,
            timeout=REDIS_TIMEOUT_S,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
        )
        self._redis = Redis(connection_pool=pool)
        hub = self.silo.watch(ScreenLanguage())
        prefix = f"kaifan:live:{plan.mongo_database}"
        fan_out = RedisFanOut(hub, plan.redis_uri, prefix, self.silo.address, random.random)
        self.silo.keep(asyncio.get_running_loop().create_task(fan_out.run()))
        services = Services(
            router=self.silo.router,
            settings=ApiSettings(
                secret_key=plan.secret_key.encode(),
                silo=plan.name,
                limit_exempt=plan.limit_exempt,
                trusted_proxies=plan.trusted_proxies,
                simulated_channel=plan.simulated_channel,
                log_share=plan.log_share,
                fast_road=plan.fast_road,
            ),
            clock=self.silo.clock,
            silos=self._silos,
            ready=self._ready,
            metrics_text=lambda: metrics_text(self.silo.meter, self.status()),
            write_log=self._write_log,
            redis=self._redis,
            live=hub,
            history=self._stores.journal.read,
        )
        listener = self._listener
        assert listener is not None, "asked for before the silo joined"
        # A spare lets nobody in: whatever it accepted would have to go on to an owner. The socket waits for its hour.
        sockets = [self._own_port] if self.silo.member.spare else [listener, self._own_port]
        self._http = await run_server(create_app(services), sockets)
        if listener not in sockets:
            self._closed_door = listener
            self.silo.on_stand_in = self._open_door
            if not self.silo.member.spare:
                self._open_door()

    def _open_door(self) -> None:
        listener, self._closed_door = self._closed_door, None
        if listener is not None and self._http is not None:
            self._http.accept_from(listener)

    def _ready(self) -> bool:
        if not self._system_ready:
            self._system_ready = (Path(self.plan.run_folder) / READY_FILE).exists()
        able = self.silo.may_answer() and self.silo.router.placement is not None
        return self._system_ready and able and not self._leaving

    async def _silos(self) -> list[dict[str, Any]]:
        """Rows of GET /ops/silos: ours in full, the others as the membership knows them."""
        rows = [self.status()]
        placement = self.silo.router.placement
        for member in self.silo.members:
            if member.state != ENDED and member.address != self.silo.address:
                rows.append(
                    {
                        "silo": member.address,
                        "pid": member.pid,
                        "node": member.node,
                        "port": member.port,
                        "spare": member.spare,
                        "state": member.state,
                        "shards": len(placement.owned_by(member.address)) if placement else 0,
                    }
                )
        return rows

    def status(self) -> dict[str, Any]:
        """What the silo says of itself, and what its lanes are."""
        return self.silo.status() | self._lanes.status()

    def drift_ms(self) -> float:
        """Cluster time less this machine's wall clock."""
        return self._clock.drift_ms()

    async def demo(self, passwords: dict[str, str], known_sales: list[str]) -> list[str]:
        """Make the demo restaurant; the ids of sales one can claim from."""
        demo = Demo(self.silo.router, self.plan.secret_key.encode(), self.silo.clock.now_ms())
        return await demo.seed(passwords, known_sales)

    # --- the end -------------------------------------------------------------------------------------------

    def receive(self, batch: bytes) -> bool:
        """A lane's batch; False if it is for another incarnation."""
        try:
            self.silo.receive(batch)
        except LaneDown:
            return False
        return True

    async def _end_with_the_silo(self) -> None:
        """A silo that a successor has ended must not go on as a process: Ray starts a new incarnation."""
        await self.silo.ended()
        if not self._leaving:
            log.error("process_ends_with_its_silo", silo=self.silo.address)
            os._exit(1)

    async def leave(self, timeout_s: float) -> None:
        """In order: not ready, finish HTTP, hand over or commit, stop."""
        self._leaving = True
        if self._http is not None:
            await self._http.drain(min(timeout_s, DRAIN_HTTP_S))
        await self.silo.drain(timeout_s)
        await self.silo.stop()
        self._lanes.close()
        if self._watchdog is not None:
            self._watchdog.stop()
        if self._hearing is not None:
            self._hearing.cancel()
        if self._redis is not None:
            await self._redis.aclose()
        await self._stores.close()
