"""Holds and checkout: how long, how far extended, and what happens when they run out."""

from __future__ import annotations

from actors.testing.kit import NOON
from actors.words import Wake
from flash_sale.commands import (
    Checkout,
    Claim,
    ConfirmSale,
    GetClaim,
    OrderClosed,
    PaymentFailed,
    ReleaseClaim,
)
from flash_sale.holds import CLOSE_WAIT_MS, EVENTS_MAX
from flash_sale.rejections import ClaimNotFound, IllegalTransition, InvalidField
from store_runtime.takeout.commands import AcceptOrder, CloseOrder, PlaceOrder
from tests.flash_sale.builders import (
    GRACE,
    HOLD,
    HOUR,
    MINUTE,
    checkout,
    claim,
    confirm,
    names,
    refusal,
    sale,
    sound,
    states,
)


def test_F4_a_hold_is_kept_through_the_grace() -> None:
    """The stock is free 30 s after expires_at, not a millisecond earlier."""
    given = sale()
    claim(given, "guest-1")

    assert given.deadline == NOON + HOLD + GRACE
    assert given.when(Wake(), NOON + HOLD + GRACE - 1).events == []
    assert names(given.then_wake()) == ["HoldExpired"]


def test_F4_a_checkout_extends_the_hold_to_five_minutes_from_now() -> None:
    """Who goes to pay at the last moment has five minutes for it."""
    given = sale()
    claim_id = claim(given, "guest-1")

    checkout(given, claim_id, at=NOON + 4 * MINUTE)

    assert given.ask(GetClaim(claim_id=claim_id)).expires_at == NOON + 9 * MINUTE
    assert given.deadline == NOON + 9 * MINUTE + GRACE


def test_F4_a_checkout_never_shortens_a_hold() -> None:
    """A sale with long holds keeps them."""
    given = sale(hold_seconds=1_800)
    claim_id = claim(given, "guest-1")

    checkout(given, claim_id, at=NOON + MINUTE)

    assert given.ask(GetClaim(claim_id=claim_id)).expires_at == NOON + 30 * MINUTE


def test_F4_a_checkout_extends_only_once() -> None:
    """A second checkout, after a failed payment, has what is left of the hold."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id, at=NOON + 4 * MINUTE)
    given.when(PaymentFailed(claim_id=claim_id, order_id=order_id), NOON + 5 * MINUTE)

    checkout(given, claim_id, at=NOON + 6 * MINUTE)

    assert given.ask(GetClaim(claim_id=claim_id)).expires_at == NOON + 9 * MINUTE


def test_F4_a_checkout_is_possible_in_the_grace() -> None:
    """The grace is there for those who come with the last second."""
    given = sale()
    claim_id = claim(given, "guest-1")

    checkout(given, claim_id, at=NOON + HOLD + GRACE - 1)

    assert states(given, claim_id) == ["paying"]


def test_F4_a_checkout_after_the_grace_is_refused_though_the_reminder_is_late() -> None:
    """The hold is over by the sale's clock, whatever the reminder does."""
    given = sale()
    claim_id = claim(given, "guest-1")

    outcome = given.when(Checkout(claim_id=claim_id, user_id="guest-1"), NOON + HOLD + GRACE)

    assert outcome.rejection == IllegalTransition(state="expired", allowed=[])


def test_F4_a_checkout_places_an_order_and_answers_with_it() -> None:
    """Whoever asked can place the very same order under the derived id and answer from it."""
    given = sale()
    claim_id = claim(given, "guest-1", 2)

    outcome = given.when(Checkout(claim_id=claim_id, user_id="guest-1", fulfilment="pickup"))

    (send,) = outcome.sends
    order_id = outcome.reply.order_id
    assert (send.to, send.step) == (f"takeout/{order_id}", "order")
    assert send.command == outcome.reply.place_order
    assert send.if_rejected == PaymentFailed(claim_id=claim_id, order_id=order_id)
    assert outcome.reply.place_order == PlaceOrder(
        store_id="store-1",
        user_id="guest-1",
        flash_sale_id="f1",
        claim_id=claim_id,
        dish_id="crab",
        name="清蒸大闸蟹",
        quantity=2,
        unit_price_fen=3_900,
        fulfilment="pickup",
        payment_channel="simulated",
        pay_by=NOON + HOLD,
    )


