"""D4: what runs short reaches every open cart that wants it, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from actors.testing.kit import NOON
from pricing.menu import Dish, Menu, Option, OptionGroup
from pricing.selection import Selection
from store_runtime.store.menu.commands import (
    NoteStock,
    PublishMenu,
    SaveDraft,
    SetDishStock,
    SetStocks,
    StockSetting,
)
from store_runtime.store.menu.telling import SCARCE
from store_runtime.store.orders.commands import PlaceLines, ReleaseLines, WantedLine
from store_runtime.table_session.commands import SubmitRound
from tests.store_runtime.builders import HOUR
from tests.store_runtime.tables import PRICES, Dining, add, edit

STORE = "store/s1"
BIG = OptionGroup(group_id="size", name="份量", options=(Option(option_id="big", name="大份"),))


@pytest.fixture
def dining() -> Dining:
    """Tables 8 and 9, each with a guest, and a menu of four dishes."""
    stage = Dining()
    dishes = [Dish(dish_id=key, name=key, price_fen=fen, option_groups=(BIG,)) for key, fen in PRICES.items()]
    stage.when(STORE, SaveDraft(menu=Menu(dishes=tuple(dishes))))
    stage.when(STORE, PublishMenu())
    for table, guest in (("t8", "ann"), ("t9", "bob")):
        assert stage.scan(guest, table).accepted
    return stage


def session_at(stage: Dining, table: str) -> str:
    (sitting,) = stage[STORE].state.floor.tables[table].note.sessions
    return f"table-session/{sitting.session_id}"


def want(stage: Dining, table: str, guest: str, *ops: Any) -> None:
    results = edit(stage[session_at(stage, table)], guest, *ops)
    assert all(result.status == "accepted" for result in results)


def say(stage: Dining, command: Any) -> None:
    outcome = stage.when(STORE, command)
    assert outcome.accepted, outcome.rejection
    stage.settle()


def lefts(stage: Dining, table: str) -> dict[str, int | None]:
    """Dish → what its line says is left."""
    lines = stage[session_at(stage, table)].state.cart.lines.values()
    return {line.selection.dish_id: line.left for line in lines}


def news(stage: Dining, table: str) -> int:
    """How many events of stock the table's screens were shown."""
    kept = stage[session_at(stage, table)].state.live.kept
    return sum(1 for event in kept if event.type == "stock_noted")


def order(order: str, dish_id: str, quantity: int, *, fire: bool = True) -> PlaceLines:
    line = WantedLine(
        line_id=f"{order}.l1",
        selection=Selection(dish_id=dish_id),
        quantity=quantity,
        quoted_fen=PRICES[dish_id],
    )
    return PlaceLines(
        order=f"takeout/{order}",
        batch=1,
        label="A1",
        channel="pickup",
        menu_version=1,
        lines=(line,),
        fire=fire,
        hold_until=0 if fire else NOON + HOUR,
    )


def test_D4_a_dish_that_is_out_is_marked_in_the_carts_that_want_it(dining: Dining) -> None:
    """And unmarked when it is in again; a table that wants something else is shown nothing."""
    want(dining, "t8", "ann", add("a", "duck"), add("b", "rice"))
    want(dining, "t9", "bob", add("a", "tea"))

    say(dining, SetDishStock(dish_id="duck", state="out"))
    assert lefts(dining, "t8") == {"duck": 0, "rice": None}
    assert (lefts(dining, "t9"), news(dining, "t9")) == ({"tea": None}, 0)

    say(dining, SetDishStock(dish_id="duck", state="in"))
    assert lefts(dining, "t8") == {"duck": None, "rice": None}
    assert news(dining, "t8") == 2


def test_D4_the_last_ones_that_orders_take_are_counted_down_in_every_cart(dining: Dining) -> None:
    """Nothing as long as there is plenty; what an order gives back is there again."""
    want(dining, "t8", "ann", add("a", "duck"))
    say(dining, SetDishStock(dish_id="duck", state="qty", left=SCARCE + 3))
    say(dining, order("o1", "duck", 2))
    assert (lefts(dining, "t8"), news(dining, "t8")) == ({"duck": None}, 0)

    say(dining, order("o2", "duck", 4, fire=False))
    assert lefts(dining, "t8") == {"duck": 2}
    say(dining, ReleaseLines(order="takeout/o2", batch=1, reason="unpaid"))
    assert lefts(dining, "t8") == {"duck": None}


def test_D4_a_line_hears_of_its_options_too(dining: Dining) -> None:
    """What is left of a line is what is left of the scarcest thing it needs."""
    big = Selection(dish_id="duck", options=("big",))
    want(dining, "t8", "ann", add("a", "duck", selection=big))

    items = (
        StockSetting(dish_id="duck", state="qty", left=4),
        StockSetting(dish_id="duck#big", state="qty", left=1),
        StockSetting(dish_id="tea", state="out"),
    )
    say(dining, SetStocks(items=items))

    assert lefts(dining, "t8") == {"duck": 1}
    assert news(dining, "t8") == 1


def test_D4_a_dish_is_back_in_the_carts_at_its_moment(dining: Dining) -> None:
    """The reminder that brings it back tells them."""
    want(dining, "t8", "ann", add("a", "duck"))
    say(dining, SetDishStock(dish_id="duck", state="out", until=NOON + HOUR))
    assert lefts(dining, "t8") == {"duck": 0}

    dining.pass_until(NOON + HOUR)

    assert lefts(dining, "t8") == {"duck": None}


def test_D4_a_line_that_comes_later_shows_what_was_said_before(dining: Dining) -> None:
    """Also one that comes back from a round that the store refused."""
    say(dining, SetDishStock(dish_id="duck", state="qty", left=2))
    want(dining, "t8", "ann", add("a", "duck", 3))
    assert (lefts(dining, "t8"), news(dining, "t8")) == ({"duck": 2}, 0)

    session = session_at(dining, "t8")
    submit = SubmitRound(seen_seq=dining[session].state.live.seq, user_id="ann")
    assert dining.when(session, submit).accepted
    say(dining, SetDishStock(dish_id="duck", state="out"))

    assert lefts(dining, "t8") == {"duck": 0}


def test_D4_an_older_note_that_comes_late_changes_nothing(dining: Dining) -> None:
    """Messages may overtake each other; a repeated one is not news."""
    want(dining, "t8", "ann", add("a", "duck"))
    session = dining[session_at(dining, "t8")]

    session.when(NoteStock(change=9, left={"duck": 2}))
    session.when(NoteStock(change=7, left={"duck": 0}))
    session.when(NoteStock(change=9, left={"duck": 2}))

    assert (lefts(dining, "t8"), news(dining, "t8")) == ({"duck": 2}, 1)
