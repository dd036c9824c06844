"""The demo restaurant may be asked for again at any time: after a kill, after its sale is over."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher

from actors.silo import Silo
from actors.testing.local import local_silo
from actors.turn import command_id
from actors.words import Accepted, Query, Rejected
from api.table_tokens import number_of
from brand.commands import GetAccount
from brand.projections import AccountView
from cluster.demo import Demo, new_passwords, read_demo, write_demo
from cluster.demo_data import stores
from cluster.rooms import ENTITIES
from flash_sale.commands import GetSale, StopSale
from flash_sale.projections import SaleView
from pricing.items import MenuIndex, PricedItem, price_item
from pricing.menu_check import problems_of
from pricing.selection import Selection
from store_runtime.delivery.commands import ChangeDelivery, GetDelivery, GetFee, Point
from store_runtime.delivery.projections import DeliveryView, Fee
from store_runtime.reservations.commands import ChangePlan, GetPlan, Policy
from store_runtime.reservations.projections import PlanView
from store_runtime.store.menu.commands import GetMenu, PutDish
from store_runtime.store.menu.projections import MenuView
from store_runtime.table.code import CodePlace, GetCode
from store_runtime.table.commands import GetTable, ScanCode
from store_runtime.table.projections import ScanAnswer

pytestmark = pytest.mark.anyio
SECRET = b"secret" * 8


@pytest.fixture
async def silo() -> AsyncIterator[Silo]:
    async with local_silo(*ENTITIES) as started:
        yield started


def _demo(silo: Silo) -> Demo:
    return Demo(silo.router, SECRET, silo.clock.now_ms())


async def _ask(silo: Silo, entity: str, query: Query) -> bytes:
    reply = await silo.router.ask(entity, query)
    assert isinstance(reply, Accepted), reply
    return reply.answer


async def _sale(silo: Silo, sale_id: str) -> SaleView:
    return msgspec.msgpack.decode(await _ask(silo, f"flash-sale/{sale_id}", GetSale()), type=SaleView)


async def test_the_first_time_makes_a_restaurant_with_an_open_sale(silo: Silo) -> None:
    """A menu, and a sale one can claim from at once."""
    (sale_id,) = await _demo(silo).seed(new_passwords(), [])

    sale = await _sale(silo, sale_id)
    assert (sale.phase, sale.policy, sale.left) == ("open", "fifo", sale.stock)
    menu = msgspec.msgpack.decode(await _ask(silo, "store/demo", GetMenu()), type=MenuView)
    assert len(menu.dishes) >= 60


def test_D1_D7_the_demo_has_three_real_menus() -> None:
    """Each fits together, in both languages, with allergens, stations, options and sets; every dish has a price."""
    for store in stores():
        assert problems_of(store.menu) == []
        index = MenuIndex(store.menu, 1)
        names = [(dish.name, dish.name_en) for dish in store.menu.dishes]
        assert all(name and english for name, english in names)
        assert len(set(names)) == len(names)
        cooked = {dish.station for dish in store.menu.dishes if dish.kind != "set"}
        assert cooked == {terms.station for terms in store.stations}
        for dish in store.menu.dishes:
            if not dish.time_slots:
                priced = price_item(index, Selection(dish_id=dish.dish_id), 2, 720)
                assert isinstance(priced, PricedItem), dish.dish_id
    dining = stores()[0].menu
    assert {dish.kind for dish in dining.dishes} == {"plain", "set", "weighed", "market"}
    assert sum(area.tables for area in stores()[0].areas) == 20
    assert any(area.room for area in stores()[0].areas)


async def test_T12_T14_one_can_have_the_demo_deliver_and_reserve_at_it(silo: Silo) -> None:
    """The counter brings a bowl to an address nearby for a fee; the dining room has seats every evening."""
    await _demo(silo).seed({}, [])

    near = GetFee(to=Point(lat=31.2304, lng=121.4737))
    fee = msgspec.msgpack.decode(await _ask(silo, "delivery/demo-counter", near), type=Fee)
    plan = msgspec.msgpack.decode(await _ask(silo, "reservation-plan/demo", GetPlan()), type=PlanView)

    assert (fee.zone_id, fee.fee_fen, fee.min_order_fen) == ("near", 300, 2_000)
    assert sum(slot.seats for slot in plan.slots if slot.starts >= "17:00") > 0
    assert all(len(slot.weekdays) == 7 for slot in plan.slots)


async def test_T12_T14_terms_that_were_changed_since_stay(silo: Silo) -> None:
    """The demo made again, also under another secret, does not undo a manager's work."""
    await _demo(silo).seed({}, [])
    away = ChangeDelivery(offered=False, origin=Point(lat=1, lng=1), zones=())
    full = ChangePlan(slots=(), policy=Policy())
    for entity, change in (("delivery/demo-counter", away), ("reservation-plan/demo", full)):
        key = command_id(SECRET, "test", "PUT", entity, "demo", "1")
        assert isinstance(await silo.router.ask(entity, change, command_id=key), Accepted)

    await Demo(silo.router, b"another" * 8, silo.clock.now_ms()).seed({}, [])

    terms = msgspec.msgpack.decode(
        await _ask(silo, "delivery/demo-counter", GetDelivery()), type=DeliveryView
    )
    plan = msgspec.msgpack.decode(await _ask(silo, "reservation-plan/demo", GetPlan()), type=PlanView)
    assert (terms.offered, plan.slots) == (False, ())


