"""D6 over HTTP: each recommendation can be had, and says why it is one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from actors.words import Accepted
from pricing.menu import Dish, Menu
from pricing.selection import Selection
from store_runtime.store.commands import CreateStore
from store_runtime.store.menu.commands import PublishMenu, SaveDraft, SetDishStock
from store_runtime.store.orders.commands import PlaceLines, WantedLine
from tests.api.house import House

pytestmark = pytest.mark.anyio

_stores = itertools.count(1)

MENU = Menu(
    dishes=(
        Dish(dish_id="duck", name="烤鸭", price_fen=19_800, flags=("signature",)),
        Dish(dish_id="tea", name="茶", name_en="Tea", price_fen=800),
        Dish(dish_id="soup", name="汤", price_fen=1_800, flags=("recommended",)),
        Dish(dish_id="hidden", name="下架", price_fen=1_800, flags=("recommended",), shown=False),
        Dish(dish_id="rice", name="饭", price_fen=300),
    ),
)


@pytest.fixture
async def store(house: House) -> str:
    """A store whose guests drink tea with their duck, and have soup without."""
    store = f"together-{next(_stores)}"
    commands: list[Any] = [CreateStore(name="烤鸭店"), SaveDraft(menu=MENU), PublishMenu()]
    for number in range(8):
        dishes = {"duck": 19_800, "tea": 800} if number < 4 else {"soup": 1_800}
        lines = tuple(
            WantedLine(
                line_id=f"o{number}.{dish}", selection=Selection(dish_id=dish), quantity=1, quoted_fen=price
            )
            for dish, price in dishes.items()
        )
        commands.append(
            PlaceLines(
                order=f"takeout/o{number}",
                batch=1,
                label="A1",
                channel="pickup",
                menu_version=1,
                lines=lines,
            )
        )
    for command in commands:
        reply = await house.command(f"store/{store}", command)
        assert isinstance(reply, Accepted), reply
    return store


async def ask(house: House, store: str, query: str = "") -> list[Any]:
    answer = await house.http.get(f"/api/v1/stores/{store}/menu/together{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_D6_what_is_ordered_together_comes_first_with_its_counts(house: House, store: str) -> None:
    """Then what the house picked, that it picked it; never what is off the shelf, and never the dish itself."""
    tea, soup = await ask(house, store, "?dish_id=duck")

    assert (tea["dish_id"], tea["name_en"], tea["price_fen"]) == ("tea", "Tea", 800)
    assert tea["reason"] == {"why": "ordered_together", "together": 4, "orders": 4}
    assert (soup["dish_id"], soup["reason"]) == ("soup", {"why": "recommended"})
    assert [one["dish_id"] for one in await ask(house, store)] == ["soup", "duck"]
    assert len(await ask(house, store, "?dish_id=duck&limit=1")) == 1


async def test_D6_a_dish_that_is_out_is_never_recommended(house: House, store: str) -> None:
    """Out, or sold to the last one."""
    await house.command(f"store/{store}", SetDishStock(dish_id="tea", state="qty", left=0))
    await house.command(f"store/{store}", SetDishStock(dish_id="soup", state="out"))
    house.app.door.menus.changed(store)

    assert await ask(house, store, "?dish_id=duck") == []


async def test_D6_a_dish_or_store_that_is_not_there_is_said_to_be_none(house: House, store: str) -> None:
    """404 for both; a limit beyond the bound is named."""
    dish = await house.http.get(f"/api/v1/stores/{store}/menu/together?dish_id=none")
    nowhere = await house.http.get("/api/v1/stores/nowhere/menu/together")
    many = await house.http.get(f"/api/v1/stores/{store}/menu/together?limit=1000")

    assert (dish.status_code, dish.json()["code"]) == (404, "dish_not_found")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "store_not_found")
    assert (many.status_code, many.json()["code"]) == (422, "invalid_field")
