"""The books of stock keys: conservation whatever happens to them, refills, options, many at once (D4)."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.testing.kit import NOON, Given, after
from pricing.menu import Dish, Menu, Option, OptionGroup
from store_runtime.store.actor import Store
from store_runtime.store.commands import ChangeSettings, CreateStore
from store_runtime.store.invariants import violations
from store_runtime.store.menu.commands import (
    GetDishStock,
    GetMenuSince,
    PublishMenu,
    SaveDraft,
    SetDishStock,
    SetStocks,
    StockSetting,
)
from store_runtime.store.menu.rejections import DishNotFound
from store_runtime.store.rejections import InvalidField
from store_runtime.store.state import StoreBooks
from store_runtime.store.stock import StockBooks, together
from tests.store_runtime.builders import HOUR

KEYS = ("noodles", "noodles#egg", "rice")
DAY_BEGINS = NOON + 16 * HOUR
"""04:00 the next morning in Shanghai."""


def store() -> Given[StoreBooks]:
    """A store with noodles, that one may have with an egg, and rice."""
    extras = OptionGroup(group_id="extras", name="加料", options=(Option(option_id="egg", name="蛋"),))
    menu = Menu(
        dishes=(
            Dish(dish_id="noodles", name="面", price_fen=1_800, option_groups=(extras,)),
            Dish(dish_id="rice", name="饭", price_fen=300),
        )
    )
    given = after(Store("s1"))
    for command in (CreateStore(name="面馆"), SaveDraft(menu=menu), PublishMenu()):
        assert given.when(command).accepted
    return given


def left(given: Given[StoreBooks], key: str, at: int | None = None) -> tuple[str, int]:
    view = given.ask(GetDishStock(dish_id=key), at)
    return view.availability.state, view.left


def test_D4_what_has_a_refill_is_counted_anew_when_the_business_day_begins() -> None:
    """Whatever was left, and although it was sold out; what sales and orders hold stays with them."""
    given = store()
    given.when(SetDishStock(dish_id="noodles#egg", state="qty", left=3, refill=20))
    given.when(SetDishStock(dish_id="rice", state="qty", left=5))
    given.when(SetDishStock(dish_id="noodles#egg", state="out"))

    assert given.deadline == DAY_BEGINS
    given.then_wake()

    assert left(given, "noodles#egg") == ("qty", 20)
    assert left(given, "rice") == ("qty", 5)
    assert given.deadline == DAY_BEGINS + 24 * HOUR
    assert violations(given.state) == []


def test_D4_a_refill_ends_when_it_is_set_to_none() -> None:
    """And nothing wakes the store any more."""
    given = store()
    given.when(SetDishStock(dish_id="rice", state="qty", left=5, refill=20))
    given.when(SetDishStock(dish_id="rice", state="qty", left=4))
    assert given.deadline == DAY_BEGINS

    given.when(SetDishStock(dish_id="rice", state="qty", left=4, refill=0))

    assert given.deadline is None


def test_D4_what_is_out_until_a_later_moment_is_not_back_with_the_day() -> None:
    """It is counted, and comes back at its own moment."""
    given = store()
    until = DAY_BEGINS + HOUR
    given.when(SetDishStock(dish_id="rice", state="qty", left=5, refill=20))
    given.when(SetDishStock(dish_id="rice", state="out", until=until))

    given.then_wake()
    assert left(given, "rice", DAY_BEGINS) == ("out", 20)
    given.then_wake()
    assert left(given, "rice", until) == ("qty", 20)


def test_D4_the_refill_follows_the_cutoff() -> None:
    """A business day that begins earlier fills earlier."""
    given = store()
    given.when(SetDishStock(dish_id="rice", state="qty", left=5, refill=20))

    given.when(ChangeSettings(cutoff="02:00"))

    assert given.deadline == DAY_BEGINS - 2 * HOUR


def test_D4_screens_hear_of_stock_that_is_set() -> None:
    """Each change once, in order, with the key."""
    given = store()
    seen = given.state.live.seq

    given.when(SetDishStock(dish_id="rice", state="qty", left=2))
    given.when(SetDishStock(dish_id="noodles#egg", state="out"))

    assert [(event.type, event.data) for event in given.state.live.since(seen).events] == [
        ("stock_set", {"dish_id": "rice", "state": "qty", "left": 2}),
        ("stock_set", {"dish_id": "noodles#egg", "state": "out"}),
    ]


def test_D4_many_keys_are_set_in_one_turn_or_not_at_all() -> None:
    """One that is not there, or named twice, refuses all."""
    given = store()
    rice = StockSetting(dish_id="rice", state="qty", left=5)

    unknown = given.when(SetStocks(items=(rice, StockSetting(dish_id="noodles#ham", state="out"))))
    twice = given.when(SetStocks(items=(rice, rice)))
    done = given.when(SetStocks(items=(rice, StockSetting(dish_id="noodles#egg", state="out"))))

    assert unknown.rejection == DishNotFound(dish_id="noodles#ham")
    assert isinstance(twice.rejection, InvalidField)
    assert [view.availability.state for view in done.reply.items] == ["qty", "out"]
    assert set(given.ask(GetMenuSince()).stock) == {"rice", "noodles#egg"}


def test_D3_what_lines_take_is_summed_per_component() -> None:
    """Two lines that each have enough may have too little together."""
    books = StockBooks()
    books.opened("egg").count(3)

    wanted = together([([("noodles", 1), ("egg", 1)], 2), ([("rice", 1), ("egg", 2)], 1)])

    assert wanted == {"noodles": 2, "egg": 4, "rice": 1}
    assert books.short(wanted, NOON) == {"egg": 3}
    assert books.short({"egg": 3}, NOON) == {}


class ConservationMachine(RuleBasedStateMachine):
    """All that desks do to the books, in any order, within what was taken; against a naive count per key."""

    def __init__(self) -> None:
        super().__init__()
        self.books = StockBooks()
        self.held: Counter[str] = Counter()
        self.sold: Counter[str] = Counter()
        self.waste: Counter[str] = Counter()

    taken = st.dictionaries(st.sampled_from(KEYS), st.integers(1, 5), min_size=1)

    @rule(taken=taken)
    def take(self, taken: dict[str, int]) -> None:
        if self.books.short(taken, NOON):
            return
        before = {key: self.books.of(key).can_give(NOON) for key in taken}
        self.books.take(taken)
        self.held.update(taken)
        for key, could in before.items():
            now = self.books.of(key).can_give(NOON)
            assert now == (None if could is None else could - taken[key])

    @rule(taken=taken, how=st.sampled_from(["give_back", "sell"]))
    def of_held(self, taken: dict[str, int], how: str) -> None:
        taken = {key: min(count, self.held[key]) for key, count in taken.items() if self.held[key]}
        getattr(self.books, how)(taken)
        self.held.subtract(taken)
        if how == "sell":
            self.sold.update(taken)

    @rule(taken=taken, how=st.sampled_from(["take_back", "waste"]))
    def of_sold(self, taken: dict[str, int], how: str) -> None:
        taken = {key: min(count, self.sold[key]) for key, count in taken.items() if self.sold[key]}
        getattr(self.books, how)(taken)
        self.sold.subtract(taken)
        if how == "waste":
            self.waste.update(taken)

    @rule(key=st.sampled_from(KEYS), count=st.one_of(st.none(), st.integers(0, 9)))
    def set(self, key: str, count: int | None) -> None:
        books = self.books.opened(key)
        if count is None:
            books.uncount()
        else:
            books.count(count)
        self.books.shown()

    @rule(key=st.sampled_from(KEYS), until=st.sampled_from([0, NOON - 1, NOON + 1]))
    def go_out(self, key: str, until: int) -> None:
        self.books.opened(key).go_out(until)
        self.books.shown()
        assert (self.books.of(key).can_give(NOON) == 0) or until == NOON - 1

    @rule(key=st.sampled_from(KEYS), refill=st.integers(0, 9))
    def refill(self, key: str, refill: int) -> None:
        self.books.opened(key).refill = refill
        self.books.refill(NOON, NOON + 1)

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        assert violations_of(self.books) == []
        for key in KEYS:
            stock = self.books.of(key)
            assert (stock.held, stock.sold, stock.waste) == (self.held[key], self.sold[key], self.waste[key])


def violations_of(books: StockBooks) -> list[str]:
    """Only the books': in this machine no sale and no order stands behind what is held."""
    found = violations(StoreBooks(created=True, stock=books))
    return [violation for violation in found if violation.startswith("D4")]


ConservationMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestD4NothingIsMadeOrLost = ConservationMachine.TestCase
