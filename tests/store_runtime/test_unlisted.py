"""D8 临时菜 at a table: a dish that is on no menu is a round of its own, once, and never in the cart."""

from __future__ import annotations

from typing import Any

import pytest

from actors.testing.kit import Given, Outcome
from actors.turn import derived_id
from store_runtime.bill.invariants import violations
from store_runtime.store.invariants import violations as store_violations
from store_runtime.store.orders.commands import LinesPlaced, ReleaseLines
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.table_session.bill_commands import LockBill, PayBill
from store_runtime.table_session.commands import AddUnlisted, ClearSession, GetSession, RoundRefused
from store_runtime.table_session.moving.commands import MoveLines
from store_runtime.table_session.rejections import BillLocked, InvalidField, SessionClosed
from store_runtime.table_session.state import Session
from store_runtime.takeout.commands import ReportPayment
from tests.store_runtime.tables import SESSION, WAITER, Dining, add, edit, party, quantities

NOODLES_FEN = 3_800


def wanted(**fields: Any) -> AddUnlisted:
    """长寿面 of the wok, as a waiter orders it."""
    plain: dict[str, Any] = {"name": "长寿面", "unit_price_fen": NOODLES_FEN, "quantity": 2, "by": WAITER}
    return AddUnlisted(**(plain | {"station": "wok"} | fields))


def placed(outcome: Outcome) -> LinesPlaced:
    """The store takes it."""
    place = outcome.reply.place
    line = PlacedLine(
        line_id=place.line_id,
        dish_id="",
        name=place.name,
        quantity=place.quantity,
        unit_price_fen=place.unit_price_fen,
    )
    return LinesPlaced(placed=PlacedLines(batch=place.batch, menu_version=1, lines=(line,)))


def taken(given: Given[Session], **fields: Any) -> Outcome:
    """It is ordered, and the store has it."""
    outcome = given.when(wanted(**fields))
    assert outcome.rejection is None, outcome.rejection
    assert given.when(placed(outcome)).accepted
    return outcome


def due(given: Given[Session]) -> int:
    assert not violations(given.state.bill, given.at)
    return given.state.bill.due_fen(given.at)


def test_D8_it_is_cooked_and_on_the_bill_and_in_the_audit_log() -> None:
    """With a real store: its station has it, the table owes it, and the log knows who named the price."""
    dining = Dining()
    session = dining.open()

    assert dining.when(f"table-session/{session}", wanted()).accepted
    dining.settle()

    state = dining.session(session)
    (line,) = state.ordered.values()
    store = dining["store/s1"]
    (cooked,) = store.state.kitchen.lines.values()
    assert (cooked.cooking.name, cooked.station, cooked.quantity) == ("长寿面", "wok", 2)
    assert (state.rounds[1].state, line.status, state.status) == ("fired", "queued", "ordering")
    assert state.bill.due_fen(dining.at) == 2 * NOODLES_FEN
    assert not list(store_violations(store.state))
    (view,) = dining[f"table-session/{session}"].ask(GetSession()).rounds
    assert [(one.name, one.dish_id, one.amount_fen) for one in view.lines] == [
        ("长寿面", "", 2 * NOODLES_FEN)
    ]
    (entry,) = [
        one
        for one in (flight.send.command for flight in dining.delivered)
        if getattr(getattr(one, "act", None), "action", "") == "line.unlisted"
    ]
    assert (entry.act.by, entry.act.amount_fen) == (WAITER, 2 * NOODLES_FEN)  # type: ignore[attr-defined]


def test_D8_the_message_and_the_ingress_order_it_once() -> None:
    """Both tell the store under one id, and each hears the same; a session told twice changes nothing."""
    dining = Dining()
    session = dining.open()
    key = f"table-session/{session}"
    outcome = dining.when(key, wanted())

    ingress = dining.when("store/s1", outcome.reply.place, derived_id(outcome.command_id, "place"))
    dining.when(key, LinesPlaced(placed=ingress.reply))
    again = dining.when(key, LinesPlaced(placed=ingress.reply))
    dining.settle()

    assert again.events == []
    assert len(dining["store/s1"].state.kitchen.lines) == 1
    assert dining.session(session).bill.due_fen(dining.at) == 2 * NOODLES_FEN