def test_F4_an_unknown_channel_is_refused_at_checkout() -> None:
    """A channel that does not exist cannot be paid through."""
    given = sale()
    claim_id = claim(given, "guest-1")

    outcome = given.when(
        Checkout(claim_id=claim_id, user_id="guest-1", payment_channel="barter")  # type: ignore[arg-type]
    )

    assert isinstance(outcome.rejection, InvalidField)
    assert outcome.rejection.path == "$.payment_channel"


def test_F4_what_cannot_be_done_answers_with_what_can() -> None:
    """An illegal transition names the state and what is allowed in it."""
    given = sale()
    claim_id = claim(given, "guest-1")
    checkout(given, claim_id)

    again = given.when(Checkout(claim_id=claim_id, user_id="guest-1"))
    given.when(ReleaseClaim(claim_id=claim_id, user_id="guest-1"))
    gone = given.when(ReleaseClaim(claim_id=claim_id, user_id="guest-1"))

    assert again.rejection == IllegalTransition(state="paying", allowed=["pay", "release"])
    assert gone.rejection == IllegalTransition(state="released", allowed=[])


def test_F4_nobody_gives_back_or_checks_out_the_claim_of_another() -> None:
    """A claim belongs to who made it."""
    given = sale()
    claim_id = claim(given, "guest-1")

    assert given.when(ReleaseClaim(claim_id=claim_id, user_id="guest-2")).rejection == ClaimNotFound()
    assert given.when(Checkout(claim_id=claim_id, user_id="")).rejection == ClaimNotFound()
    assert states(given, claim_id) == ["held"]


def test_F4_a_hold_at_checkout_runs_out_only_when_its_payment_is_closed() -> None:
    """The order is asked to close first; its word that it did frees the stock."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)

    asked = given.then_wake()

    assert names(asked) == ["CloseAsked"]
    assert [(send.to, send.command) for send in asked.sends] == [
        (
            f"takeout/{order_id}",
            CloseOrder(flash_sale_id="f1", claim_id=claim_id, reason="hold_expired"),
        )
    ]
    assert states(given, claim_id) == ["paying"]
    closed = given.when(OrderClosed(claim_id=claim_id, order_id=order_id))
    assert names(closed) == ["HoldExpired"]
    assert states(given, claim_id) == ["expired"]


def test_F4_an_order_that_does_not_answer_does_not_keep_the_stock_for_ever() -> None:
    """A minute after the order was asked, the hold is released without its word."""
    given = sale()
    claim_id = claim(given, "guest-1")
    checkout(given, claim_id)
    asked = given.then_wake()

    outcome = given.then_wake()

    assert outcome.at == asked.at + CLOSE_WAIT_MS
    assert names(outcome) == ["HoldExpired"]
    sound(given)


def test_F4_giving_back_at_checkout_closes_the_order() -> None:
    """The diner's word frees the stock at once, and nothing is to be paid any more."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)

    outcome = given.when(ReleaseClaim(claim_id=claim_id, user_id="guest-1"))

    assert given.state.left == 10
    assert [(send.to, send.command) for send in outcome.sends] == [
        (f"takeout/{order_id}", CloseOrder(flash_sale_id="f1", claim_id=claim_id, reason="released"))
    ]


def test_F4_a_failed_payment_gives_the_rest_of_the_hold_back() -> None:
    """The claim is held as before, and can be checked out again."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)

    given.when(PaymentFailed(claim_id=claim_id, order_id=order_id))

    assert states(given, claim_id) == ["held"]
    assert checkout(given, claim_id) != order_id


def test_F4_a_payment_that_fails_after_the_hold_frees_the_stock() -> None:
    """There is no hold left to go back to."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)

    outcome = given.when(PaymentFailed(claim_id=claim_id, order_id=order_id), NOON + HOLD + GRACE)

    assert names(outcome) == ["HoldExpired"]
    sound(given)


