"""Orders of the channels by themselves (T12, T13, T19, O2, O4, O6): every word of the store and of the payment."""

from __future__ import annotations

import itertools

import pytest

from actors.testing.kit import NOON, Given, after
from actors.words import Command, Wake
from payments.simulated import CLOSE_REFUSED_MS
from store_runtime.delivery.projections import Fee
from store_runtime.pickup_screen.commands import NotePickup
from store_runtime.rejections import InvalidField
from store_runtime.store.orders.commands import CancelLine, FireLines, PlaceLines, RejectOrder, ReleaseLines
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import (
    CallNumber,
    CancelOrder,
    FulfilOrder,
    GetOrder,
    GetRefund,
    LinesRefused,
    MoveRider,
    OpenOrder,
    RefundedLine,
    RefundLines,
    RefundPayment,
    ReportPayment,
)
from store_runtime.takeout.invariants import ending
from store_runtime.takeout.rejections import (
    IllegalTransition,
    MinimumNotReached,
    OrderNotFound,
    OverRefund,
    RefundChanged,
)
from store_runtime.takeout.state import Order
from tests.store_runtime.channel_builders import (
    BOXED,
    CLOSES_AT,
    CRAB,
    FEE,
    GRACE_MS,
    HOLD_MS,
    NOODLES,
    PAYMENT,
    accepted,
    delivered,
    held,
    money,
    noted,
    order,
    placed,
    report,
    sent,
    sound,
    terms,
)

RELEASE = {"release": ReleaseLines(order="takeout/o1", batch=1, reason="hold_expired")}
FIRE = FireLines(order="takeout/o1", batch=1)


# --- placed ---------------------------------------------------------------------------------------------------


def test_O6_an_opened_order_asks_its_store_to_hold_the_lines() -> None:
    """Held longer than it may be paid: the store never forgets the hold before the order gave it back."""
    given = after(TakeoutOrder("o1"))

    opened = given.when(OpenOrder(terms=terms()))

    place = opened.reply.place
    assert isinstance(place, PlaceLines)
    assert sent(opened) == {"place": place}
    assert (place.fire, place.number_wanted, place.channel) == (False, True, "pickup")
    assert place.hold_until > CLOSES_AT
    assert given.when(OpenOrder(terms=terms())).reply == opened.reply


def test_O6_what_the_store_holds_can_be_paid_until_the_hold_ends() -> None:
    """Prices are the store's, the grace is not shown."""
    given = order()

    answer = given.when(placed()).reply

    assert (answer.payment.amount_fen, answer.payment.status) == (12_300, "paying")
    assert answer.payment.expires_at == NOON + HOLD_MS
    assert given.deadline == NOON + HOLD_MS + GRACE_MS
    assert given.when(placed()).reply == answer
    assert money(given) == ("created", "open")


def test_O6_lines_that_the_store_refuses_leave_nothing_to_pay() -> None:
    """The compensation of PlaceLines; a store that held them all the same is told to let go."""
    given = order()

    refused = given.when(LinesRefused())

    assert (given.state.status, ending(given.state)) == ("cancelled", "void")
    assert "release" in sent(refused)
    assert given.when(placed()).reply.payment is None
    assert given.deadline is None


def test_O6_an_order_that_the_store_never_answered_is_over_with_its_hold() -> None:
    """Nobody waits for ever."""
    given = order()

    woken = given.then_wake()

    assert woken.at == CLOSES_AT
    assert ending(given.state) == "void"
    assert "release" in sent(woken)


def test_D5_a_weighed_dish_cannot_be_paid_beforehand() -> None:
    """Its price is known when it is served."""
    given = order()

    outcome = given.when(placed(provisional=True))

    assert (given.state.status, given.state.reason) == ("cancelled", "not_priced")
    assert "release" in sent(outcome)


