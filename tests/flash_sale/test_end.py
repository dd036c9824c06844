"""The end of a sale: leftovers go back once, holds stay payable, the waitlist is let go."""

from __future__ import annotations

from actors.testing.kit import NOON, Outcome
from flash_sale.commands import Claim, GetClaim, GetSale, ReleaseClaim, StopSale
from flash_sale.events import SaleEnded, StockReturned
from flash_sale.rejections import Ended
from store_runtime.store.commands import ReturnStock
from tests.flash_sale.builders import (
    HOUR,
    MINUTE,
    SECOND,
    checkout,
    claim,
    confirm,
    draw_sale,
    names,
    sale,
    sound,
    states,
)


def returned(outcome: Outcome) -> list[int]:
    """What a turn sends back to the store."""
    return [send.command.quantity for send in outcome.sends if isinstance(send.command, ReturnStock)]


def test_F10_leftovers_go_back_at_the_end() -> None:
    """Stock that nobody holds returns to the dish when the sale's time is over."""
    given = sale(stock=10)
    claim(given, "guest-1", 2, at=NOON + 59 * MINUTE)

    outcome = given.then_wake()

    assert outcome.at == NOON + HOUR
    assert outcome.events == [SaleEnded(reason="time"), StockReturned(quantity=8)]
    (send,) = outcome.sends
    assert (send.to, send.command) == (
        "store/store-1",
        ReturnStock(flash_sale_id="f1", dish_id="crab", quantity=8),
    )
    sound(given)


def test_F10_a_hold_can_be_paid_after_the_end() -> None:
    """A hold is a promise that outlives the sale."""
    given = sale(stock=10)
    claim_id = claim(given, "guest-1", at=NOON + 59 * MINUTE)
    given.then_wake()

    order_id = checkout(given, claim_id)
    confirm(given, claim_id, order_id)

    assert states(given, claim_id) == ["sold"]
    assert given.state.returned == 9
    assert given.deadline is None


def test_F10_stock_that_becomes_free_after_the_end_goes_back_too() -> None:
    """Every piece returns exactly once, whenever it becomes free."""
    given = sale(stock=10)
    expiring = claim(given, "guest-1", 2, at=NOON + 59 * MINUTE)
    giving_back = claim(given, "guest-2", 3)

    ends = [
        given.then_wake(),
        given.when(ReleaseClaim(claim_id=giving_back, user_id="guest-2")),
        given.then_wake(),
    ]

    assert [returned(outcome) for outcome in ends] == [[5], [3], [2]]
    assert states(given, expiring, giving_back) == ["expired", "released"]
    assert given.state.returned == 10
    assert given.deadline is None
    sound(given)


def test_F10_those_who_wait_are_let_go_at_the_end() -> None:
    """Nobody waits for a sale that is over, and the answer says why."""
    given = sale(stock=1)
    claim(given, "guest-1", at=NOON + 59 * MINUTE)
    waiting = claim(given, "guest-2", wait=True)

    given.then_wake()

    view = given.ask(GetClaim(claim_id=waiting))
    assert (view.status, view.reason) == ("expired", "sale_ended")
    assert "guest-2" not in given.state.taken
    sound(given)


def test_F7_after_a_long_silence_the_end_comes_before_new_holds() -> None:
    """A hold that ran out while nobody was there is not offered in a sale that is over by now."""
    given = sale(stock=1)
    claim(given, "guest-1")
    waiting = claim(given, "guest-2", wait=True)

    outcomes = [given.then_wake(NOON + 5 * HOUR), given.then_wake()]

    assert [names(outcome) for outcome in outcomes] == [
        ["SaleEnded"],
        ["HoldExpired", "StockReturned"],
    ]
    assert states(given, waiting) == ["expired"]
    assert [returned(outcome) for outcome in outcomes] == [[], [1]]
    sound(given)


def test_F7_giving_back_after_the_end_ends_the_sale_when_the_reminder_is_late() -> None:
    """The first decision past the end ends the sale; those who wait get nothing any more."""
    given = sale(stock=2)
    held = claim(given, "guest-1", 2, at=NOON + 59 * MINUTE)
    waiting = claim(given, "guest-2", wait=True)

    outcome = given.when(ReleaseClaim(claim_id=held, user_id="guest-1"), NOON + HOUR)

    assert names(outcome) == ["Released", "SaleEnded", "StockReturned"]
    assert returned(outcome) == [2]
    assert states(given, waiting) == ["expired"]
    sound(given)


def test_F10_staff_stop_a_sale() -> None:
    """Stopping is the end, now; the answer shows it."""
    given = sale(stock=10)
    held = claim(given, "guest-1")

    outcome = given.when(StopSale(reason="the crabs escaped"), NOON + MINUTE)

    assert outcome.events == [
        SaleEnded(reason="stopped", note="the crabs escaped"),
        StockReturned(quantity=9),
    ]
    assert (outcome.reply.phase, outcome.reply.left) == ("ended", 0)
    assert outcome.reply == given.ask(GetSale())
    assert states(given, held) == ["held"]
    assert given.when(Claim(user_id="guest-2", quantity=1)).rejection == Ended(ends_at=NOON + MINUTE)
    assert given.when(StopSale()).rejection == Ended(ends_at=NOON + MINUTE)
    assert given.ask(GetSale()).ends_at == NOON + MINUTE


def test_F10_a_sale_stopped_before_its_start_returns_everything() -> None:
    """A plan that is dropped costs nothing."""
    given = sale(starts_at=NOON + MINUTE)

    outcome = given.when(StopSale())

    assert returned(outcome) == [10]
    assert given.deadline is None


def test_F11_a_draw_that_is_stopped_draws_nobody() -> None:
    """Entries of a stopped draw are told that they were not drawn, and count for no limit."""
    given = draw_sale()
    entry = claim(given, "guest-1")

    outcome = given.when(StopSale(), NOON + 5 * SECOND)

    assert outcome.reply == given.ask(GetSale())
    assert (outcome.reply.ends_at, outcome.reply.result_at) == (NOON + 5 * SECOND, NOON + 5 * SECOND)
    assert states(given, entry) == ["not_drawn"]
    assert returned(outcome) == [10]
    assert dict(given.state.taken.items()) == {}
    sound(given)
