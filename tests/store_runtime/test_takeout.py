"""The order of a claim: what each report of the channel makes of it, in every order that can happen."""

from __future__ import annotations

import pytest

from actors.testing.kit import NOON, Outcome, after
from actors.words import Command
from flash_sale.commands import ConfirmSale, OrderClosed, PaymentFailed
from payments.simulated import CLOSE_REFUSED_MS
from store_runtime.diner_orders.commands import NoteOrder
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import (
    AcceptOrder,
    CancelOrder,
    CloseOrder,
    GetOrder,
    GetPayment,
    RefundPayment,
    ReportPayment,
)
from store_runtime.takeout.rejections import IllegalTransition, InvalidField, OrderNotFound, PaymentNotFound
from tests.store_runtime.builders import MINUTE, PAYMENT, money, order, placing, report, sound

LONG_AFTER = NOON + 10 * MINUTE
CONFIRM = ConfirmSale(claim_id="f1.c1", order_id="o1", payment_id=PAYMENT)
ACCEPT = AcceptOrder(claim_id="f1.c1")
REFUND = RefundPayment(payment_id=PAYMENT, reason="sold_out")


def close(reason: str = "hold_expired") -> CloseOrder:
    return CloseOrder(flash_sale_id="f1", claim_id="f1.c1", reason=reason)  # type: ignore[arg-type]


def to_sale(outcome: Outcome) -> list[Command]:
    """What a turn sends to the sale."""
    assert outcome.accepted, outcome.rejection
    return [send.command for send in outcome.sends if send.to == "flash-sale/f1"]


def test_F6_a_placed_order_waits_for_its_money() -> None:
    """The answer names the payment, its amount, and until when it can be paid."""
    given = after(TakeoutOrder("o1"))

    answer = given.when(placing()).reply

    assert (answer.order_id, answer.payment.payment_id) == ("o1", PAYMENT)
    assert (answer.payment.amount_fen, answer.payment.expires_at) == (7_800, NOON + 5 * MINUTE)
    assert answer.payment.status == "paying"
    assert money(given) == ("created", "open", "paying")
    assert given.when(placing()).reply == answer


def test_F6_paid_in_time_and_confirmed_is_accepted_and_settled() -> None:
    """The order is the diner's once the sale has confirmed."""
    given = order()

    paid = report(given, "paid")
    assert to_sale(paid) == [CONFIRM]
    assert money(given) == ("created", "settled", "paid")
    given.when(ACCEPT)

    assert money(given) == ("accepted", "settled", "paid")
    assert paid.reply.transaction_id == f"sim-{PAYMENT}"


def test_F6_a_sale_that_refuses_starts_the_refund() -> None:
    """What was paid and cannot be had goes back in the same decision (O2)."""
    given = order()
    paid = report(given, "paid")
    (confirm,) = [send for send in paid.sends if send.step == "confirm"]

    given.when(confirm.if_rejected or ACCEPT)

    assert money(given) == ("rejected", "refunded", "refunded")
    assert given.ask(GetOrder()).bill.refunded_fen == 7_800
    sound(given)


def test_F6_a_failed_payment_cancels_the_order() -> None:
    """The claim is held again; the order is over."""
    given = order()

    failed = report(given, "failed")

    assert to_sale(failed) == [PaymentFailed(claim_id="f1.c1", order_id="o1")]
    assert money(given) == ("cancelled", "void", "failed")


def test_F6_an_order_closed_at_the_holds_end_is_void() -> None:
    """The sale hears that the payment can no longer be made."""
    given = order()

    closed = given.when(close(), LONG_AFTER)

    assert to_sale(closed) == [OrderClosed(claim_id="f1.c1", order_id="o1")]
    assert money(given) == ("cancelled", "void", "closed")
    assert given.when(close()).events == []


def test_F6_late_is_kept_until_the_close() -> None:
    """The channel reports it paid once we have closed; then the sale decides."""
    given = order()
    noted = report(given, "late")
    assert to_sale(noted) == []
    assert noted.reply.status == "paying"

    closed = given.when(close(), LONG_AFTER)

    assert to_sale(closed) == [OrderClosed(claim_id="f1.c1", order_id="o1"), CONFIRM]
    assert money(given) == ("cancelled", "over_paid", "late")


def test_F6_late_money_that_is_held_again_is_fulfilled() -> None:
    """The order that was closed is accepted after all."""
    given = order()
    given.when(close(), LONG_AFTER)
    assert to_sale(report(given, "late")) == [CONFIRM]

    given.when(ACCEPT)

    assert money(given) == ("accepted", "settled", "paid")
    sound(given)