def test_O6_what_costs_nothing_is_paid_at_once() -> None:
    """A free order needs no channel."""
    free = placed()
    lines = tuple(
        type(line)(line_id=line.line_id, dish_id=line.dish_id, name=line.name, quantity=1, unit_price_fen=0)
        for line in free.placed.lines
    )
    given = order()

    outcome = given.when(type(free)(placed=type(free.placed)(batch=1, menu_version=1, lines=lines)))

    assert money(given) == ("created", "settled")
    assert sent(outcome) == {"fire": FIRE}


def test_T13_a_slot_in_the_past_is_refused() -> None:
    """And one in the future reaches the store, whose kitchen fires at slot − make-minutes."""
    given = after(TakeoutOrder("o1"))

    assert isinstance(given.when(OpenOrder(terms=terms(ready_at=NOON))).rejection, InvalidField)
    opened = given.when(OpenOrder(terms=terms(ready_at=NOON + 3_600_000)))

    assert opened.reply.place.ready_at == NOON + 3_600_000


# --- paid -----------------------------------------------------------------------------------------------------


def test_T13_a_paid_order_fires_and_gets_its_number() -> None:
    """Accepted once the store has fired; the number is the store's."""
    given = held()

    paid = report(given, "paid")
    assert sent(paid) == {"fire": FIRE}
    assert given.state.status == "created"
    given.when(placed("A012", fired=True))

    assert money(given) == ("accepted", "settled")
    assert given.ask(GetOrder()).number == "A012"
    assert given.when(placed("A012", fired=True)).events == []


def test_T13_a_number_that_comes_before_the_kitchen_starts_is_shown() -> None:
    """Where firing waits for 接单 the guest has the number already."""
    given = held()
    report(given, "paid")

    given.when(placed("A012"))

    assert (given.state.status, given.ask(GetOrder()).number) == ("created", "A012")


def test_O6_a_fire_that_is_refused_starts_the_refund_in_the_same_turn() -> None:
    """The hold was gone: the money must not stay."""
    given = held()
    paid = report(given, "paid")
    (undo,) = [send.if_rejected for send in paid.sends if send.step == "fire"]
    assert undo == RefundPayment(payment_id=PAYMENT, reason="lines_gone")

    given.when(undo)

    assert money(given) == ("rejected", "refunded")
    sound(given)


def test_O2_a_rejection_refunds_in_the_same_turn_and_cannot_be_accepted_after() -> None:
    """接单 after 拒单 is impossible, and the reason is shown."""
    given = held()
    report(given, "paid")

    given.when(RejectOrder(batch=1, reason="炉子坏了"))

    assert money(given) == ("rejected", "refunded")
    assert given.ask(GetOrder()).reason == "炉子坏了"
    assert given.when(RejectOrder(batch=1, reason="again")).events == []


def test_O2_an_unpaid_order_that_is_rejected_can_no_longer_be_paid() -> None:
    """Its payment is closed; money that comes all the same goes back."""
    given = held()

    given.when(RejectOrder(batch=1, reason="closing"), NOON + CLOSE_REFUSED_MS)

    assert ending(given.state) == "void"
    report(given, "late")
    assert money(given) == ("cancelled", "refunded")


# --- not paid -------------------------------------------------------------------------------------------------


def test_O6_an_unpaid_order_gives_its_lines_back_when_its_payment_is_closed() -> None:
    """After hold and grace; not before."""
    given = held()

    (expired,) = given.wakes_until(CLOSES_AT)

    assert expired.at == CLOSES_AT
    assert sent(expired) == RELEASE
    assert ending(given.state) == "void"


def test_O6_a_channel_that_refuses_to_close_may_still_be_paid_in_time() -> None:
    """The hold stays until the close is confirmed."""
    short = terms(hold_ms=500, grace_ms=0)
    given = held(short)

    refused = given.then_wake()
    assert sent(refused) == {}
    assert given.deadline == NOON + CLOSE_REFUSED_MS
    paid = report(given, "paid")

    assert sent(paid) == {"fire": FIRE}
    assert given.deadline is None


