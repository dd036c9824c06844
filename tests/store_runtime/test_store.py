"""The store: settings, menu, the books of each dish, and stock carved out for flash sales."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.testing.kit import NOON, Given, after
from flash_sale.commands import OpenSale
from store_runtime.store.actor import Store
from store_runtime.store.commands import (
    ChangeSettings,
    CreateFlashSale,
    CreateStore,
    GetStore,
    ListFlashSales,
    RecordSold,
    ReturnStock,
    UndoFlashSale,
)
from store_runtime.store.invariants import violations
from store_runtime.store.menu.commands import GetDish, GetDishStock, GetMenu, PutDish, SetDishStock
from store_runtime.store.menu.rejections import DishNotFound, MenuFull
from store_runtime.store.rejections import (
    FlashSaleUnknown,
    InvalidField,
    NotEnoughStock,
    StoreExists,
    StoreNotFound,
)
from store_runtime.store.state import StoreBooks
from tests.store_runtime.builders import HOUR, MINUTE


def store(left: int | None = 20) -> Given[StoreBooks]:
    """A store with crabs, of which so many are left (None: not counted)."""
    given = after(Store("store-1"))
    assert given.when(CreateStore(name="蟹庄")).accepted
    state: Any = "in" if left is None else "qty"
    assert given.when(
        PutDish(dish_id="crab", name="大闸蟹", price_fen=9_900, state=state, left=left)
    ).accepted
    return given


def plan(**fields: Any) -> CreateFlashSale:
    plain: dict[str, Any] = {
        "title": "Crab at noon",
        "dish_id": "crab",
        "price_fen": 3_900,
        "stock": 8,
        "per_user_limit": 2,
        "starts_at": NOON,
        "ends_at": NOON + HOUR,
    }
    return CreateFlashSale(**(plain | fields))


def books(given: Given[StoreBooks]) -> dict[str, int]:
    """The numbers of the dish that are not zero."""
    assert violations(given.state) == []
    view = given.ask(GetDishStock(dish_id="crab"))
    numbers = {
        name: getattr(view, name) for name in ("initial", "restocked", "left", "held", "sold", "waste")
    }
    return {name: number for name, number in numbers.items() if number}


def test_D4_a_counted_dish_starts_with_what_it_has() -> None:
    """What is there in the morning is what the books begin with."""
    assert books(store(left=20)) == {"initial": 20, "left": 20}
    assert books(store(left=None)) == {}


def test_D4_setting_the_stock_restocks_the_difference() -> None:
    """The books stay even when somebody counts again, up or down."""
    given = store(left=20)

    given.when(SetDishStock(dish_id="crab", state="qty", left=5))
    assert books(given) == {"initial": 20, "restocked": -15, "left": 5}
    given.when(SetDishStock(dish_id="crab", state="qty", left=30))
    assert books(given) == {"initial": 20, "restocked": 10, "left": 30}
    given.when(SetDishStock(dish_id="crab", state="in"))
    assert books(given) == {"initial": 20, "restocked": -20}


def test_D4_a_dish_that_is_out_keeps_its_books() -> None:
    """Out hides what is left; back, it is there again."""
    given = store(left=20)

    out = given.when(SetDishStock(dish_id="crab", state="out", until=NOON + MINUTE))

    assert (out.reply.availability.state, out.reply.availability.until) == ("out", NOON + MINUTE)
    assert books(given)["left"] == 20
    back = given.ask(GetDish(dish_id="crab"), NOON + MINUTE)
    assert (back.availability.state, back.availability.left) == ("qty", 20)


def test_D4_a_dish_comes_back_by_itself() -> None:
    """The reminder comes at the moment that was named."""
    given = store()
    given.when(SetDishStock(dish_id="crab", state="out", until=NOON + MINUTE))

    assert given.deadline == NOON + MINUTE
    given.then_wake()

    assert given.deadline is None
    assert not given.state.stock.books["crab"].out


def test_D4_a_dish_that_is_out_without_a_moment_stays_out() -> None:
    """Until somebody sets it again."""
    given = store()
    given.when(SetDishStock(dish_id="crab", state="out"))

    assert given.deadline is None
    assert given.ask(GetDish(dish_id="crab"), NOON + 100 * HOUR).availability.state == "out"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"state": "qty"}, "$.left"),
        ({"state": "in", "left": 3}, "$.left"),
        ({"state": "out", "left": 3}, "$.left"),
        ({"state": "qty", "left": -1}, "$.left"),
        ({"state": "in", "until": NOON + 1}, "$.until"),
        ({"state": "out", "until": NOON}, "$.until"),
        ({"state": "gone"}, "$.state"),
    ],
)
def test_D4_stock_that_makes_no_sense_is_refused(fields: dict[str, Any], path: str) -> None:
    """The refusal names the field."""
    refused = store().when(SetDishStock(dish_id="crab", **fields))

    assert isinstance(refused.rejection, InvalidField)
    assert refused.rejection.path == path


def test_D1_a_menu_with_the_same_version_is_the_same_menu() -> None:
    """The version is an ETag: it changes with everything the menu shows, also by the clock alone."""
    given = store(left=20)
    seen: dict[int, object] = {}

    def look(at: int | None = None) -> int:
        menu = given.ask(GetMenu(), at)
        assert seen.setdefault(menu.version, menu) == menu
        return int(menu.version)

    versions = [look()]
    for command in (
        PutDish(dish_id="tea", name="茶", price_fen=800),
        PutDish(dish_id="tea", name="茶", price_fen=900),
        SetDishStock(dish_id="crab", state="out", until=NOON + MINUTE),
    ):
        given.when(command)
        versions.append(look())
    versions.append(look(NOON + MINUTE))
    given.when(SetDishStock(dish_id="crab", state="qty", left=7))
    versions.append(look())
    given.when(SetDishStock(dish_id="crab", state="out", until=NOON + 2 * MINUTE))
    versions.append(look())
    versions.append(look(NOON + 2 * MINUTE))
    given.then_wake()
    assert look() == versions[-1]
    given.when(plan(stock=1))
    versions.append(look())

    assert versions == sorted(set(versions))


def test_D1_the_menu_shows_dishes_as_the_contract_names_them() -> None:
    """dish_id, name, price, option groups, availability with left only when counted."""
    given = store(left=3)
    given.when(PutDish(dish_id="tea", name="茶", price_fen=800))

    crab, tea = given.ask(GetMenu()).dishes

    assert (crab.dish_id, crab.name, crab.price_fen, crab.option_groups) == ("crab", "大闸蟹", 9_900, [])
    assert (crab.availability.state, crab.availability.left) == ("qty", 3)
    assert (tea.availability.state, tea.availability.left) == ("in", None)


def test_D1_a_dish_put_again_keeps_its_stock() -> None:
    """A new price is no new stock, and the same dish again is no event."""
    given = store(left=3)

    again = given.when(PutDish(dish_id="crab", name="大闸蟹", price_fen=8_800, state="qty", left=99))

    assert again.reply.price_fen == 8_800
    assert books(given)["left"] == 3
    assert given.when(PutDish(dish_id="crab", name="大闸蟹", price_fen=8_800)).events == []


def test_D1_the_menu_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One dish more than DISHES_MAX is refused."""
    monkeypatch.setattr("store_runtime.store.menu.desk.DISHES_MAX", 1)

    refused = store().when(PutDish(dish_id="tea", name="茶", price_fen=800))

    assert refused.rejection == MenuFull(dishes_max=1)


