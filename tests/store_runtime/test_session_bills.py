"""The bill inside a session: it follows rounds, the kitchen's word, moves and the clock (T5, T6, T8, T10, O2, O6)."""

from __future__ import annotations

from typing import Any

from actors.testing.kit import Given
from actors.words import Event
from pricing.facts import BillTerms, FeeRule
from store_runtime.audit_log.acts import ActDone
from store_runtime.bill.invariants import violations
from store_runtime.bill.rejections import IllegalTransition, LineUnconfirmed, MoreThanAllowed
from store_runtime.store.orders.commands import LineNote, LinesPlaced, NoteLines, RejectOrder
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.table_session.bill_commands import (
    CancelOrdered,
    CompOrdered,
    DiscountBill,
    GetBill,
    GetGiveaway,
    PayBill,
    RefundOrdered,
    SplitBill,
    WithdrawDiscount,
)
from store_runtime.table_session.commands import SubmitRound
from store_runtime.table_session.moving.commands import MoveLines, ParcelReturned
from store_runtime.table_session.moving.events import ParcelSent
from store_runtime.table_session.state import Session
from store_runtime.takeout.commands import ReportPayment
from tests.store_runtime.tables import MANAGER, PRICES, SESSION, WAITER, add, edit, party

HEAD = FeeRule(rule_id="seat", kind="per_head", name="餐位费", amount_fen=200)


def order(given: Given[Session], *dishes: str, provisional: bool = False) -> int:
    """A round that the store takes, at the menu's prices; its number."""
    edit(given, "ann", *(add(f"op{len(given.history)}{n}", dish) for n, dish in enumerate(dishes)))
    submitted = given.when(SubmitRound(seen_seq=given.state.live.seq, user_id="ann"))
    assert submitted.rejection is None, submitted.rejection
    place = submitted.reply.place
    lines = tuple(
        PlacedLine(
            line_id=one.line_id,
            dish_id=one.selection.dish_id,
            name=one.selection.dish_id,
            quantity=one.quantity,
            unit_price_fen=PRICES[one.selection.dish_id],
            provisional=provisional,
        )
        for one in place.lines
    )
    placed = PlacedLines(batch=place.batch, menu_version=1, lines=lines)
    assert given.when(LinesPlaced(placed=placed)).accepted
    return int(place.batch)


def pay(given: Given[Session], **fields: Any) -> list[Event]:
    """By phone, at once; what happened."""
    opened = given.when(PayBill(channel="simulated", user_id="ann", **fields))
    assert opened.rejection is None, opened.rejection
    paid = given.when(ReportPayment(payment_id=opened.reply.payment_id, outcome="paid"))
    assert not violations(given.state.bill, given.at)
    return paid.events


def state_of(given: Given[Session], number: int) -> str:
    return given.state.rounds[number].state


def due(given: Given[Session]) -> int:
    return given.state.bill.due_fen(given.at)


def test_T6_a_round_fires_when_its_own_share_is_paid_whatever_else_is_due() -> None:
    ann = party("ann", pay_mode="pay_first")
    first, second = order(ann, "duck"), order(ann, "tofu")

    events = pay(ann, share_id=f"{SESSION}.s{second}")

    assert [type(event).__name__ for event in events] == ["TenderPaid", "RoundFired"]
    assert (state_of(ann, first), state_of(ann, second)) == ("held", "waiting")
    assert due(ann) == PRICES["duck"]


def test_T6_rounds_fire_together_when_nothing_is_due() -> None:
    ann = party("ann", pay_mode="pay_first")
    first, second = order(ann, "duck"), order(ann, "tofu")
    ann.when(SplitBill(mode="equal", user_id="ann"))

    pay(ann)

    assert (state_of(ann, first), state_of(ann, second)) == ("waiting", "waiting")


def test_T6_a_round_that_nobody_pays_is_released_and_owes_nothing() -> None:
    ann = party("ann", pay_mode="pay_first")
    number = order(ann, "duck")

    released = ann.then_wake()

    assert state_of(ann, number) == "released"
    assert [send.step for send in released.sends][:1] == [f"release.{number}"]
    assert (due(ann), ann.state.bill.status(ann.at)) == (0, "void")


