"""A whole house on one loop: a real silo on memory stores, the ingress, a real socket, and people with tokens."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import httpx
import msgspec
import pytest

from actors.clock import ClusterClock
from actors.silo import Silo
from actors.testing.local import local_silo
from actors.words import Accepted, Command, Query, Reply
from api.app import Ingress, create_app
from api.live.words import ScreenLanguage
from api.passwords import hash_password
from api.protocol import ConnectionLimits
from api.server import HttpServer, run_server
from api.settings import ApiSettings, Router, Services
from api.tokens import Tokens
from brand.actor import StaffAccount
from brand.commands import CreateAccount
from brand.staff_list.actor import StaffList
from flash_sale.actor import FlashSaleItem
from store_runtime.audit_log.actor import AuditLog
from store_runtime.delivery.actor import Delivery
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.pickup_screen.actor import PickupScreen
from store_runtime.reservations.actor import ReservationBook
from store_runtime.reservations.plan import ReservationPlan
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateStore
from store_runtime.store.floor.commands import PutTable, TablePlan
from store_runtime.store.menu.commands import PutDish
from store_runtime.table.actor import Table
from store_runtime.table.code import TableCode
from store_runtime.table_session.actor import TableSession
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.till.actor import Till
from store_runtime.waiting_queue.actor import WaitingQueue

ENTITIES = (
    FlashSaleItem,
    Store,
    TakeoutOrder,
    DinerOrders,
    StaffAccount,
    StaffList,
    Delivery,
    PickupScreen,
    ReservationPlan,
    ReservationBook,
    WaitingQueue,
    AuditLog,
    Table,
    TableCode,
    TableSession,
    Till,
)
SECRET = b"a secret of the tests, 32 bytes or more"
PASSWORD = "dinner is served"
ROLES = {
    "owner": {"*": ["owner"]},
    "manager": {"s1": ["manager"]},
    "other-manager": {"s2": ["manager"]},
    "waiter": {"s1": ["waiter"]},
    "cook": {"s1": ["cook"]},
    "cashier": {"s1": ["cashier"]},
    "ops": {"*": ["ops"]},
}

_keys = itertools.count(1)


@cache
def password_hash() -> str:
    """One hash for all accounts of the tests; making it takes 20 ms."""
    return hash_password(PASSWORD)


def fresh_key() -> str:
    """An Idempotency-Key that no test has used."""
    return f"key-{next(_keys)}"


async def until(condition: Callable[[], bool], expected: str, timeout_s: float = 10.0) -> None:
    """Wait for a condition; says what was expected when it does not come."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"expected within {timeout_s} s: {expected}")