def test_O6_money_that_comes_after_the_close_goes_back() -> None:
    """The lines are free by then."""
    given = held()
    report(given, "late")
    given.wakes_until(CLOSES_AT)

    assert money(given) == ("cancelled", "refunded")
    sound(given)


def test_O6_a_failed_payment_ends_the_order() -> None:
    """Its lines are free at once."""
    given = held()

    assert "release" in sent(report(given, "failed"))
    assert ending(given.state) == "void"


@pytest.mark.parametrize("paid", ["paid", "late"])
def test_O6_a_diner_who_cancels_gets_late_money_back(paid: str) -> None:
    """Also when the channel had refused to close."""
    given = held()

    cancelled = given.when(CancelOrder(user_id="guest-1"))
    assert "release" in sent(cancelled)
    report(given, paid)
    given.wakes_until(CLOSES_AT)

    assert money(given) == ("cancelled", "refunded")


def test_O6_cancelling_before_the_store_has_answered_leaves_nothing() -> None:
    """What the store takes later is given back by the message that is under way."""
    given = order()

    assert "release" in sent(given.when(CancelOrder(user_id="guest-1")))
    assert given.when(placed()).reply.payment is None
    assert ending(given.state) == "void"


def test_O6_a_paid_order_is_not_cancelled_and_not_another_diners() -> None:
    """409 with the state, 404 for a stranger."""
    given = held()
    assert isinstance(given.when(CancelOrder(user_id="guest-2")).rejection, OrderNotFound)
    report(given, "paid")
    assert isinstance(given.when(CancelOrder(user_id="guest-1")).rejection, IllegalTransition)


# --- every short story ----------------------------------------------------------------------------------------

STORY: dict[str, Command] = {
    "placed": placed(),
    "paid": ReportPayment(payment_id=PAYMENT, outcome="paid"),
    "late": ReportPayment(payment_id=PAYMENT, outcome="late"),
    "failed": ReportPayment(payment_id=PAYMENT, outcome="failed"),
    "cancel": CancelOrder(user_id="guest-1"),
    "reject": RejectOrder(batch=1, reason="no"),
    "refused": LinesRefused(),
    "wake": Wake(),
}


@pytest.mark.parametrize("first", STORY)
def test_O6_every_short_story_of_an_order_ends_in_one_way(first: str) -> None:
    """Any four words in any order, a second apart or a hold apart; then the store answers what it was asked."""
    endings = set()
    for story in itertools.product(STORY, repeat=3):
        given = after(TakeoutOrder("o1"), thorough=False)
        given.when(OpenOrder(terms=terms()))
        charged = False
        for step in (first, *story):
            if step == "wake" and (given.deadline is None or given.at < given.deadline):
                given.at = (given.deadline or given.at) + 1
                continue
            outcome = given.when(STORY[step], given.at + 700)
            charged |= outcome.accepted and step in ("paid", "late")
            fired = [send for send in outcome.sends if send.step == "fire"]
            if fired:
                given.when(placed("A001", fired=True))
            sound(given)
        given.wakes_until(given.at + 10 * HOLD_MS)
        end = ending(given.state)
        assert end is not None, (first, story, given.state)
        assert (end != "void") == charged, (first, story, given.state)
        endings.add(end)
    assert "void" in endings or first in ("paid", "late"), endings
    assert len(endings) == 1 if first in ("cancel", "reject", "refused") else len(endings) > 1


# --- the counter ----------------------------------------------------------------------------------------------


def test_T13_a_number_is_called_as_often_as_it_takes() -> None:
    """The screen hears each call."""
    given = accepted()

    first, again = given.when(CallNumber()), given.when(CallNumber())

    assert (first.reply.calls, again.reply.calls) == (1, 2)
    (note,) = [send.command for send in again.sends if isinstance(send.command, NotePickup)]
    assert (note.number, note.calls, note.called_at) == ("A012", 2, NOON)
    assert isinstance(held().when(CallNumber()).rejection, IllegalTransition)


