"""Sale, order and store together: money is never stuck, whatever happens in whatever order (F6, O6, D4, F10)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.testing.kit import NOON
from actors.words import Wake
from flash_sale.commands import Checkout, Claim, ReleaseClaim, StopSale
from store_runtime.diner_orders.commands import ListOrders
from store_runtime.store.menu.commands import GetDishStock
from store_runtime.takeout.invariants import ending
from tests.store_runtime.builders import HOUR, MINUTE, Restaurant

LONG = 5 * HOUR


def bring_to_an_end(house: Restaurant) -> None:
    """Deliver everything, let all the time pass, and look at how it ended."""
    house.settle()
    house.pass_until(house.at + LONG)
    house.check()
    assert house.sale.left == house.sale.held == house.sale.paying == 0
    for key, given in house.orders.items():
        ended = ending(given.state)
        assert ended is not None, f"{key} is stuck: {given.state}"
        assert (ended != "void") == (key in house.charged), f"{key} is {ended}"
        assert ended != "sold" or key not in house.cancelled, f"{key} was cancelled, and is sold"
    _sold_is_sold_once(house)
    _books_are_even(house)
    _lists_tell_the_truth(house)


def _sold_is_sold_once(house: Restaurant) -> None:
    """Each sold claim has exactly one accepted and settled order, and the other way round."""
    by_claim = {
        claim_id: claim.order_id for claim_id, claim in house.sale.claims.items() if claim.state == "sold"
    }
    by_order = {
        given.state.claim_id: key.partition("/")[2]
        for key, given in house.orders.items()
        if ending(given.state) == "sold"
    }
    assert by_claim == by_order
    sold_orders = Counter(
        given.state.claim_id for given in house.orders.values() if given.state.status == "accepted"
    )
    assert all(count == 1 for count in sold_orders.values())
    money = sum(given.state.bill.paid_fen - given.state.bill.refunded_fen for given in house.orders.values())
    assert money == house.sale.sold * house.sale.price_fen


def _books_are_even(house: Restaurant) -> None:
    """Everything carved out is sold or back in the dish."""
    stock = house["store/store-1"].ask(GetDishStock(dish_id="crab"))
    assert (stock.held, stock.sold) == (0, house.sale.sold)
    assert stock.left == stock.initial - stock.sold


def _lists_tell_the_truth(house: Restaurant) -> None:
    """Each diner's list shows each of their orders as it stands."""
    for key, given in house.orders.items():
        order_id = key.partition("/")[2]
        page = house[f"diner-orders/{given.state.user_id}"].ask(ListOrders(limit=100))
        (row,) = [row for row in page.items if row.order_id == order_id]
        assert (row.status, row.money_status) == (given.state.status.value, given.state.bill.money_status)


# --- every short story ------------------------------------------------------------------------------------


def _expire(house: Restaurant, claim_id: str, order_id: str) -> None:
    """The hold's time is over; the reminder fires, its sends wait."""
    house.at += 6 * MINUTE
    house.when(house.sale_key, Wake())


def _report(outcome: str) -> Callable[[Restaurant, str, str], None]:
    def tell(house: Restaurant, claim_id: str, order_id: str) -> None:
        house.report(order_id, outcome)

    tell.__name__ = outcome
    return tell


def _cancel(house: Restaurant, claim_id: str, order_id: str) -> None:
    house.cancel(order_id)


def _give_back(house: Restaurant, claim_id: str, order_id: str) -> None:
    house.when(house.sale_key, ReleaseClaim(claim_id=claim_id, user_id="guest-1"))


def _another_takes_the_rest(house: Restaurant, claim_id: str, order_id: str) -> None:
    """The first time another diner claims, or waits; the second time the sale is stopped."""
    if "guest-2" in house.sale.taken:
        house.when(house.sale_key, StopSale())
    else:
        house.when(house.sale_key, Claim(user_id="guest-2", quantity=2, wait=True))


def _deliver(house: Restaurant, claim_id: str, order_id: str) -> None:
    """The newest send arrives first."""
    if house.in_flight:
        house.deliver(len(house.in_flight) - 1, twice=len(house.in_flight) % 2 == 0)


STEPS = [
    _report("paid"),
    _report("failed"),
    _report("late"),
    _cancel,
    _give_back,
    _expire,
    _another_takes_the_rest,
    _deliver,
]