def test_O6_money_for_a_round_that_was_released_goes_back() -> None:
    ann = party("ann", pay_mode="pay_first")
    number = order(ann, "duck")
    payment = ann.when(PayBill(channel="simulated", user_id="ann")).reply.payment_id
    while state_of(ann, number) == "held":
        ann.then_wake()

    late = ann.when(ReportPayment(payment_id=payment, outcome="paid"))

    assert late.reply.status == "refunded"
    assert state_of(ann, number) == "released"


def test_O2_a_rejected_round_gives_its_money_back_in_the_same_turn() -> None:
    ann = party("ann", pay_mode="pay_first")
    number = order(ann, "duck")
    pay(ann)

    rejected = ann.when(RejectOrder(batch=number, reason="not_left"))

    assert "TenderReturned" in [type(event).__name__ for event in rejected.events]
    assert (due(ann), ann.state.bill.applied_fen) == (0, 0)


def test_O3_what_the_kitchen_takes_off_is_off_the_bill_once() -> None:
    ann = party("ann")
    order(ann, "duck", "tofu")
    off = LineNote(line_id=f"{SESSION}.l1", seq=1, status="cancelled", quantity=1, cancelled=1)

    ann.when(NoteLines(lines=(off,)))
    ann.when(NoteLines(lines=(off,)))

    assert due(ann) == PRICES["tofu"]


def test_T8_lines_that_move_leave_the_bill_and_come_back_when_they_are_refused() -> None:
    ann = party("ann")
    order(ann, "duck", "tofu")
    moved = ann.when(MoveLines(line_ids=(f"{SESSION}.l1",), to_session="ts2", by=WAITER))
    assert moved.rejection is None, moved.rejection
    away = due(ann)
    (sent,) = (event for event in moved.events if isinstance(event, ParcelSent))

    ann.when(ParcelReturned(parcel_id=sent.parcel.parcel_id))

    assert (away, due(ann)) == (PRICES["tofu"], PRICES["duck"] + PRICES["tofu"])


def test_T8_what_is_paid_stays_where_it_is() -> None:
    ann = party("ann")
    order(ann, "duck")
    pay(ann, amount_fen=100)

    moved = ann.when(MoveLines(line_ids=(f"{SESSION}.l1",), to_session="ts2", by=WAITER))

    assert moved.rejection is not None
    assert moved.rejection.code == "money_moved"


def test_T10_fees_count_who_is_there_until_somebody_says_how_many() -> None:
    ann = party("ann", "bob", bill=BillTerms(fees=(HEAD,)))
    order(ann, "rice")

    bill = ann.ask(GetBill(user_id="bob"))

    assert (bill.guests, bill.total_fen) == (2, PRICES["rice"] + 400)


# --- limits, and the log (C3, A1) ------------------------------------------------------------------------------


def note(given: Given[Session], line: str, status: Any) -> None:
    """The kitchen's word about a line."""
    told = LineNote(line_id=f"{SESSION}.{line}", seq=9, status=status, quantity=1)
    assert given.when(NoteLines(lines=(told,))).accepted


def cancel(line: str = "l1", **allowed: int) -> CancelOrdered:
    return CancelOrdered(line_id=f"{SESSION}.{line}", quantity=1, reason="x", by=WAITER, **allowed)


def test_C3_M7_discounts_of_one_account_are_held_against_one_limit() -> None:
    """Nine times fifty is four hundred and fifty; what is taken back again does not count."""
    ann = party("ann")
    order(ann, "duck")
    fifty = DiscountBill(reason="x", by=WAITER, amount_fen=5_000, allowed_fen=5_000)
    assert ann.when(fifty).accepted

    asked = ann.ask(GetGiveaway(act="discount", account="waiter", amount_fen=5_000))
    again = ann.when(fifty)
    other = ann.when(DiscountBill(reason="x", by=MANAGER, amount_fen=5_000, allowed_fen=5_000))
    ann.when(WithdrawDiscount(discount_id=f"{SESSION}.d1", by=WAITER))

    assert (asked.amount_fen, asked.given_fen, asked.judged_fen) == (5_000, 5_000, 10_000)
    assert again.rejection == MoreThanAllowed(amount_fen=10_000, allowed_fen=5_000)
    assert other.accepted
    assert ann.when(fifty).accepted