def test_F6_late_money_that_cannot_be_held_is_refunded() -> None:
    """The order stays cancelled and the money goes back."""
    given = order()
    given.when(close(), LONG_AFTER)
    report(given, "paid")

    given.when(REFUND)

    assert money(given) == ("cancelled", "refunded", "refunded")
    sound(given)


def test_F6_money_after_a_failure_is_late() -> None:
    """The channel changed its mind; the sale decides."""
    given = order()
    report(given, "failed")

    assert to_sale(report(given, "paid")) == [CONFIRM]
    assert money(given)[2] == "late"


def test_F6_late_then_failed_is_late_at_once() -> None:
    """Failed is as good as closed: what is late comes now."""
    given = order()
    report(given, "late")

    failed = report(given, "failed")

    assert to_sale(failed) == [PaymentFailed(claim_id="f1.c1", order_id="o1"), CONFIRM]


def test_F6_late_then_paid_is_paid_once() -> None:
    """One payment is one amount of money, however it is reported."""
    given = order()
    report(given, "late")

    assert to_sale(report(given, "paid")) == [CONFIRM]
    assert to_sale(given.when(close(), LONG_AFTER)) == []
    assert given.state.bill.paid_fen == 7_800


@pytest.mark.parametrize("outcome", ["paid", "late"])
@pytest.mark.parametrize("ending", [ACCEPT, REFUND])
def test_O6_reports_that_come_again_change_nothing(outcome: str, ending: Command) -> None:
    """However often the channel says so, the money counts once."""
    given = order()
    report(given, "paid")
    given.when(ending)
    before = money(given)

    again = report(given, outcome)

    assert again.events == []
    assert money(given) == before


def test_O6_paid_money_cannot_fail() -> None:
    """A failure after the money came is refused, with nothing allowed."""
    given = order()
    report(given, "paid")

    assert report(given, "failed").rejection == IllegalTransition(state="paid", allowed=[])


def test_O6_a_diner_cancels_an_unpaid_order() -> None:
    """The claim is given back at once, the payment closed."""
    given = order()

    cancelled = given.when(CancelOrder(user_id="guest-1"), NOON + MINUTE)

    assert to_sale(cancelled) == [OrderClosed(claim_id="f1.c1", order_id="o1", cancelled=True)]
    assert money(given) == ("cancelled", "void", "closed")
    assert cancelled.reply == given.ask(GetOrder())


def test_O6_a_channel_that_refuses_an_early_close_is_asked_again() -> None:
    """The order is cancelled at once; the payment is closed when the channel lets us."""
    given = order()

    cancelled = given.when(CancelOrder())

    assert to_sale(cancelled) == [OrderClosed(claim_id="f1.c1", order_id="o1", cancelled=True)]
    assert money(given) == ("cancelled", "void", "paying")
    assert given.deadline == NOON + CLOSE_REFUSED_MS
    woken = given.then_wake()
    assert to_sale(woken) == []
    assert money(given) == ("cancelled", "void", "closed")
    assert given.deadline is None


@pytest.mark.parametrize("outcome", ["paid", "late"])
@pytest.mark.parametrize("closed_first", [True, False])
def test_F6_money_for_an_order_the_diner_cancelled_goes_back(outcome: str, closed_first: bool) -> None:
    """Nobody gets goods they have cancelled: the money is refunded without asking the sale."""
    given = order()
    given.when(CancelOrder())
    if closed_first:
        given.then_wake()

    reported = report(given, outcome)
    while given.deadline is not None:
        given.then_wake()

    assert to_sale(reported) == []
    assert money(given) == ("cancelled", "refunded", "refunded")
    assert given.ask(GetOrder()).reason == "by_diner"
    sound(given)


def test_O6_late_before_the_diner_cancels_is_refunded_on_the_close() -> None:
    """What the channel knows already comes back as soon as it is closed."""
    given = order()
    report(given, "late")

    given.when(CancelOrder(), NOON + MINUTE)

    assert money(given) == ("cancelled", "refunded", "refunded")


def test_O6_a_paid_order_is_not_cancelled() -> None:
    """Once the money is there, giving it back is a refund, which staff decide."""
    given = order()
    report(given, "paid")

    assert given.when(CancelOrder()).rejection == IllegalTransition(state="paid", allowed=[])
    given.when(ACCEPT)
    assert given.when(CancelOrder()).rejection == IllegalTransition(state="accepted", allowed=[])