@pytest.mark.parametrize("first", STEPS, ids=lambda step: step.__name__.strip("_"))
def test_F6_O6_every_short_story_ends_in_one_way(first: Callable[[Restaurant, str, str], None]) -> None:
    """Any four things after a checkout, in any order, with sends that arrive late: sold, refunded or void."""
    endings: Counter[str | None] = Counter()
    for story in itertools.product(STEPS, repeat=3):
        house = Restaurant(thorough=False, stock=2)
        claim_id = house.claim("guest-1", 2)
        order_id = house.checkout(claim_id)
        house.deliver()
        for step in (first, *story):
            step(house, claim_id, order_id)
        bring_to_an_end(house)
        endings[ending(house[f"takeout/{order_id}"].state)] += 1

    assert sum(endings.values()) == len(STEPS) ** 3
    assert "refunded" in endings
    assert len(endings) > 1


# --- any long one -----------------------------------------------------------------------------------------


class HouseMachine(RuleBasedStateMachine):
    """Diners, the channel, staff and the network do what they like; time passes."""

    house: Restaurant

    @initialize(stock=strategies.integers(1, 4), hold_seconds=strategies.sampled_from([10, 300]))
    def open(self, stock: int, hold_seconds: int) -> None:
        self.house = Restaurant(stock=stock, hold_seconds=hold_seconds)

    @rule(guest=strategies.integers(1, 4), quantity=strategies.integers(1, 2), wait=strategies.booleans())
    def claim(self, guest: int, quantity: int, wait: bool) -> None:
        self.house.when(self.house.sale_key, Claim(user_id=f"guest-{guest}", quantity=quantity, wait=wait))

    @precondition(lambda self: self.house.sale.held)
    @rule(data=strategies.data())
    def checkout(self, data: strategies.DataObject) -> None:
        held = [claim_id for claim_id, one in self.house.sale.claims.items() if one.state == "held"]
        claim_id = data.draw(strategies.sampled_from(held))
        user_id = self.house.sale.claims[claim_id].user_id
        self.house.when(self.house.sale_key, Checkout(claim_id=claim_id, user_id=user_id))

    @precondition(lambda self: self.house.orders)
    @rule(data=strategies.data(), outcome=strategies.sampled_from(["paid", "failed", "late"]))
    def report(self, data: strategies.DataObject, outcome: str) -> None:
        self.house.report(self._order(data), outcome)

    @precondition(lambda self: self.house.orders)
    @rule(data=strategies.data())
    def cancel(self, data: strategies.DataObject) -> None:
        self.house.cancel(self._order(data))

    @precondition(lambda self: self.house.sale.claims)
    @rule(data=strategies.data())
    def give_back(self, data: strategies.DataObject) -> None:
        claims = self.house.sale.claims
        claim_id = data.draw(strategies.sampled_from(list(claims)))
        release = ReleaseClaim(claim_id=claim_id, user_id=claims[claim_id].user_id)
        self.house.when(self.house.sale_key, release)

    @precondition(lambda self: self.house.in_flight)
    @rule(data=strategies.data(), twice=strategies.booleans())
    def deliver(self, data: strategies.DataObject, twice: bool) -> None:
        self.house.deliver(data.draw(strategies.integers(0, len(self.house.in_flight) - 1)), twice=twice)

    @rule(passed=strategies.sampled_from([1_000, 11_000, 45_000, 331_000, 20 * MINUTE]))
    def time_passes(self, passed: int) -> None:
        """Without reminders, which may be late."""
        self.house.at += passed

    @precondition(lambda self: self._due())
    @rule(data=strategies.data())
    def remind(self, data: strategies.DataObject) -> None:
        self.house.when(data.draw(strategies.sampled_from(self._due())), Wake())

    @precondition(lambda self: self.house.at > NOON + 20 * MINUTE)
    @rule()
    def stop(self) -> None:
        self.house.when(self.house.sale_key, StopSale())

    @invariant()
    def nobody_contradicts_themselves(self) -> None:
        if hasattr(self, "house"):
            self.house.check()

    def teardown(self) -> None:
        if hasattr(self, "house"):
            bring_to_an_end(self.house)

    def _due(self) -> list[str]:
        due = {key: self.house[key].deadline for key in self.house.everybody()}
        return [key for key, deadline in due.items() if deadline is not None and deadline <= self.house.at]

    def _order(self, data: strategies.DataObject) -> str:
        placed = [key.partition("/")[2] for key, given in self.house.orders.items() if given.state.placed]
        every = [key.partition("/")[2] for key in self.house.orders]
        return data.draw(strategies.sampled_from(placed or every))


HouseMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestF6O6AnyLongStoryEndsInOneWay = HouseMachine.TestCase
