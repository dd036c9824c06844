"""T4–T6: a round takes what was seen, once, all of it or none."""

from __future__ import annotations

from typing import Any

import pytest

from actors.testing.kit import Given, Outcome
from store_runtime.audit_log.acts import ActDone
from store_runtime.bill.rejections import LineUnconfirmed
from store_runtime.store.orders.commands import LineNote, LinesPlaced, NoteLines
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.table_session.commands import ClearSession, RoundRefused, SubmitRound
from store_runtime.table_session.rejections import (
    BillUnsettled,
    InvalidField,
    NothingToSubmit,
    ViewTooOld,
)
from store_runtime.table_session.state import Session
from tests.store_runtime.tables import WAITER, add, edit, party, quantities, set_to


def submit(given: Given[Session], who: str = "ann", seen_seq: int | None = None) -> Outcome:
    """A guest orders what they see, or saw."""
    seq = given.state.live.seq if seen_seq is None else seen_seq
    return given.when(SubmitRound(seen_seq=seq, user_id=who))


def placed(outcome: Outcome, **fields: Any) -> LinesPlaced:
    """The store takes the round as it was quoted; ``fields`` are of every line."""
    place = outcome.reply.place
    lines = tuple(
        PlacedLine(
            line_id=line.line_id,
            dish_id=line.selection.dish_id,
            name=line.selection.dish_id,
            quantity=line.quantity,
            unit_price_fen=line.quoted_fen,
            **fields,
        )
        for line in place.lines
    )
    return LinesPlaced(placed=PlacedLines(batch=place.batch, menu_version=place.menu_version, lines=lines))


def ordered(given: Given[Session]) -> dict[str, int]:
    """Dish → how many were ordered."""
    total: dict[str, int] = {}
    for line in given.state.ordered.values():
        total[line.selection.dish_id] = total.get(line.selection.dish_id, 0) + line.quantity
    return total


def test_T5_a_round_is_sent_to_the_store_and_stands_when_it_is_taken() -> None:
    """The cart is empty at once; the round has its number and its prices when the store says so."""
    table = party("ann")
    edit(table, "ann", add("a1", quantity=2), add("a2", "tofu"))

    outcome = submit(table)

    (send,) = outcome.sends
    assert (send.to, send.step) == ("store/s1", "place")
    assert send.command == outcome.reply.place
    assert send.if_rejected == RoundRefused(round_no=1)
    assert (quantities(table.state), ordered(table)) == ({}, {"duck": 2, "tofu": 1})
    assert table.state.status == "ordering"
    table.when(placed(outcome))
    assert table.state.rounds[1].state == "fired"
    assert {line.status for line in table.state.ordered.values()} == {"queued"}
    again = table.when(placed(outcome))
    assert again.events == []


@pytest.mark.parametrize(
    ("seen", "now", "taken", "rest"),
    [(2, 3, {"duck": 2}, {"duck": 1}), (3, 1, {"duck": 1}, {}), (2, 2, {"duck": 2}, {})],
)
def test_T4_a_submit_takes_the_quantity_then_or_now_whichever_is_less(
    seen: int, now: int, taken: dict[str, int], rest: dict[str, int]
) -> None:
    """What was not seen stays in the cart; what was taken back since is not ordered."""
    table = party("ann")
    edit(table, "ann", add("a1", quantity=seen))
    seen_seq = table.state.live.seq
    if now != seen:
        edit(table, "ann", set_to("a2", 1, now, seen_seq))

    submit(table, seen_seq=seen_seq)

    assert (ordered(table), quantities(table.state)) == (taken, rest)


def test_T4_a_line_that_was_not_seen_stays() -> None:
    """Bob's tofu came after Ann had looked."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1"))
    seen_seq = table.state.live.seq
    edit(table, "bob", add("b1", "tofu"))

    submit(table, seen_seq=seen_seq)

    assert (ordered(table), quantities(table.state)) == ({"duck": 1}, {"tofu": 1})


def test_T5_two_who_submit_the_same_view_order_it_once() -> None:
    """The second finds nothing of what both had seen, though a third guest has added one more since."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1", quantity=2))
    seen_seq = table.state.live.seq
    edit(table, "bob", add("b1"))

    submit(table, seen_seq=seen_seq)
    second = submit(table, "bob", seen_seq)

    assert second.rejection == NothingToSubmit()
    assert (ordered(table), quantities(table.state)) == ({"duck": 2}, {"duck": 1})