def test_F10_a_sale_takes_its_stock_out_of_the_dish_at_once() -> None:
    """What the sale will sell can no longer be sold to anybody else."""
    given = store(left=20)

    created = given.when(plan(stock=8))

    assert books(given) == {"initial": 20, "left": 12, "held": 8}
    (send,) = created.sends
    assert (send.to, send.step) == (f"flash-sale/{created.reply.flash_sale_id}", "sale")
    assert send.command == created.reply.opening
    assert send.if_rejected == UndoFlashSale(flash_sale_id=created.reply.flash_sale_id)
    assert isinstance(created.reply.opening, OpenSale)
    assert (created.reply.opening.store_id, created.reply.opening.dish_name) == ("store-1", "大闸蟹")
    assert "." not in created.reply.flash_sale_id


def test_F10_a_sale_cannot_take_more_than_is_left() -> None:
    """A dish without enough, or out, gives nothing."""
    given = store(left=7)

    assert given.when(plan(stock=8)).rejection == NotEnoughStock(dish_id="crab", left=7)
    given.when(SetDishStock(dish_id="crab", state="out"))
    assert given.when(plan(stock=1)).rejection == NotEnoughStock(dish_id="crab", left=0)
    assert given.when(plan(dish_id="tea")).rejection == DishNotFound(dish_id="tea")