def test_D8_it_and_what_guests_put_into_the_cart_meanwhile_are_different_lines() -> None:
    """Lines are numbered by the session, whoever is first."""
    table = party("ann")
    edit(table, "ann", add("a1"))

    first, second = table.when(wanted()), table.when(wanted(quantity=1))
    edit(table, "ann", add("a2", "tofu"))

    numbers = [first.reply.place.line_id, second.reply.place.line_id]
    assert numbers == [f"{SESSION}.l2", f"{SESSION}.l3"]
    assert (first.reply.round_no, second.reply.round_no) == (1, 2)
    assert (list(table.state.cart.lines), quantities(table.state)) == ([1, 4], {"duck": 1, "tofu": 1})


def test_D8_refused_it_is_gone_and_the_cart_is_as_it_was() -> None:
    """There was nothing in the cart to come back; what the store says late changes nothing."""
    table = party("ann")
    edit(table, "ann", add("a1"))
    outcome = table.when(wanted())
    (send,) = [one for one in outcome.sends if one.step == "place"]

    assert send.if_rejected == RoundRefused(round_no=1)
    problem = LineProblem(line_id=outcome.reply.place.line_id, dish_id="", problem="gone")
    assert table.when(RoundRefused(round_no=1)).accepted
    assert table.when(RoundRefused(round_no=1, problems=(problem,))).accepted
    late = table.when(placed(outcome))

    assert late.events == []
    assert (table.state.rounds[1].state, table.state.ordered) == ("returned", {})
    assert (quantities(table.state), due(table)) == ({"duck": 1}, 0)


def test_T6_D8_paid_first_it_is_cooked_when_it_is_paid() -> None:
    """It is held, a share of its own, and fires with the money."""
    table = party("ann", pay_mode="pay_first", order_hold_s=60, grace_s=5)
    outcome = taken(table)

    place = outcome.reply.place
    assert (place.fire, place.hold_until) == (False, outcome.at + 65_000)
    assert (table.state.rounds[1].state, due(table)) == ("held", 2 * NOODLES_FEN)
    payment = table.when(PayBill(channel="simulated", user_id="ann")).reply.payment_id
    paid = table.when(ReportPayment(payment_id=payment, outcome="paid"))

    assert [one.step for one in paid.sends if one.step.startswith("fire")] == ["fire.1"]
    assert (table.state.rounds[1].state, due(table)) == ("waiting", 0)


def test_T6_D8_paid_first_and_never_paid_it_is_released_and_owes_nothing() -> None:
    """The store lets it go."""
    table = party("ann", pay_mode="pay_first")
    taken(table)

    released = table.then_wake()

    assert [type(one.command) for one in released.sends if one.step == "release.1"] == [ReleaseLines]
    assert (table.state.rounds[1].state, table.state.ordered, due(table)) == ("released", {}, 0)


def test_T8_D8_it_moves_to_another_table_like_any_line() -> None:
    """Both tables' bills say so, and it stays what it is."""
    dining = Dining()
    here, there = dining.open("t8"), dining.open("t9")
    dining.when(f"table-session/{here}", wanted())
    dining.settle()
    (line_id,) = dining.session(here).ordered

    move = MoveLines(line_ids=(line_id,), to_session=there, by=WAITER)
    assert dining.when(f"table-session/{here}", move).accepted
    dining.settle()

    (line,) = dining.session(there).ordered.values()
    assert (line.unlisted, line.quantity, dining.session(here).ordered) == (True, 2, {})
    bills = [dining.session(one).bill.due_fen(dining.at) for one in (here, there)]
    assert bills == [0, 2 * NOODLES_FEN]


def test_T6_D8_a_locked_bill_and_a_cleared_table_take_nothing_more() -> None:
    """Staff unlock it first."""
    table = party("ann")
    table.when(LockBill(locked=True, by=WAITER))
    locked = table.when(wanted())
    table.when(LockBill(locked=False, by=WAITER))
    table.when(ClearSession(by=WAITER))
    closed = table.when(wanted())

    assert (locked.rejection, closed.rejection) == (BillLocked(), SessionClosed())
    assert table.state.rounds == {}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"name": "面\u202e"}, "$.name"),
        ({"name": "面" * 65}, "$.name"),
        ({"unit_price_fen": -1}, "$.unit_price_fen"),
        ({"unit_price_fen": 100_000_001}, "$.unit_price_fen"),
        ({"quantity": 0}, "$.quantity"),
        ({"quantity": 1_000}, "$.quantity"),
        ({"station": "s" * 65}, "$.station"),
    ],
)
def test_D8_bad_input_never_leaves_the_table(fields: dict[str, Any], path: str) -> None:
    """Refused with the field's path; no round was made."""
    table = party("ann")

    rejection = table.when(wanted(**fields)).rejection

    assert isinstance(rejection, InvalidField)
    assert (rejection.path, table.state.rounds) == (path, {})
