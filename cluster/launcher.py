"""``kaifan serve``: the process that starts everything in order, watches it, and ends it in order.

lock → mongod and valkey and Ray (together) → door → silos → demo → ready line. It holds no state: what the silos know
is in MongoDB.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from actors.membership import ENDED
from actors.on_mongo import MongoStores, NotUsable, open_stores
from actors.tasks import end_tasks
from cluster import demo
from cluster.control import ControlSocket, control_path
from cluster.door import Door, open_listener
from cluster.embedded import DataFolder, EmbeddedFailure, EmbeddedMongod, EmbeddedValkey, Keeper
from cluster.embedded.processes import process_end
from cluster.fleet import Fleet, is_spare
from cluster.interrupts import end_at_once
from cluster.notices import NoticeBoard
from cluster.observability import write_logs_to
from cluster.plan import READY_FILE, SiloPlan, lane_plan, runtime_settings
from cluster.ray_internals import head_processes
from cluster.ray_runtime import (
    NAMESPACE,
    end_ray_leftovers,
    forget_ray,
    short_folder,
    start_ray,
    stop_ray,
)
from cluster.records import MONGO_URI_FILE
from cluster.settings import Settings, secret_key, split

SILOS_MAX = 64

SAME_PRESS_S = 0.2
"""One Ctrl-C can arrive twice, from the terminal and from a parent that passes it on."""

log = structlog.get_logger("kaifan.launcher")

Tell = Callable[[str], None]


def raise_file_limit() -> int:
    """As many open files as the system lets us have: 10,000 idle connections need more than the usual 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Launcher:
    """One embedded system. ``tell`` gets a line for each step."""

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self.settings = settings
        self.tell = tell
        self.folder = DataFolder(settings.data_dir)
        self.fleet: Fleet
        self.base_url = f"http://{_shown(settings.host)}:{settings.port}"
        self._stop = asyncio.Event()
        self._scaling = asyncio.Lock()
        self._began = time.monotonic()
        self._failure: EmbeddedFailure | None = None
        self._ctrl_c_at: float | None = None

    async def run(self, after_start: Callable[[Launcher], Awaitable[None]] | None = None) -> None:
        """Start, say that it is ready, wait for the end, end. Raises EmbeddedFailure."""
        self._heed_signals()
        raise_file_limit()
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            if after_start is not None and not self._stop.is_set():
                await after_start(self)
            if not self._stop.is_set():
                self._say_ready(stack)
            await self._stop.wait()
            self.tell("Stopping: no new requests, last commits, then the servers … (again Ctrl-C: kill)")
        self.tell("Stopped; nothing is left running, the data are kept.")
        if self._failure is not None:
            raise self._failure

    def _heed_signals(self) -> None:
        """Ctrl-C, a supervisor's stop and a closed terminal all end it in order."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._stop.set)
        # Besides, outside of the loop: the second Ctrl-C counts even if the loop hangs.
        signal.signal(signal.SIGINT, self._on_ctrl_c)

    def _on_ctrl_c(self, number: int, frame: object) -> None:
        now = time.monotonic()
        if self._ctrl_c_at is None:
            self._ctrl_c_at = now
        elif now - self._ctrl_c_at >= SAME_PRESS_S:
            end_at_once()

    def _say_ready(self, stack: contextlib.AsyncExitStack) -> None:
        ready = self.folder.path / "run" / READY_FILE
        ready.touch()
        stack.callback(ready.unlink, missing_ok=True)
        self.tell(f"Kaifan is ready at {self.base_url}")

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self.settings
        self.folder.lock()
        stack.callback(self.folder.unlock)
        write_logs_to(self.folder.path / "logs" / "launcher.log")
        (self.folder.path / "run" / READY_FILE).unlink(missing_ok=True)
        await asyncio.to_thread(self._end_leftovers)
        listener = stack.enter_context(contextlib.closing(open_listener(settings.host, settings.port)))
        self.tell(f"Starting in {self.folder.path}: MongoDB, Redis, Ray …")
        mongo_uri, redis_uri = await self._start_servers(stack)
        (self.folder.path / "run" / MONGO_URI_FILE).write_text(mongo_uri)
        stores = await self._open_stores(mongo_uri)
        stack.push_async_callback(stores.close)
        await self._end_members_of_this_node(stores)
        short = short_folder(self.folder.path)
        door = Door(short / "door.sock", listener)
        door.open()
        stack.push_async_callback(door.close)
        board = NoticeBoard(short / "notices.sock")
        await board.open()
        stack.push_async_callback(board.close)
        plan = self._plan(mongo_uri, redis_uri, short)
        self.fleet = Fleet(plan, stores.members, stores.quarantine, node_name(), board, self.tell)
        stack.push_async_callback(self.fleet.stop)
        count = settings.silo_count()
        self.tell(f"Starting {count} silo{'s' if count > 1 else ''} …")
        await self._start_silos(count, settings.spares)
        control = ControlSocket(control_path(self.folder.path), self._control)
        await control.open()
        stack.push_async_callback(control.close)

    def _end_leftovers(self) -> None:
        """What a killed run on this folder left; we hold its lock."""
        for leftover in self.folder.end_leftovers():
            self.tell(f"An earlier run was killed; ended its {leftover}.")
        silos = end_ray_leftovers(short_folder(self.folder.path))
        if silos:
            self.tell(f"An earlier run was killed; ended {silos} of its silos' processes.")

    async def _start_servers(self, stack: contextlib.AsyncExitStack) -> tuple[str, str]:
        """mongod, valkey and Ray side by side: Ray's start is the longest."""
        settings = self.settings
        mongod = None if settings.mongo_uri else EmbeddedMongod(self.folder)
        valkey = None if settings.redis_uri else EmbeddedValkey(self.folder)
        short = short_folder(self.folder.path)
        ray_log = self.folder.path / "logs" / "ray.log"
        starts: list[Any] = [asyncio.to_thread(start_ray, short, SILOS_MAX, ray_log)]
        starts += [server.start() for server in (mongod, valkey) if server is not None]
        # Registered before the starts are awaited: a failure of one ends the others.
        for server in (mongod, valkey):
            if server is not None:
                stack.push_async_callback(server.stop)
        stack.callback(forget_ray, short)
        stack.push_async_callback(asyncio.to_thread, stop_ray)
        results = await asyncio.gather(*starts, return_exceptions=True)
        for result in results:
            if isinstance(result, EmbeddedFailure):
                raise result
            if isinstance(result, BaseException):
                raise EmbeddedFailure(
                    f"A service could not be started: {type(result).__name__}: {result}",
                    f"Look at {self.folder.path / 'logs'}; `kaifan doctor` checks the machine.",
                ) from result
        # Ray has put handlers of its own in their place.
        self._heed_signals()
        self._watch_ray(stack)
        self._keep(stack, "mongod", mongod)
        self._keep(stack, "The Redis-compatible server", valkey)
        return (
            mongod.uri if mongod is not None else settings.mongo_uri,
            valkey.uri if valkey is not None else settings.redis_uri,
        )

    def _keep(
        self, stack: contextlib.AsyncExitStack, name: str, server: EmbeddedMongod | EmbeddedValkey | None
    ) -> None:
        """Should it end before we do, it is started again."""
        if server is not None:
            keeper = Keeper(name, server, self.tell)
            keeper.start()
            stack.push_async_callback(keeper.stop)

    def _watch_ray(self, stack: contextlib.AsyncExitStack) -> None:
        """Without it no silo comes back: stop in order, and say why."""
        for name, pid in head_processes():
            task = asyncio.get_running_loop().create_task(self._stop_at_end_of(name, pid))
            stack.callback(task.cancel)

    async def _stop_at_end_of(self, name: str, pid: int) -> None:
        await process_end(pid)
        log.error("ray_ended", process=name, pid=pid)
        self._failure = EmbeddedFailure(
            f"Ray's {name} ended by itself.", "Start again; nothing acknowledged is lost."
        )
        self._stop.set()

    async def _open_stores(self, mongo_uri: str) -> MongoStores:
        try:
            return await open_stores(mongo_uri, self.settings.mongo_database)
        except NotUsable as error:
            raise EmbeddedFailure(
                str(error), "Or leave KAIFAN_MONGO_URI empty for an embedded one."
            ) from error

    async def _end_members_of_this_node(self, stores: MongoStores) -> None:
        """We hold the folder's lock: no silo of an earlier run on this machine can be alive."""
        for member in await stores.members.members():
            if member.node == node_name() and member.state != ENDED:
                await stores.members.mark_ended(member.name, member.incarnation, None)

    def _plan(self, mongo_uri: str, redis_uri: str, sockets: Path) -> Callable[[str], SiloPlan]:
        settings = self.settings
        secret = secret_key(settings)

        def plan_for(name: str) -> SiloPlan:
            return SiloPlan(
                name=name,
                namespace=NAMESPACE,
                mongo_uri=mongo_uri,
                mongo_database=settings.mongo_database,
                redis_uri=redis_uri,
                secret_key=secret,
                door=str(sockets / "door.sock"),
                notices=str(sockets / "notices.sock"),
                run_folder=str(self.folder.path / "run"),
                log_file=str(self.folder.path / "logs" / f"{name}.log"),
                node=node_name(),
                limit_exempt=split(settings.limit_exempt),
                trusted_proxies=split(settings.trusted_proxies),
                simulated_channel=settings.simulated_channel,
                log_share=settings.log_share,
                fast_road=settings.fast_road,
                runtime=runtime_settings(settings),
                lane=lane_plan(settings, str(sockets)),
                spare=is_spare(name),
            )

        return plan_for

    async def _start_fleet(self, count: int, spares: int) -> None:
        await self.fleet.start(count)
        # After them: a spare that is there first would stand in for a silo of the run before.
        await self.fleet.start_spares(spares)

    async def _start_silos(self, count: int, spares: int) -> None:
        start = asyncio.create_task(self._start_fleet(count, spares))
        stop = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait((start, stop), return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                await start
        except TimeoutError:
            raise EmbeddedFailure(
                "A silo did not start within a minute.", f"Look at {self.folder.path / 'logs'}."
            ) from None
        finally:
            await end_tasks(start, stop)

    async def make_demo(self) -> dict[str, Any]:
        """The demo restaurant, as it is or made, with a sale one can claim from; writes ``demo.json``."""
        earlier = demo.read_demo(self.folder.path)
        if earlier is None:
            passwords = demo.new_passwords()
            sales = await self.fleet.demo(passwords, [])
        else:
            passwords = {account["username"]: account["password"] for account in earlier["accounts"]}
            sales = await self.fleet.demo({}, earlier["flash_sales"])
        secret = secret_key(self.settings).encode()
        return demo.write_demo(self.folder.path, self.base_url, passwords, sales, secret)

    # --- control -------------------------------------------------------------------------------------------

    async def _control(self, request: dict[str, Any]) -> dict[str, Any]:
        match request:
            case {"do": "status"}:
                return {
                    "base_url": self.base_url,
                    "pid": os.getpid(),
                    "up_s": round(time.monotonic() - self._began),
                    "restarts": self.fleet.restarts,
                    "silos": await self.fleet.statuses(),
                }
            case {"do": "scale", "silos": int(count)} if 1 <= count <= SILOS_MAX:
                return await self._scale(count)
            case {"do": "demo"}:
                return await self.make_demo()
            case {"do": "poke"}:
                self.fleet.poke()
                return {"poked": len(self.fleet.names)}
            case {"do": "stop"}:
                self._stop.set()
                return {"stopping": True}
            case _:
                return {"error": f"unknown request {request}; scale takes 1 to {SILOS_MAX}"}

    async def _scale(self, count: int) -> dict[str, Any]:
        async with self._scaling:
            before = len(await self.fleet.seats())
            await self.fleet.start(count)
            await self.fleet.shrink(count)
        log.info("scaled", before=before, silos=count)
        return {"before": before, "silos": count}


def node_name() -> str:
    """This machine, this boot: pids of another boot mean nothing."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return f"{socket.gethostname()}/{boot.read_text().strip()[:8] if boot.exists() else 'boot'}"


def _shown(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::"} else host