def test_C3_comps_refunds_and_cancels_of_one_account_are_held_against_one_limit() -> None:
    """Each by its own action."""
    ann = party("ann")
    order(ann, "duck", "tofu", "rice", "tea")
    duck, tofu, rice, tea = ann.state.ordered
    one: dict[str, Any] = {"quantity": 1, "reason": "x", "by": MANAGER}

    assert ann.when(CompOrdered(line_id=duck, allowed_fen=16_800, **one)).accepted
    comp = ann.when(CompOrdered(line_id=tofu, allowed_fen=2_800, **one))
    assert ann.when(CancelOrdered(line_id=tofu, allowed_fen=2_800, **one)).accepted
    cancelled = ann.when(CancelOrdered(line_id=rice, allowed_fen=300, **one))
    pay(ann)
    assert ann.when(RefundOrdered(line_id=rice, allowed_fen=300, **one)).accepted
    refund = ann.when(RefundOrdered(line_id=tea, allowed_fen=1_800, **one))

    assert comp.rejection == MoreThanAllowed(amount_fen=19_600, allowed_fen=2_800)
    assert cancelled.rejection == MoreThanAllowed(amount_fen=3_100, allowed_fen=300)
    assert refund.rejection == MoreThanAllowed(amount_fen=2_100, allowed_fen=1_800)


def test_O3_C3_what_is_paid_is_not_cancelled_beyond_what_may_go_back() -> None:
    """The money would go back: that is a refund, also when the payment came while it was asked."""
    ann = party("ann")
    order(ann, "duck", "tofu")
    unpaid = ann.ask(GetGiveaway(act="cancel", account="waiter", line_id=f"{SESSION}.l1"))
    pay(ann)

    paid = ann.ask(GetGiveaway(act="cancel", account="waiter", line_id=f"{SESSION}.l1"))
    refused = ann.when(cancel(allowed_fen=16_800, allowed_back_fen=0))
    allowed = ann.when(cancel(allowed_fen=16_800, allowed_back_fen=16_800))

    assert (unpaid.back_fen, paid.back_fen) == (0, 16_800)
    assert refused.rejection == MoreThanAllowed(amount_fen=16_800, allowed_fen=0)
    assert allowed.accepted
    assert ann.state.bill.given_fen("line.refund", "waiter") == 16_800


def test_O3_C3_what_the_kitchen_was_asked_to_give_up_counts_as_off() -> None:
    """Two halves of a half paid bill: the second takes money back, whichever the kitchen answers first."""
    ann = party("ann")
    order(ann, "duck", "tofu")
    pay(ann, amount_fen=2_800)
    note(ann, "l1", "cancel_requested")

    asked = ann.ask(GetGiveaway(act="cancel", account="waiter", line_id=f"{SESSION}.l2"))

    assert asked.back_fen == 2_800


def test_O3_a_served_line_is_not_cancelled() -> None:
    """Nothing would come of it: it is comped or refunded."""
    ann = party("ann")
    order(ann, "duck")
    note(ann, "l1", "served")

    refused = ann.when(cancel())

    assert refused.rejection == IllegalTransition(state="served", allowed=["comp", "refund"])


def test_O3_D5_what_is_cooked_and_not_weighed_is_not_cancelled() -> None:
    """Before it is cooked it is, and is judged by the price that guests were shown."""
    ann = party("ann")
    order(ann, "duck", provisional=True)
    before = ann.ask(GetGiveaway(act="cancel", account="waiter", line_id=f"{SESSION}.l1"))
    note(ann, "l1", "cooking")

    refused = ann.when(cancel())

    assert before.amount_fen == 16_800
    assert refused.rejection == LineUnconfirmed(line_ids=[f"{SESSION}.l1"])


def test_A1_acts_on_a_bill_say_what_was_before_and_after() -> None:
    """Amounts and quantities, of the bill and of the line."""
    ann = party("ann")
    order(ann, "duck", "tofu")
    line_id = f"{SESSION}.l1"

    comped = ann.when(CompOrdered(line_id=line_id, quantity=1, reason="x", by=MANAGER))
    cancelled = ann.when(cancel("l2"))

    (comp,) = (event.act for event in comped.events if isinstance(event, ActDone))
    (off,) = (event.act for event in cancelled.events if isinstance(event, ActDone))
    assert comp.subject == f"table-session/{SESSION}/lines/{line_id}"
    assert comp.before == {
        "total_fen": 19_600,
        "line_amount_fen": 16_800,
        "line_comped": 0,
        "line_quantity": 1,
    }
    assert comp.after == {"total_fen": 2_800, "line_amount_fen": 0, "line_comped": 1, "line_quantity": 0}
    assert (off.before, off.after, off.amount_fen) == ({"line_quantity": 1}, {"line_quantity": 0}, 2_800)