def test_T4_a_view_from_the_future_or_long_ago_is_refused() -> None:
    """Nobody can have seen it, or nobody knows any more what it showed."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    old = table.state.live.seq
    for number in range(20):
        edit(table, "ann", add(f"m{number}"))

    assert isinstance(submit(table, seen_seq=table.state.live.seq + 1).rejection, InvalidField)
    assert submit(table, seen_seq=old).rejection == ViewTooOld(seq=table.state.live.seq)
    assert submit(table, seen_seq=0).rejection == NothingToSubmit()


def test_T5_a_refused_round_brings_all_lines_back_with_what_stands_against_them() -> None:
    """Nothing is dropped silently (D1), also where a part of the line had stayed in the cart."""
    table = party("ann", "bob")
    edit(table, "ann", add("a1", quantity=2), add("a2", "tofu"))
    seen_seq = table.state.live.seq
    edit(table, "bob", add("b1"))
    lines = submit(table, seen_seq=seen_seq).reply.place.lines
    duck, tofu = lines
    problems = (
        LineProblem(line_id=duck.line_id, dish_id="duck", problem="not_enough", left=1),
        LineProblem(
            line_id=tofu.line_id, dish_id="tofu", problem="price_up", quoted_fen=2_800, price_fen=3_000
        ),
    )

    table.when(RoundRefused(round_no=1))  # the session's own message hears it first
    table.when(RoundRefused(round_no=1, problems=problems))

    assert table.state.rounds[1].state == "returned"
    assert (ordered(table), quantities(table.state)) == ({}, {"duck": 3, "tofu": 1})
    assert table.state.cart.lines[1].counts == {"g1": 2, "g2": 1}
    assert table.state.cart.lines[1].problem == problems[0]
    assert table.state.cart.lines[2].quote.unit_price_fen == 3_000
    assert table.state.status == "seated"


def test_T5_the_stores_no_does_not_undo_what_it_has_taken() -> None:
    """A late word of another kind changes nothing."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    outcome = submit(table)
    table.when(placed(outcome))

    late = table.when(RoundRefused(round_no=1))

    assert late.events == []
    assert ordered(table) == {"duck": 1}


def test_T6_pay_first_is_held_as_long_as_it_can_be_paid() -> None:
    """The store keeps the dishes and cooks nothing."""
    table = party("ann", pay_mode="pay_first", order_hold_s=60, grace_s=5)
    edit(table, "ann", add("a1"))

    outcome = submit(table)
    table.when(placed(outcome))

    place = outcome.reply.place
    assert (place.fire, place.hold_until) == (False, outcome.at + 65_000)
    assert table.state.rounds[1].state == "held"


def test_T5_notes_of_the_kitchen_count_in_their_order() -> None:
    """An older word that comes late is passed over."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    table.when(placed(submit(table)))

    def note(seq: int, status: Any) -> NoteLines:
        return NoteLines(lines=(LineNote(line_id="ts1.l1", seq=seq, status=status, quantity=1),))

    table.when(note(2, "cooking"))
    late = table.when(note(1, "queued"))

    assert late.events == []
    assert table.state.ordered["ts1.l1"].status == "cooking"


def test_T16_staff_order_for_guests_without_a_phone() -> None:
    """The same cart and the same rounds; whoever scans later sees them."""
    table = party()
    edit(table, WAITER, add("w1"))

    outcome = table.when(SubmitRound(seen_seq=table.state.live.seq, by=WAITER))

    assert outcome.accepted
    assert table.state.rounds[1].by == "staff:waiter"


def test_D5_a_table_with_a_fish_that_was_never_weighed_is_not_cleared() -> None:
    """Nothing is due for it yet, and yet the bill is not settled: the waiter is told what to weigh."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    table.when(placed(submit(table), provisional=True))
    (line_id,) = table.state.ordered

    refused = table.when(ClearSession(by=WAITER))
    written_off = table.when(
        ClearSession(by=WAITER, reason="never came out of the pond", may_write_off_fen=None)
    )

    assert refused.rejection == LineUnconfirmed(line_ids=[line_id])
    assert written_off.accepted
    (payment,) = table.state.bill.payments.values()
    assert (payment.channel, payment.amount_fen) == ("write_off", 16_800)
    (act,) = (event.act for event in written_off.events if isinstance(event, ActDone))
    assert (act.action, act.amount_fen, act.before) == (
        "bill.write_off",
        16_800,
        {"due_fen": 16_800, "unconfirmed": [line_id]},
    )
    assert table.state.bill.status(table.at) == "settled"


def test_D5_T11_what_nobody_weighed_is_not_given_up_beyond_what_was_allowed() -> None:
    """The price that guests were shown is what it is judged by."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    table.when(placed(submit(table), provisional=True))

    refused = table.when(ClearSession(by=WAITER, reason="x", may_write_off_fen=0))

    assert refused.rejection == BillUnsettled(due_fen=16_800)
