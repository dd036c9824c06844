"""The demo restaurants: made through commands like everybody else's, so it may be asked for again after a kill."""

from __future__ import annotations

import json
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from actors.router import Router
from actors.turn import command_id, derived_id
from actors.words import Accepted, Command, Query, Rejected, Reply
from api.passwords import hash_password
from brand.commands import ChangePassword, CreateAccount
from cluster import demo_tables
from cluster.demo_data import DemoStore, stores
from flash_sale.commands import GetSale
from flash_sale.projections import SaleView
from store_runtime.delivery.commands import GetDelivery
from store_runtime.delivery.projections import DeliveryView
from store_runtime.reservations.commands import GetPlan
from store_runtime.reservations.projections import PlanView
from store_runtime.store.commands import ChangeSettings, CreateFlashSale, CreateStore
from store_runtime.store.kitchen.commands import ChangeKitchen
from store_runtime.store.menu.commands import GetMenu, PublishMenu, SaveDraft, SetStocks
from store_runtime.store.menu.projections import MenuView
from store_runtime.store.projections import FlashSaleCreation

STORE = "demo"
"""The dining room: the store with the most tables, and with the flash sale."""

ROLES = ("owner", "manager", "waiter", "cook", "cashier", "ops")
SALE_DISH = "braised-beef-noodles"
SALE_STOCK = 1_000
SALE_MS = 7 * 86_400_000


class DemoFailed(Exception):
    """A step of the demo was refused; carries the reply."""


class Demo:
    """Asks the entities for the demo. ``secret`` keys the command ids, so a second run repeats the first."""

    def __init__(self, router: Router, secret: bytes, now_ms: int) -> None:
        self._router = router
        self._secret = secret
        self._now_ms = now_ms

    async def seed(self, passwords: dict[str, str], known_sales: list[str]) -> list[str]:
        """Restaurants, accounts with these passwords, a sale one can claim from: the ids of open demo sales."""
        for store in stores():
            await self._open(store)
        for username, password in passwords.items():
            await self._account(username, password)
        open_sales = [sale_id for sale_id in known_sales if await self._claimable(sale_id)]
        return open_sales or [await self._new_sale()]

    async def _open(self, store: DemoStore) -> None:
        """One restaurant. Menu, delivery and reservation plan that somebody has set since are theirs, and stay."""
        key = f"store/{store.store_id}"
        before = "" if store.store_id == STORE else f"{store.store_id}/"
        await self._do(key, CreateStore(name=store.name), f"{before}store")
        policies = ChangeSettings(join_policy=store.join_policy, pay_mode=store.pay_mode, auto_accept=True)
        await self._do(key, policies, f"{before}policies")
        await self._do(key, ChangeKitchen(stations=store.stations), f"{before}stations")
        for entity, command, step in demo_tables.commands(store, self._secret):
            await self._do(entity, command, f"{before}{step}")
        if store.delivery is not None:
            known = await self._ask(f"delivery/{store.store_id}", GetDelivery(), "")
            if msgspec.msgpack.decode(_accepted(known), type=DeliveryView).version == 0:
                await self._do(f"delivery/{store.store_id}", store.delivery, f"{before}delivery")
        if store.reservations is not None:
            known = await self._ask(f"reservation-plan/{store.store_id}", GetPlan(), "")
            if msgspec.msgpack.decode(_accepted(known), type=PlanView).version == 0:
                await self._do(f"reservation-plan/{store.store_id}", store.reservations, f"{before}plan")
        reply = await self._ask(key, GetMenu(), "")
        if msgspec.msgpack.decode(_accepted(reply), type=MenuView).menu_version == 0:
            await self._do(key, SaveDraft(menu=store.menu), f"{before}draft")
            await self._do(key, PublishMenu(), f"{before}publish")
            await self._do(key, SetStocks(items=store.stock), f"{before}stock")

    async def _account(self, username: str, password: str) -> None:
        key, password_hash = f"staff-account/{username}", hash_password(password)
        roles = {"*": [username]}
        reply = await self._ask(
            key,
            msgspec.convert({"password_hash": password_hash, "roles": roles}, CreateAccount),
            f"account/{username}/{secrets.token_hex(4)}",
        )
        if isinstance(reply, Rejected) and reply.code == "account_exists":
            # An earlier run was killed before it wrote down the password: it gets this one.
            change = ChangePassword(password_hash=password_hash)
            reply = await self._ask(key, change, f"password/{username}/{secrets.token_hex(4)}")
        _accepted(reply)

    async def _claimable(self, sale_id: str) -> bool:
        reply = await self._ask(f"flash-sale/{sale_id}", GetSale(), "")
        if not isinstance(reply, Accepted):
            return False
        view = msgspec.msgpack.decode(reply.answer, type=SaleView)
        return view.phase == "open" and view.left > 0

    async def _new_sale(self) -> str:
        step = f"sale/{self._now_ms}"
        create = CreateFlashSale(
            title="秒杀：九块九的牛肉面 Beef noodles for 9.90",
            dish_id=SALE_DISH,
            price_fen=990,
            stock=SALE_STOCK,
            per_user_limit=2,
            starts_at=self._now_ms - 1_000,
            ends_at=self._now_ms + SALE_MS,
            entry_required=False,
        )
        created = msgspec.msgpack.decode(
            await self._do(f"store/{STORE}", create, step), type=FlashSaleCreation
        )
        opening = derived_id(self._id(step), "sale")
        key = f"flash-sale/{created.flash_sale_id}"
        _accepted(await self._router.ask(key, created.opening, command_id=opening))
        return created.flash_sale_id

    def _id(self, step: str) -> bytes:
        return command_id(self._secret, "demo", "DEMO", "demo", STORE, step)

    async def _ask(self, key: str, word: Command | Query, step: str) -> Reply:
        return await self._router.ask(key, word, command_id=self._id(step) if step else b"", timeout_s=20.0)

    async def _do(self, key: str, command: Command, step: str) -> bytes:
        reply = await self._ask(key, command, step)
        if isinstance(reply, Rejected) and reply.code in {"store_exists", "idempotency_key_reused"}:
            # There already, perhaps as an earlier release's demo wrote it.
            return b""
        return _accepted(reply)