def test_T13_the_screen_follows_the_kitchen() -> None:
    """preparing → ready → gone; the order is as far as the least of its lines."""
    given = accepted()

    def screen(outcome: object) -> str:
        (note,) = [one.command for one in outcome.sends if isinstance(one.command, NotePickup)]  # type: ignore[attr-defined]
        return str(note.state)

    assert screen(given.when(noted(1, "ready", "cooking"))) == "preparing"
    assert given.ask(GetOrder()).kitchen_status == "cooking"
    assert screen(given.when(noted(2, "ready", "ready"))) == "ready"
    assert given.when(noted(1, "queued", "queued")).events == []
    given.when(noted(3, "served", "served"))

    assert given.state.status == "fulfilled"
    assert given.ask(GetOrder()).kitchen_status == "served"


def test_T13_staff_hand_it_over_once() -> None:
    """Fulfilling twice changes nothing; an unpaid one cannot be."""
    given = accepted()
    assert given.when(FulfilOrder()).reply.status == "fulfilled"
    assert given.when(FulfilOrder()).events == []
    assert isinstance(held().when(FulfilOrder()).rejection, IllegalTransition)


def test_T12_a_rider_takes_it_from_the_store_to_the_door() -> None:
    """assigned → picked_up → delivered; a step that is not next says what is."""
    given = accepted(delivered())

    early = given.when(MoveRider(to="delivered"))
    assert early.rejection == IllegalTransition(state="unassigned", allowed=["assigned"])
    given.when(MoveRider(to="assigned", rider="小李"))
    given.when(MoveRider(to="picked_up"))
    done = given.when(MoveRider(to="delivered"))

    assert (done.reply.status, done.reply.delivery.state, done.reply.delivery.rider) == (
        "fulfilled",
        "delivered",
        "小李",
    )


def test_T12_a_failed_delivery_may_be_tried_again() -> None:
    """By another rider."""
    given = accepted(delivered())
    given.when(MoveRider(to="assigned", rider="小李"))
    given.when(MoveRider(to="failed", reason="没人接电话"))

    assert given.ask(GetOrder()).delivery.reason == "没人接电话"
    given.when(MoveRider(to="assigned", rider="小王"))
    assert given.ask(GetOrder()).delivery.rider == "小王"
    assert isinstance(given.when(FulfilOrder()).rejection, IllegalTransition)
    assert isinstance(accepted().when(MoveRider(to="assigned")).rejection, IllegalTransition)


# --- the bill -------------------------------------------------------------------------------------------------


def test_T12_a_delivery_below_the_minimum_is_refused_with_what_is_missing() -> None:
    """At once: nothing is asked of the store."""
    dear = Fee(zone_id="z", distance_m=1, fee_fen=0, min_order_fen=15_000)

    refused = after(TakeoutOrder("o1")).when(OpenOrder(terms=delivered(dear)))

    assert refused.rejection == MinimumNotReached(
        min_order_fen=15_000, subtotal_fen=12_300, missing_fen=2_700
    )


def test_T12_T19_boxes_and_delivery_stand_on_the_bill_as_lines_of_their_own() -> None:
    """Each with its reason; the payment is the sum."""
    near = Fee(zone_id="z", distance_m=900, fee_fen=500)
    given = held(delivered(near, bill=BOXED), box_fen=50)

    bill = given.ask(GetOrder()).bill

    assert [(one.rule_id, one.amount_fen) for one in bill.adjustments] == [
        ("box", 100),
        ("box_per_order", 100),
        ("delivery", 500),
    ]
    assert bill.total_fen == given.state.payment.amount_fen == 12_300 + 700


def test_T12_delivery_is_free_from_the_threshold_of_the_quote() -> None:
    """Dishes count, boxes do not."""
    given = held(delivered(FEE), box_fen=50)

    assert given.state.payment.amount_fen == 12_300 + 100