async def test_D1_a_menu_that_was_published_since_stays(silo: Silo) -> None:
    """The demo made again does not undo a manager's work."""
    await _demo(silo).seed({}, [])
    put = PutDish(dish_id="special", name="今日特供", price_fen=4_200)
    key = command_id(SECRET, "test", "PUT", "dish", "demo", "1")
    assert isinstance(await silo.router.ask("store/demo", put, command_id=key), Accepted)

    await Demo(silo.router, b"another" * 8, silo.clock.now_ms()).seed({}, [])

    menu = msgspec.msgpack.decode(await _ask(silo, "store/demo", GetMenu()), type=MenuView)
    assert (menu.dishes[-1].dish_id, menu.menu_version) == ("special", 2)


async def test_again_changes_nothing_while_the_sale_is_open(silo: Silo) -> None:
    """The same sale, the same accounts."""
    passwords = new_passwords()
    sales = await _demo(silo).seed(passwords, [])

    assert await _demo(silo).seed({}, sales) == sales
    assert await _opens(silo, "owner", passwords["owner"])


async def test_a_sale_that_is_over_is_followed_by_a_fresh_one(silo: Silo) -> None:
    """After it was stopped, one can still claim at once."""
    (over,) = await _demo(silo).seed({}, [])
    stop = command_id(SECRET, "test", "POST", "stop", over, "1")
    assert isinstance(await silo.router.ask(f"flash-sale/{over}", StopSale(), command_id=stop), Accepted)

    (fresh,) = await _demo(silo).seed({}, [over])

    assert fresh != over
    assert (await _sale(silo, fresh)).phase == "open"


async def test_after_a_kill_before_demo_json_the_new_passwords_are_the_right_ones(silo: Silo) -> None:
    """An account that is there already gets the password that is going to be written down."""
    await _demo(silo).seed(new_passwords(), [])
    second = new_passwords()

    await _demo(silo).seed(second, [])

    assert await _opens(silo, "manager", second["manager"])


async def _opens(silo: Silo, username: str, password: str) -> bool:
    answer = await _ask(silo, f"staff-account/{username}", GetAccount())
    return PasswordHasher().verify(msgspec.msgpack.decode(answer, type=AccountView).password_hash, password)


def test_demo_json_is_whole_or_not_there(tmp_path: Path) -> None:
    """Mode 0600; half a file counts as none."""
    written = write_demo(tmp_path, "http://127.0.0.1:8000", new_passwords(), ["f1"], SECRET)

    file = tmp_path / "demo.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_demo(tmp_path) == written == json.loads(file.read_text())
    file.write_text(file.read_text()[:100])
    assert read_demo(tmp_path) is None


async def test_T1_a_table_of_the_demo_can_be_sat_at(silo: Silo, tmp_path: Path) -> None:
    """The first token of demo.json stands on an open table, paid later; there are twenty."""
    await _demo(silo).seed({}, [])
    tables = write_demo(tmp_path, "http://127.0.0.1:8000", new_passwords(), ["f1"], SECRET)["stores"][0][
        "tables"
    ]
    number = number_of(SECRET, tables[0]["token"])
    place = msgspec.msgpack.decode(await _ask(silo, f"table-code/{number}", GetCode()), type=CodePlace)
    table, scan = f"table/{place.store_id}.{place.table_id}", ScanCode(rotation=place.rotation, user_id="ann")

    async with asyncio.timeout(10):  # its terms are on their way from the store
        while isinstance(await silo.router.ask(table, GetTable()), Rejected):
            await asyncio.sleep(0.01)
    reply = await silo.router.ask(
        table, scan, command_id=command_id(SECRET, "ann", "POST", "scan", table, "1")
    )

    assert len(tables) == 20
    assert isinstance(reply, Accepted)
    assert msgspec.msgpack.decode(reply.answer, type=ScanAnswer).outcome == "opened"