def test_O6_cancelling_twice_says_that_it_is_done() -> None:
    """The second time there is nothing left to cancel."""
    given = order()
    given.when(CancelOrder())

    assert given.when(CancelOrder()).rejection == IllegalTransition(state="cancelled", allowed=[])


def test_O6_a_close_that_overtakes_the_order_is_remembered() -> None:
    """The order arrives closed; its payment is never opened."""
    given = after(TakeoutOrder("o1"))

    early = given.when(close())
    answer = given.when(placing()).reply

    assert to_sale(early) == [OrderClosed(claim_id="f1.c1", order_id="o1")]
    assert answer.payment.status == "closed"
    assert money(given) == ("cancelled", "void", "closed")
    assert to_sale(report(given, "paid")) == [CONFIRM]


def test_O6_a_hold_that_ends_while_the_channel_refuses_is_reported_on_the_close() -> None:
    """The stock is free when the payment is closed, not when we asked."""
    given = order()

    asked = given.when(close())
    closed = given.then_wake()

    assert to_sale(asked) == []
    assert to_sale(closed) == [OrderClosed(claim_id="f1.c1", order_id="o1")]


def test_O6_a_failure_while_the_close_is_awaited_is_a_close() -> None:
    """Failed for good is as good as closed."""
    given = order()
    given.when(close())

    failed = report(given, "failed")

    assert to_sale(failed) == [OrderClosed(claim_id="f1.c1", order_id="o1")]
    assert given.deadline is None


def test_O6_a_refund_after_the_acceptance_is_refused() -> None:
    """The sale cannot have done both; the order keeps what it knows."""
    given = order()
    report(given, "paid")
    given.when(ACCEPT)

    assert given.when(REFUND).rejection == IllegalTransition(state="accepted", allowed=[])


def test_O6_only_the_diner_sees_their_order_and_payment() -> None:
    """Another diner's question is answered as if there were none."""
    given = order()

    assert given.ask(GetOrder(user_id="guest-1")).order_id == "o1"
    assert given.ask(GetPayment(payment_id=PAYMENT, user_id="guest-1")).amount_fen == 7_800
    with pytest.raises(OrderNotFound):
        given.ask(GetOrder(user_id="guest-2"))
    with pytest.raises(PaymentNotFound):
        given.ask(GetPayment(payment_id=PAYMENT, user_id="guest-2"))
    with pytest.raises(PaymentNotFound):
        given.ask(GetPayment(payment_id="o1.p2"))
    foreign = ReportPayment(payment_id=PAYMENT, outcome="paid", user_id="guest-2")
    assert given.when(foreign).rejection == PaymentNotFound()
    assert given.when(CancelOrder(user_id="guest-2")).rejection == OrderNotFound()


def test_O6_nothing_is_known_of_an_order_that_was_never_placed() -> None:
    """Unknown orders and payments are not found, and reports on them change nothing."""
    given = after(TakeoutOrder("o1"))

    with pytest.raises(OrderNotFound):
        given.ask(GetOrder())
    assert given.when(ReportPayment(payment_id=PAYMENT, outcome="paid")).rejection == PaymentNotFound()
    assert given.when(CancelOrder()).rejection == OrderNotFound()
    assert given.when(ACCEPT).events == []
    assert given.when(REFUND).events == []


def test_O6_an_outcome_that_does_not_exist_is_refused() -> None:
    """paid, failed and late are all a channel can say."""
    refused = order().when(ReportPayment(payment_id=PAYMENT, outcome="maybe"))  # type: ignore[arg-type]

    assert isinstance(refused.rejection, InvalidField)


def test_X1_the_order_counts_its_changes_without_a_gap() -> None:
    """Each event that shows in the view counts one; those that do not show count nothing."""
    given = order()
    assert given.state.seq == 2
    report(given, "late")
    assert given.state.seq == 2
    given.when(close(), LONG_AFTER)
    assert given.state.seq == 5
    given.when(REFUND)
    assert given.ask(GetOrder()).seq == 7


def test_X2_each_change_is_noted_in_the_diners_list() -> None:
    """The list hears of every status, with the seq that puts notes in order."""
    given = after(TakeoutOrder("o1"))
    turns = [given.when(placing()), report(given, "paid"), given.when(ACCEPT)]

    notes = [
        send.command
        for turn in turns
        for send in turn.sends
        if send.to == "diner-orders/guest-1" and isinstance(send.command, NoteOrder)
    ]

    assert [(note.status, note.money_status, note.seq) for note in notes] == [
        ("created", "open", 2),
        ("created", "settled", 3),
        ("accepted", "settled", 4),
    ]
