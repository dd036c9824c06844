"""Money that comes after the hold is gone (F6): held again if it can be, else refused, so that it is refunded."""

from __future__ import annotations

from actors.testing.kit import NOON, Given
from flash_sale.commands import ConfirmSale, OrderClosed, PaymentFailed, ReleaseClaim
from flash_sale.rejections import ClaimNotFound, IllegalTransition
from flash_sale.state import Sale
from tests.flash_sale.builders import HOUR, checkout, claim, confirm, refusal, sale, sound, states


def closed(**terms: object) -> tuple[Given[Sale], str, str]:
    """A sale with one claim whose hold ran out at checkout; the claim and its order."""
    given = sale(**terms)
    claim_id = claim(given, "guest-1", 2)
    order_id = checkout(given, claim_id)
    given.then_wake()
    given.when(OrderClosed(claim_id=claim_id, order_id=order_id))
    assert states(given, claim_id) == ["expired"]
    return given, claim_id, order_id


def test_F6_late_money_is_held_again_while_enough_is_left() -> None:
    """The diner gets what they paid for, from stock that nobody holds."""
    given, claim_id, order_id = closed(stock=3)

    outcome = confirm(given, claim_id, order_id)

    assert (outcome.reply.status, outcome.reply.reason) == ("sold", "paid_late")
    assert (given.state.left, given.state.sold) == (1, 2)
    assert given.state.taken["guest-1"] == 2
    sound(given)


def test_F6_late_money_is_refused_when_others_hold_the_stock() -> None:
    """Nobody loses a hold to somebody who was late."""
    given, claim_id, order_id = closed(stock=3)
    claim(given, "guest-2", 2)

    outcome = confirm(given, claim_id, order_id)

    assert refusal(outcome) == "sold_out"
    assert given.state.sold == 0


def test_F6_late_money_does_not_overtake_the_waitlist() -> None:
    """What is left belongs to those who wait for it."""
    given, claim_id, order_id = closed(stock=3)
    claim(given, "guest-2", 1)
    claim(given, "guest-3", 3, wait=True)

    outcome = confirm(given, claim_id, order_id)

    assert refusal(outcome) == "sold_out"


def test_F6_late_money_does_not_pass_the_limit() -> None:
    """A diner who has claimed again meanwhile is refunded what would be too much (F2)."""
    given, claim_id, order_id = closed(stock=10, per_user_limit=3)
    claim(given, "guest-1", 2)

    outcome = confirm(given, claim_id, order_id)

    assert refusal(outcome) == "limit_reached"
    sound(given)


def test_F6_late_money_after_the_end_is_refused() -> None:
    """The stock has gone back to the dish."""
    given, claim_id, order_id = closed(stock=3)

    outcome = confirm(given, claim_id, order_id, at=NOON + HOUR)

    assert refusal(outcome) == "ended"


def test_F6_O6_money_for_a_claim_given_back_is_refunded() -> None:
    """Given a claim given back at checkout with stock left, when its money comes, then it stays given back: the diner
    said so. What comes again is answered the same.
    """
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    given.when(ReleaseClaim(claim_id=claim_id, user_id="guest-1"))

    outcome = confirm(given, claim_id, order_id)

    assert refusal(outcome) == "claim_released"
    assert (outcome.reply.status, given.state.left, given.state.sold) == ("released", 10, 0)
    assert confirm(given, claim_id, order_id).events == []


def test_F6_O6_giving_back_and_paying_race_and_the_first_counts() -> None:
    """Given a claim that is paid, when giving it back comes second, then it is refused and the claim stays sold."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    assert confirm(given, claim_id, order_id).reply.status == "sold"

    outcome = given.when(ReleaseClaim(claim_id=claim_id, user_id="guest-1"))

    assert outcome.rejection == IllegalTransition(state="sold", allowed=[])
    sound(given)


def test_F6_O6_money_for_an_order_that_was_cancelled_is_refunded() -> None:
    """Cancelling the order is giving back by another name."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    given.when(OrderClosed(claim_id=claim_id, order_id=order_id, cancelled=True))

    assert refusal(confirm(given, claim_id, order_id)) == "claim_released"


def test_F6_money_that_was_said_to_have_failed_buys_the_hold_it_was_for() -> None:
    """The channel changed its mind while the claim was still held."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    given.when(PaymentFailed(claim_id=claim_id, order_id=order_id))

    assert confirm(given, claim_id, order_id).reply.reason == "paid_late"
    sound(given)


def test_F6_two_orders_of_one_claim_cannot_both_buy_it() -> None:
    """The first order failed and was then paid late; the second is at checkout and keeps the claim."""
    given = sale()
    claim_id = claim(given, "guest-1")
    first = checkout(given, claim_id)
    given.when(PaymentFailed(claim_id=claim_id, order_id=first))
    second = checkout(given, claim_id)

    assert refusal(confirm(given, claim_id, first)) == "illegal_transition"
    assert refusal(confirm(given, claim_id, second)) == ""
    assert given.state.sold == 1


def test_F6_a_payment_that_arrives_before_the_close_is_in_time() -> None:
    """While the order is asked to close, its word that it is paid still counts as paid."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    given.then_wake()

    outcome = confirm(given, claim_id, order_id)

    assert outcome.reply.reason == "paid"
    sound(given)


def test_F6_what_was_refused_stays_refused() -> None:
    """The same message again, when stock is left by now, does not sell what is being refunded."""
    given, claim_id, order_id = closed(stock=2)
    other = claim(given, "guest-2", 2, wait=True)
    assert refusal(confirm(given, claim_id, order_id)) == "sold_out"
    given.when(ReleaseClaim(claim_id=other, user_id="guest-2"))

    again = confirm(given, claim_id, order_id)

    assert (again.accepted, again.events) == (True, [])
    assert (given.state.left, given.state.sold) == (2, 0)


def test_F6_money_for_an_unknown_claim_is_rejected() -> None:
    """The order's compensation refunds it."""
    outcome = sale().when(ConfirmSale(claim_id="f1.cnothing", order_id="o1", payment_id="o1.p1"))

    assert outcome.rejection == ClaimNotFound()