def test_F4_news_of_an_earlier_order_changes_nothing() -> None:
    """Only the order of the present checkout can end it."""
    given = sale()
    claim_id = claim(given, "guest-1")
    first = checkout(given, claim_id)
    given.when(PaymentFailed(claim_id=claim_id, order_id=first))
    checkout(given, claim_id)

    assert given.when(PaymentFailed(claim_id=claim_id, order_id=first)).events == []
    assert given.when(OrderClosed(claim_id=claim_id, order_id=first)).events == []
    assert states(given, claim_id) == ["paying"]


def test_F1_a_paid_claim_is_sold_and_told_to_order_and_store() -> None:
    """The order is accepted, and the dish's books count it as sold."""
    given = sale()
    claim_id = claim(given, "guest-1", 2)
    order_id = checkout(given, claim_id)

    outcome = confirm(given, claim_id, order_id)

    assert states(given, claim_id) == ["sold"]
    assert (given.state.left, given.state.sold) == (8, 2)
    accept, record = outcome.sends
    assert (accept.to, accept.command) == (f"takeout/{order_id}", AcceptOrder(claim_id=claim_id))
    assert (record.to, record.command.quantity) == ("store/store-1", 2)  # type: ignore[attr-defined]
    assert given.deadline == NOON + HOUR


def test_F1_a_sale_confirmed_twice_is_sold_once() -> None:
    """The same order's word again is answered and changes nothing."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    confirm(given, claim_id, order_id)

    again = confirm(given, claim_id, order_id)

    assert again.accepted
    assert again.events == []
    other = given.when(ConfirmSale(claim_id=claim_id, order_id="o-other", payment_id="p"))
    assert refusal(other) == "illegal_transition"


def test_F4_a_reminder_hours_late_puts_everything_right() -> None:
    """After a long silence each hold has run out, the waitlist has been served, nothing is lost or doubled."""
    given = sale(stock=3, ends_at=NOON + 10 * HOUR)
    gone = [claim(given, f"guest-{n}") for n in range(3)]
    waiting = [claim(given, f"late-{n}", wait=True) for n in range(4)]

    outcome = given.then_wake(NOON + 3 * HOUR)

    assert names(outcome) == ["HoldExpired"] * 3 + ["Offered"] * 3
    assert states(given, *gone) == ["expired"] * 3
    assert states(given, *waiting) == ["held"] * 3 + ["waiting"]
    assert given.ask(GetClaim(claim_id=waiting[0])).expires_at == NOON + 3 * HOUR + HOLD
    sound(given)


def test_F4_one_reminder_makes_a_bounded_number_of_events() -> None:
    """What is more is done by the next reminder, at once, and offers stay with the stock they come from."""
    given = sale(thorough=False, stock=700, per_user_limit=1, ends_at=NOON + 10 * HOUR)
    for n in range(700):
        given.when(_claim(f"guest-{n}"))
    for n in range(700):
        given.when(_claim(f"late-{n}"))
    at = NOON + HOUR

    rounds = []
    while given.deadline is not None and given.deadline <= at:
        outcome = given.then_wake(at)
        rounds.append(len(outcome.events))
        sound(given)

    assert max(rounds) <= EVENTS_MAX
    assert sum(rounds) == 1_400
    assert given.state.held == 700


def _claim(user_id: str) -> Claim:
    return Claim(user_id=user_id, quantity=1, wait=True)


def test_F4_a_payment_that_fails_while_it_is_being_closed_frees_the_stock() -> None:
    """The hold was over when the order was asked; there is nothing left to go back to."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    given.then_wake()

    outcome = given.when(PaymentFailed(claim_id=claim_id, order_id=order_id))

    assert names(outcome) == ["HoldExpired"]
    sound(given)


def test_F4_a_second_checkout_is_not_possible_in_the_grace() -> None:
    """Its payment would be over before it began; the extension was given once."""
    given = sale()
    claim_id = claim(given, "guest-1")
    order_id = checkout(given, claim_id)
    given.when(PaymentFailed(claim_id=claim_id, order_id=order_id))

    outcome = given.when(Checkout(claim_id=claim_id, user_id="guest-1"), NOON + HOLD)

    assert outcome.rejection == IllegalTransition(state="expired", allowed=[])
