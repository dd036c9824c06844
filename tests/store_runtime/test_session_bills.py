"""The bill inside a session: it follows rounds, the kitchen's word, moves and the clock (T5, T6, T8, T10, O2, O6)."""

from __future__ import annotations

from typing import Any

from actors.testing.kit import Given
from actors.words import Event
from pricing.facts import BillTerms, FeeRule
from store_runtime.bill.invariants import violations
from store_runtime.store.orders.commands import LineNote, LinesPlaced, NoteLines, RejectOrder
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.table_session.bill_commands import GetBill, PayBill, SplitBill
from store_runtime.table_session.commands import SubmitRound
from store_runtime.table_session.moving.commands import MoveLines, ParcelReturned
from store_runtime.table_session.moving.events import ParcelSent
from store_runtime.table_session.state import Session
from store_runtime.takeout.commands import ReportPayment
from tests.store_runtime.tables import PRICES, SESSION, WAITER, add, edit, party

HEAD = FeeRule(rule_id="seat", kind="per_head", name="餐位费", amount_fen=200)


def order(given: Given[Session], *dishes: str) -> int:
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