def in_time(seconds: float) -> str:
    """A moment from now, as a body carries it."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


class Gate:
    """Holds words back between door and entities until it is opened."""

    def __init__(self, router: Router, holds: Callable[[Command | Query], bool] = lambda word: True) -> None:
        self.router = router
        self.is_open = False
        self._holds = holds
        self._held: list[Callable[[], None]] = []

    def submit(self, entity: str, word: Command | Query, **how: Any) -> None:
        if not self.is_open and self._holds(word):
            self._held.append(lambda: self.router.submit(entity, word, **how))
        else:
            self.router.submit(entity, word, **how)

    @property
    def waiting(self) -> int:
        """Words that are held back."""
        return len(self._held)

    def open(self) -> None:
        """Let everything through, in its order."""
        self.is_open = True
        for go_on in self._held:
            go_on()


class House:
    """Everything a test talks to. ``http`` is a client without a token."""

    def __init__(
        self, silo: Silo, app: Ingress, server: HttpServer, http: httpx.AsyncClient, port: int
    ) -> None:
        self.silo = silo
        self.app = app
        self.server = server
        self.http = http
        self.port = port
        self.clock = ClusterClock()
        self.tokens = Tokens(SECRET)

    # --- people --------------------------------------------------------------------------------------------

    async def diner(self) -> dict[str, str]:
        """Headers of a new guest."""
        answer = await self.http.post("/api/v1/auth/guest", json={})
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    async def staff(self, username: str) -> dict[str, str]:
        """Headers of a staff account that logs in."""
        answer = await self.http.post("/api/v1/auth/staff", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    # --- what they do --------------------------------------------------------------------------------------

    async def command(self, entity: str, command: Command) -> Reply:
        """A command behind the ingress' back."""
        return await self.silo.router.ask(entity, command, command_id=secrets.token_bytes(16))

    async def open_sale(self, **fields: Any) -> dict[str, Any]:
        """A sale of 20 crayfish, open at once, without an entry token, unless the test says otherwise."""
        body = {
            "title": "夜宵小龙虾",
            "dish_id": "crayfish",
            "price_fen": 990,
            "stock": 20,
            "per_user_limit": 2,
            "starts_at": in_time(-5),
            "ends_at": in_time(3_600),
            "entry_required": False,
            **fields,
        }
        headers = {**await self.staff("manager"), "Idempotency-Key": fresh_key()}
        answer = await self.http.post("/api/v1/stores/s1/flash-sales", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        sale: dict[str, Any] = answer.json()
        return sale

    async def claim(
        self, sale_id: str, who: dict[str, str], *, key: str = "", entry_token: str = "", **body: Any
    ) -> httpx.Response:
        """One claim, for one dish unless the test says otherwise."""
        headers = {**who, "Idempotency-Key": key or fresh_key()}
        if entry_token:
            headers["Entry-Token"] = entry_token
        path = f"/api/v1/flash-sales/{sale_id}/claims"
        return await self.http.post(path, json={"quantity": 1, **body}, headers=headers)

    async def check_out(self, claim: dict[str, Any], who: dict[str, str], key: str = "") -> httpx.Response:
        """Go to pay for a claim."""
        path = f"/api/v1/flash-sales/{claim['flash_sale_id']}/claims/{claim['claim_id']}/checkout"
        body = {"fulfilment": "pickup", "payment_channel": "simulated"}
        return await self.http.post(path, json=body, headers={**who, "Idempotency-Key": key or fresh_key()})

    async def becomes(
        self, path: str, who: dict[str, str], expected: Callable[[dict[str, Any]], bool], what: str
    ) -> dict[str, Any]:
        """Read ``path`` as ``who`` until it is as expected; what it was then."""
        shown: dict[str, Any] = {}
        try:
            async with asyncio.timeout(10):
                while True:
                    shown = (await self.http.get(path, headers=who)).json()
                    if expected(shown):
                        return shown
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"expected of {path} within 10 s: {what}; it is {shown}")

    # --- bytes ---------------------------------------------------------------------------------------------

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, data: bytes, timeout_s: float = 10.0) -> bytes:
        """Send bytes, and read until the server closes the connection."""
        reader, writer = await self.connect()
        try:
            writer.write(data)
            async with asyncio.timeout(timeout_s):
                return await reader.read()
        finally:
            writer.close()


def problem_of(raw: bytes) -> dict[str, Any]:
    """The problem document of a raw answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head, raw
    document: dict[str, Any] = msgspec.json.decode(body)
    return document


@contextlib.asynccontextmanager
async def open_house(
    *,
    settings: dict[str, Any] | None = None,
    limits: ConnectionLimits | None = None,
    ready: Callable[[], bool] = lambda: True,
    write_log: Callable[[str], object] = lambda lines: None,
    around: Callable[[Router], Router] = lambda router: router,
    redis: Any = None,
) -> AsyncIterator[House]:
    """A house with store ``s1``, its dishes and its staff. ``around`` puts something between door and entities."""
    async with local_silo(*ENTITIES) as silo:
        await _furnish(silo)

        async def silos() -> list[dict[str, Any]]:
            return [{"silo": "local", "pid": 1, "node": "n", "port": 1, "spare": False, **silo.status()}]

        services = Services(
            router=around(silo.router),
            settings=ApiSettings(
                **{"secret_key": SECRET, "silo": "local", "log_share": 0.0, **(settings or {})}
            ),
            clock=ClusterClock(),
            silos=silos,
            ready=ready,
            metrics_text=lambda: "",
            write_log=write_log,
            redis=redis,
            live=silo.watch(ScreenLanguage()),
            history=silo.stores.journal.read,
        )
        app = create_app(services)
        assert isinstance(app, Ingress)
        listening = socket.create_server(("127.0.0.1", 0), backlog=1_024)
        port = listening.getsockname()[1]
        server = await run_server(app, [listening], limits=limits)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                yield House(silo, app, server, http, port)
        finally:
            await server.drain(5.0)


async def _furnish(silo: Silo) -> None:
    async def must(entity: str, command: Command) -> None:
        reply = await silo.router.ask(entity, command, command_id=secrets.token_bytes(16))
        assert isinstance(reply, Accepted), reply

    for store in ("s1", "s2"):
        await must(f"store/{store}", CreateStore(name="小龙虾馆"))
    await must("store/s1", PutDish(dish_id="crayfish", name="小龙虾", price_fen=8_800))
    await must("store/s1", PutDish(dish_id="noodles", name="凉面", price_fen=1_200, state="qty", left=30))
    for table in ("8", "9"):
        plan = TablePlan(name=table, join_policy="open")
        await must("store/s1", PutTable(table_id=f"t{table}", plan=plan))
    for username, roles in ROLES.items():
        await must(f"staff-account/{username}", CreateAccount(password_hash=password_hash(), roles=roles))
