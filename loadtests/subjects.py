"""Who is measured. Each subject starts its own servers in its own folder; all speak one HTTP contract."""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from actors.placement import best_owner, shard_of, silo_name
from loadtests.generator import Diner
from loadtests.processes import HOST, DidNotStart, Server, free_port
from loadtests.wire import HttpConnection

KAIFAN_START_SECONDS_MAX = 120.0
KAIFAN_STOP_SECONDS_MAX = 30.0
GUESTS_AT_ONCE = 16
HOLD_SECONDS = 3600


class SaleRefused(Exception):
    """A subject would not open a sale or register a guest; the message holds its answer."""


class Subject(ABC):
    """One server, or a group of them, that sells."""

    remembers = True
    """False for a no-op: it may answer 201 to everything, and its audit must fail."""

    def __init__(
        self, name: str, durability: str, *, cases: Iterable[str] = (), measured_against: str = ""
    ) -> None:
        self.name, self.durability = name, durability
        self.cases = frozenset(cases)
        self.measured_against = measured_against or "kaifan"
        """The subject that ratios are to."""
        self.base_url = ""
        self.servers: list[Server] = []
        self._store_id, self._dish_id, self._staff_token = "store-1", "dish-1", ""

    @abstractmethod
    async def start(self, folder: Path) -> None:
        """Start everything; ready to sell when this returns. Raises ``DidNotStart``."""

    @abstractmethod
    async def diners(self, count: int) -> list[Diner]:
        """At least ``count`` diners with good tokens; the same ones on every call."""

    async def door(self, flash_sale_id: str) -> str:
        """The base URL that claims of this sale are sent to."""
        return self.base_url

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


class Kaifan(Subject):
    """Kaifan as a user starts it, with the demo restaurant; only the per-address limits are off."""

    def __init__(
        self,
        name: str,
        *,
        silos: int,
        settings: Mapping[str, str] | None = None,
        cases: Iterable[str] = (),
    ) -> None:
        super().__init__(name, "fsync-majority", cases=cases)
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
        self._accounts = {str(account["username"]): account for account in demo["accounts"]}
        self._staff_token = await self._log_in("manager")
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

    async def silo_urls(self) -> dict[str, str]:
        """Base URL of each silo's own port, by the silo's name; what the common port would hand a connection to."""
        headers = {"Authorization": f"Bearer {await self._log_in('ops')}"}
        async with HttpConnection(self.base_url) as connection:
            answer = await connection.request("GET", "/api/v1/ops/silos", headers=headers, seconds=30)
        rows = [row for row in answer.json().get("items", []) if not row.get("spare")]
        return {silo_name(str(row["silo"])): f"http://{HOST}:{row['port']}" for row in rows}

    async def _log_in(self, username: str) -> str:
        account = self._accounts[username]
        body = {"username": username, "password": account["password"]}
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


class Through(Subject):
    """A running Kaifan, claimed from through one silo: the one that owns the sale, or one that does not.

    Several of these share one system: whoever is first starts it, and the last one's stop ends it.
    """

    def __init__(
        self, name: str, system: Kaifan, *, owner: bool, cases: Iterable[str], measured_against: str = ""
    ) -> None:
        super().__init__(name, system.durability, cases=cases, measured_against=measured_against or name)
        self._system, self._owner = system, owner
        self._silos: dict[str, str] = {}

    async def start(self, folder: Path) -> None:
        if not self._system.servers:
            await self._system.start(folder)
        self.base_url = self._system.base_url
        self._silos = await self._system.silo_urls()
        if len(self._silos) < 2:
            raise DidNotStart(f"{self.name}: two silos are needed, there are {sorted(self._silos)}")

    async def diners(self, count: int) -> list[Diner]:
        return await self._system.diners(count)

    async def open_sale(self, stock: int, per_user_limit: int) -> str:
        return await self._system.open_sale(stock, per_user_limit)

    async def stop_sale(self, flash_sale_id: str) -> None:
        await self._system.stop_sale(flash_sale_id)

    async def door(self, flash_sale_id: str) -> str:
        # Placement is rendezvous hashing over the silos' names, so a client can compute it (docs/architecture.md).
        owner = best_owner(shard_of(f"flash-sale/{flash_sale_id}"), {name: name for name in self._silos})
        return next(url for name, url in self._silos.items() if (name == owner) == self._owner)

    async def stop(self) -> None:
        await self._system.stop()


def _read_demo(path: Path) -> dict[str, Any]:
    """``demo.json``, which the contract promises once the server is ready."""
    try:
        return dict(msgspec.json.decode(path.read_bytes()))
    except (OSError, msgspec.DecodeError) as missing:
        raise DidNotStart(f"ready without a usable {path}: {missing}") from missing


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