def test_F10_a_dish_that_is_not_counted_gives_what_is_asked() -> None:
    """It is restocked by what is taken, and the books stay even when it comes back."""
    given = store(left=None)
    sale_id = given.when(plan(stock=8)).reply.flash_sale_id
    assert books(given) == {"restocked": 8, "held": 8}

    given.when(RecordSold(flash_sale_id=sale_id, dish_id="crab", quantity=3))
    given.when(ReturnStock(flash_sale_id=sale_id, dish_id="crab", quantity=5))

    assert books(given) == {"restocked": 3, "sold": 3}


def test_F10_a_dish_that_is_counted_meanwhile_gets_its_leftovers_back() -> None:
    """Whatever the books said when the stock was carved out."""
    given = store(left=None)
    sale_id = given.when(plan(stock=8)).reply.flash_sale_id
    given.when(SetDishStock(dish_id="crab", state="qty", left=10))

    given.when(ReturnStock(flash_sale_id=sale_id, dish_id="crab", quantity=8))

    assert books(given) == {"restocked": 18, "left": 18}


def test_F10_a_sale_gives_back_no_more_than_it_has_out() -> None:
    """Stock cannot be made by returning it."""
    given = store(left=20)
    sale_id = given.when(plan(stock=8)).reply.flash_sale_id
    given.when(RecordSold(flash_sale_id=sale_id, dish_id="crab", quantity=5))

    too_many = given.when(ReturnStock(flash_sale_id=sale_id, dish_id="crab", quantity=4))
    unknown = given.when(ReturnStock(flash_sale_id="f-other", dish_id="crab", quantity=1))

    assert too_many.rejection == FlashSaleUnknown(flash_sale_id=sale_id)
    assert unknown.rejection == FlashSaleUnknown(flash_sale_id="f-other")
    assert books(given) == {"initial": 20, "left": 12, "held": 3, "sold": 5}


def test_F10_a_sale_that_cannot_open_gives_everything_back() -> None:
    """The compensation undoes the carving, once."""
    given = store(left=20)
    sale_id = given.when(plan(stock=8)).reply.flash_sale_id

    given.when(UndoFlashSale(flash_sale_id=sale_id))

    assert books(given) == {"initial": 20, "left": 20}
    assert given.when(UndoFlashSale(flash_sale_id=sale_id)).events == []
    assert given.ask(ListFlashSales()).items == []


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"stock": 0}, "$.stock"),
        ({"ends_at": NOON}, "$.ends_at"),
        ({"starts_at": NOON - HOUR, "ends_at": NOON - 1}, "$.ends_at"),
        ({"policy": "auction"}, "$.policy"),
        ({"title": ""}, "$.title"),
    ],
)
def test_F10_a_plan_that_makes_no_sale_takes_no_stock(fields: dict[str, Any], path: str) -> None:
    """The refusal names the field."""
    given = store()

    refused = given.when(plan(**fields))

    assert isinstance(refused.rejection, InvalidField)
    assert refused.rejection.path == path
    assert "held" not in books(given)


def test_F10_the_store_lists_its_sales_newest_first() -> None:
    """With what became of their stock."""
    given = store(left=20)
    first = given.when(plan(title="first", stock=4)).reply.flash_sale_id
    given.when(plan(title="second", stock=4))
    given.when(RecordSold(flash_sale_id=first, dish_id="crab", quantity=1))

    rows = given.ask(ListFlashSales()).items

    assert [(row.title, row.stock, row.sold) for row in rows] == [("second", 4, 0), ("first", 4, 1)]