# --- refunds --------------------------------------------------------------------------------------------------


def back(given: Given[Order], *lines: tuple[str, int]) -> int:
    """What giving these back would come to."""
    wanted = tuple(RefundedLine(line_id=line_id, quantity=quantity) for line_id, quantity in lines)
    amount: int = given.ask(GetRefund(lines=wanted)).amount_fen
    return amount


def test_O4_a_refund_is_old_payable_less_new_payable() -> None:
    """The box goes with its dish; below the free threshold the fee is due again."""
    given = accepted(delivered(FEE), box_fen=50)

    assert back(given, (NOODLES, 1)) == 1_250
    assert back(given, (CRAB, 1)) == 9_900 - 500
    assert back(given, (CRAB, 1), (NOODLES, 2)) == 12_300 + 100


def test_O4_staff_give_back_what_they_were_shown() -> None:
    """Line by line until all is back; the kitchen hears what it need not make."""
    given = accepted()
    one = (RefundedLine(line_id=NOODLES, quantity=1),)
    changed = given.when(RefundLines(lines=one, reason="漏了", amount_fen=1))
    assert changed.rejection == RefundChanged(amount_fen=1_200)

    outcome = given.when(RefundLines(lines=one, reason="漏了", amount_fen=1_200))

    assert money(given) == ("accepted", "part_refunded")
    assert sent(outcome) == {
        "cancel.0": CancelLine(order="takeout/o1", line_id=NOODLES, quantity=1, reason="漏了")
    }
    rest = (RefundedLine(line_id=NOODLES, quantity=1), RefundedLine(line_id=CRAB, quantity=1))
    given.when(RefundLines(lines=rest, reason="漏了", amount_fen=11_100))
    assert (ending(given.state), given.state.bill.refunded_fen) == ("refunded", 12_300)
    sound(given)


def test_O4_never_more_goes_back_than_was_ordered_or_paid() -> None:
    """Twice the same line, a strange line, an order that is not paid."""
    given = accepted()
    twice = (RefundedLine(line_id=CRAB, quantity=1), RefundedLine(line_id=CRAB, quantity=1))
    stranger = (RefundedLine(line_id="o2.l1", quantity=1),)

    assert given.when(RefundLines(lines=twice, reason="r", amount_fen=0)).rejection == OverRefund(
        line_id=CRAB, left=0
    )
    assert isinstance(given.when(RefundLines(lines=stranger, reason="r", amount_fen=0)).rejection, OverRefund)
    unpaid = held().when(
        RefundLines(lines=(RefundedLine(line_id=CRAB, quantity=1),), reason="r", amount_fen=1)
    )
    assert isinstance(unpaid.rejection, IllegalTransition)


def test_O4_what_the_kitchen_takes_off_is_paid_back_once() -> None:
    """A cancelled line comes back with its money, and the note of a refund's own cancel pays nothing again."""
    given = accepted()

    given.when(noted(1, "queued", "cancelled", cancelled=1))
    assert given.state.bill.refunded_fen == 9_900
    given.when(noted(2, "queued", "cancelled", cancelled=1))
    assert given.state.bill.refunded_fen == 9_900

    given.when(RefundLines(lines=(RefundedLine(line_id=NOODLES, quantity=2),), reason="r", amount_fen=2_400))
    assert money(given) == ("accepted", "refunded")
    sound(given)


def test_O3_nothing_is_cancelled_in_the_kitchen_that_is_served() -> None:
    """A served line is refunded, never cancelled."""
    given = accepted()
    given.when(noted(1, "served", "served"))

    outcome = given.when(
        RefundLines(lines=(RefundedLine(line_id=CRAB, quantity=1),), reason="臭了", amount_fen=9_900)
    )

    assert sent(outcome) == {}
    assert money(given) == ("fulfilled", "part_refunded")