def _accepted(reply: Reply) -> bytes:
    if not isinstance(reply, Accepted):
        raise DemoFailed(str(reply))
    return reply.answer


# --- demo.json, written by the launcher ----------------------------------------------------------------------


def new_passwords() -> dict[str, str]:
    """One for each demo account."""
    return {role: secrets.token_urlsafe(9) for role in ROLES}


def read_demo(data_dir: Path) -> dict[str, Any] | None:
    """The demo of an earlier start; None without one that can be read (it is then written anew)."""
    try:
        demo = json.loads((data_dir / "demo.json").read_text())
        return demo if demo["accounts"] and isinstance(demo["flash_sales"], list) else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_demo(
    data_dir: Path, base_url: str, passwords: dict[str, str], flash_sales: list[str], secret: bytes
) -> dict[str, Any]:
    """Write ``demo.json`` (mode 0600), whole or not at all."""
    demo: dict[str, Any] = {
        "base_url": base_url,
        "stores": [
            {
                "store_id": store.store_id,
                "name": store.name,
                "tables": demo_tables.tokens(store, secret),
            }
            for store in stores()
        ],
        "accounts": [
            {"username": name, "password": password, "roles": [name]} for name, password in passwords.items()
        ],
        "flash_sales": flash_sales,
        "group_buys": [],
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    fresh = data_dir / "demo.json.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as opened:
        json.dump(demo, opened, ensure_ascii=False, indent=1)
    fresh.replace(data_dir / "demo.json")
    return demo


def welcome(demo: dict[str, Any]) -> str:
    """What a newcomer reads: where, who, and a claim to paste."""
    base = demo["base_url"]
    sale = demo["flash_sales"][0]
    accounts = "\n".join(f"    {a['username']:<8} {a['password']}" for a in demo["accounts"])
    menus = "\n".join(
        f"    {store['name']}\n      {base}/api/v1/stores/{store['store_id']}/menu"
        for store in demo["stores"]
    )
    return f"""
  Kaifan, with three restaurants
{menus}
    API and its documents   {base}/docs
    the flash sale          {base}/api/v1/flash-sales/{sale}
  Staff accounts (also in demo.json)
{accounts}
  Claim a bowl of noodles:
    TOKEN=$(curl -s -X POST {base}/api/v1/auth/guest -H 'Content-Type: application/json' -d '{{}}' \\
      | python3 -c 'import json,sys; print(json.load(sys.stdin)["token"])')
    curl -s -X POST {base}/api/v1/flash-sales/{sale}/claims -H "Authorization: Bearer $TOKEN" \\
      -H "Idempotency-Key: bowl-$RANDOM" -H 'Content-Type: application/json' -d '{{"quantity": 1}}'
"""