def test_settings_are_changed_one_by_one() -> None:
    """What is not named stays; naming what is already so is no event. A sale takes the grace from here."""
    given = store()

    changed = given.when(ChangeSettings(grace_s=5, join_policy="open"))

    assert (changed.reply.grace_s, changed.reply.join_policy, changed.reply.order_hold_s) == (5, "open", 900)
    assert given.ask(GetStore()).settings == changed.reply
    assert given.when(ChangeSettings(grace_s=5)).events == []
    assert given.when(plan()).reply.opening.grace_ms == 5_000


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"grace_s": -1}, "$.grace_s"),
        ({"cutoff": "25:00"}, "$.cutoff"),
        ({"pay_mode": "never"}, "$.pay_mode"),
    ],
)
def test_settings_out_of_bounds_are_refused(fields: dict[str, Any], path: str) -> None:
    """The refusal names the setting."""
    refused = store().when(ChangeSettings(**fields))

    assert isinstance(refused.rejection, InvalidField)
    assert refused.rejection.path == path


def test_a_store_is_created_once_and_unknown_before() -> None:
    """Nothing can be done with a store that nobody created."""
    nothing = after(Store("nothing"))

    assert store().when(CreateStore(name="again")).rejection == StoreExists()
    for command in (plan(), ChangeSettings(grace_s=1), PutDish(dish_id="a", name="a", price_fen=1)):
        assert nothing.when(command).rejection == StoreNotFound()
    with pytest.raises(StoreNotFound):
        nothing.ask(GetMenu())


class BooksMachine(RuleBasedStateMachine):
    """Staff count and hide a dish while sales carve out, sell and return."""

    given: Given[StoreBooks]

    @initialize(left=strategies.one_of(strategies.none(), strategies.integers(0, 20)))
    def open(self, left: int | None) -> None:
        self.given = store(left)

    @rule(left=strategies.integers(0, 20))
    def count(self, left: int) -> None:
        self.given.when(SetDishStock(dish_id="crab", state="qty", left=left))

    @rule(state=strategies.sampled_from(["in", "out"]))
    def set(self, state: Any) -> None:
        self.given.when(SetDishStock(dish_id="crab", state=state))

    @rule(stock=strategies.integers(1, 10))
    def carve(self, stock: int) -> None:
        before = self.given.ask(GetDish(dish_id="crab")).availability
        created = self.given.when(plan(stock=stock))
        enough = before.state == "in" or (before.state == "qty" and (before.left or 0) >= stock)
        assert created.accepted == enough

    @precondition(lambda self: self.given.state.sales)
    @rule(data=strategies.data(), quantity=strategies.integers(1, 10), sold=strategies.booleans())
    def settle(self, data: strategies.DataObject, quantity: int, sold: bool) -> None:
        sale_id = data.draw(strategies.sampled_from(list(self.given.state.sales)))
        out = self.given.state.sales[sale_id].out
        word = RecordSold if sold else ReturnStock
        outcome = self.given.when(word(flash_sale_id=sale_id, dish_id="crab", quantity=quantity))
        assert outcome.accepted == (quantity <= out)

    @precondition(lambda self: self.given.state.sales)
    @rule(data=strategies.data())
    def undo(self, data: strategies.DataObject) -> None:
        sale_id = data.draw(strategies.sampled_from(list(self.given.state.sales)))
        self.given.when(UndoFlashSale(flash_sale_id=sale_id))

    @invariant()
    def the_books_are_even(self) -> None:
        if hasattr(self, "given"):
            assert violations(self.given.state) == []


BooksMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestD4F10TheBooksAreEven = BooksMachine.TestCase


@pytest.mark.parametrize("number", ["left", "held", "sold", "waste", "restocked", "initial"])
def test_D4_books_that_are_not_even_are_seen(number: str) -> None:
    """One number that is off by one is found."""
    given = store(left=20)
    given.when(plan())
    stock = given.state.stock.books["crab"]
    setattr(stock, number, getattr(stock, number) + 1)

    assert violations(given.state) != []
