"""T8: 换台, 并台, 拼台, 拆台, 转菜 — lines and money are the same before and after, and nobody waits for anybody."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.testing.kit import Outcome
from store_runtime.bill.splitting import LineClaim, SplitPart
from store_runtime.store.menu.commands import PutDish
from store_runtime.table.rejections import TableTaken
from store_runtime.table_session.bill_commands import PayBill, SplitBill
from store_runtime.table_session.commands import ClearSession, EditCart, LeaveSession, SubmitRound
from store_runtime.table_session.invariants import violations
from store_runtime.table_session.moving.commands import (
    Combine,
    ComeBack,
    GiveBack,
    Merge,
    MoveLines,
    Transfer,
    Uncombine,
)
from store_runtime.table_session.moving.events import ParcelTaken
from store_runtime.table_session.rejections import MoneyMoved, SessionBusy, SessionMoved
from store_runtime.table_session.state import Session
from store_runtime.takeout.commands import ReportPayment
from tests.store_runtime.tables import MANAGER, WAITER, Dining, add


class Floor(Dining):
    """Dining with a menu, so that rounds are really taken."""

    def __init__(self, *, thorough: bool = True, **plan: object) -> None:
        super().__init__(thorough=thorough, **plan)
        for dish_id, price_fen in (("duck", 16_800), ("tofu", 2_800), ("rice", 300)):
            dish = PutDish(dish_id=dish_id, name=dish_id, price_fen=price_fen)
            assert self.when("store/s1", dish).accepted
        self.settle()

    def order(self, session_id: str, who: str, **dishes: int) -> None:
        """A guest puts dishes into the cart and orders them."""
        key = f"table-session/{session_id}"
        seq = self.session(session_id).live.seq
        for dish_id, quantity in dishes.items():
            op = add(f"{seq}.{dish_id}", dish_id, quantity)
            assert self.when(key, EditCart(ops=(op,), user_id=who)).accepted
        submit = SubmitRound(seen_seq=self.session(session_id).live.seq, user_id=who)
        assert self.when(key, submit).accepted
        self.settle()

    def tell(self, session_id: str, command: object) -> Outcome:
        outcome = self.when(f"table-session/{session_id}", command)  # type: ignore[arg-type]
        self.settle()
        return outcome

    def table(self, table: str) -> list[str]:
        """Who sits there, as the table knows."""
        return list(self[f"table/s1.{table}"].state.sittings)

    def lines(self) -> Counter[tuple[str, int]]:
        """(dish, price) → how many, over all sessions and what is on its way between them."""
        total: Counter[tuple[str, int]] = Counter()
        events = [e for key in self.everybody() for e, _ in self[key].history]
        taken = {e.parcel.parcel_id for e in events if isinstance(e, ParcelTaken)}
        for key in self.everybody():
            state = self[key].state
            if isinstance(state, Session):
                here = list(state.ordered.values())
                for parcel in state.outgoing.values():
                    if parcel.parcel_id not in taken:
                        here += [moved.line for moved in parcel.lines]
                for line in here:
                    price = line.placed.unit_price_fen if line.placed is not None else 0
                    total[line.selection.dish_id, price] += line.quantity
        return total

    def money(self) -> int:
        """What all bills together ask for, when nothing is on its way."""
        states = [self[key].state for key in self.everybody()]
        return sum(state.bill.due_fen(self.at) for state in states if isinstance(state, Session))

    def addresses(self) -> set[tuple[str, str]]:
        """(line, order) as the store has them."""
        return {(key, line.order) for key, line in self["store/s1"].state.orders.lines.items()}


def test_T8_a_party_changes_its_table_and_its_phones_follow() -> None:
    """The session keeps its id and its seq goes on; the old table is free, the kitchen knows the new one."""
    floor = Floor()
    session = floor.scan("ann").reply.session_id
    floor.order(session, "ann", duck=1)
    seq = floor.session(session).live.seq

    floor.tell(session, Transfer(to_table_id="t9", by=WAITER))

    state = floor.session(session)
    assert (state.table_id, state.label, state.moving) == ("t9", "9", "")
    assert (floor.table("t8"), floor.table("t9")) == ([], [session])
    assert [one.type for one in state.live.since(seq).events][:2] == [
        "session_moving",
        "session_transferred",
    ]
    assert {batch.label for batch in floor["store/s1"].state.orders.batches.values()} == {"9"}
    again = floor.scan("ann", "t9")
    assert (again.reply.outcome, again.reply.session_id) == ("joined", session)


def test_T8_a_taken_table_refuses_and_nothing_has_changed() -> None:
    """The party stays, and can go elsewhere."""
    floor = Floor()
    here, there = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id

    floor.tell(here, Transfer(to_table_id="t9", by=WAITER))

    assert (floor.table("t8"), floor.table("t9")) == ([here], [there])
    assert floor.session(here).moving == ""


@pytest.mark.parametrize("order", [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)])
def test_T8_crossing_transfers_cannot_deadlock(order: tuple[int, ...]) -> None:
    """A→B and B→A at once: both are refused, in whatever order the messages come, and nobody waits."""
    floor = Floor()
    one, two = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.when(f"table-session/{one}", Transfer(to_table_id="t9", by=WAITER))
    floor.when(f"table-session/{two}", Transfer(to_table_id="t8", by=WAITER))

    for index in order:
        floor.deliver(min(index, len(floor.in_flight) - 1))
    floor.settle()

    assert {floor.session(one).moving, floor.session(two).moving} == {""}
    assert (floor.table("t8"), floor.table("t9")) == ([one], [two])


def test_T8_while_a_session_moves_nothing_else_moves_it() -> None:
    """Neither a second move nor clearing; ordering goes on."""
    floor = Floor()
    session = floor.scan("ann").reply.session_id
    floor.when(f"table-session/{session}", Transfer(to_table_id="t9", by=WAITER))

    for command in (Transfer(to_table_id="t9", by=WAITER), ClearSession(by=WAITER)):
        assert floor.when(f"table-session/{session}", command).rejection == SessionBusy()
    assert floor.when(f"table-session/{session}", EditCart(ops=(add("a1"),), user_id="ann")).accepted


def test_T8_merging_makes_one_party_of_two_and_parting_makes_them_two_again() -> None:
    """Guests, cart and lines go along, with who ordered what; 拆台 returns the lines to their origin."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.order(left, "ann", duck=1)
    floor.order(right, "bob", duck=2, tofu=1)
    floor.when(f"table-session/{right}", EditCart(ops=(add("b9", "rice"),), user_id="bob"))
    before = floor.lines()

    floor.tell(left, Merge(from_session=right, by=WAITER))

    one = floor.session(left)
    assert floor.lines() == before
    assert len(one.ordered) == 3
    assert [guest.user_id for guest in one.guests.values()] == ["ann", "bob"]
    assert {tuple(line.counts.items()) for line in one.ordered.values()} == {
        (("g1", 1),),
        (("g2", 2),),
        (("g2", 1),),
    }
    assert [line.selection.dish_id for line in one.cart.lines.values()] == ["rice"]
    assert (floor.session(right).status, floor.table("t9")) == ("moved", [])
    assert {order for _, order in floor.addresses()} == {f"table-session/{left}"}
    write = floor.when(f"table-session/{right}", EditCart(ops=(add("x"),), user_id="bob"))
    assert write.rejection == SessionMoved(session_id=left)

    floor.tell(right, ComeBack(by=WAITER))

    assert floor.lines() == before
    assert floor.session(right).status == "ordering"
    assert {line.selection.dish_id for line in floor.session(right).ordered.values()} == {"duck", "tofu"}
    assert len(floor.session(left).ordered) == 1
    assert floor.table("t9") == [right]
    assert {order for _, order in floor.addresses()} == {f"table-session/{left}", f"table-session/{right}"}


def merged_with_bob(**pay: Any) -> tuple[Floor, str, str, Outcome]:
    """Ann (a duck, 168 yuan) and Bob (tofu, 28) are one party, and one payment is made there."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.order(left, "ann", duck=1)
    floor.order(right, "bob", tofu=1)
    floor.tell(left, Merge(from_session=right, by=WAITER))
    paid = floor.tell(left, PayBill(**pay))
    assert paid.accepted, paid.rejection
    return floor, left, right, paid


@pytest.mark.parametrize("how", ["cash", "phone"])
def test_T8_a_merge_is_undone_though_those_who_stay_have_paid_theirs(how: str) -> None:
    """The other party's lines are unpaid: they go home, and are paid there."""
    pay: dict[str, Any] = (
        {"channel": "cash", "by": WAITER} if how == "cash" else {"channel": "simulated", "user_id": "ann"}
    )
    floor, left, right, paid = merged_with_bob(amount_fen=16_800, **pay)
    if how == "phone":
        floor.tell(left, ReportPayment(payment_id=paid.reply.payment_id, outcome="paid"))

    floor.tell(right, ComeBack(by=WAITER))

    one, two = floor.session(left), floor.session(right)
    assert (one.status, one.bill.due_fen(floor.at), one.bill.refunded_fen) == ("settled", 0, 0)
    assert (two.status, two.bill.due_fen(floor.at)) == ("ordering", 2_800)
    assert floor.table("t9") == [right]
    assert floor["table/s1.t8"].state.sittings[left].state == "settled"
    assert not violations(one) + violations(two)


@pytest.mark.parametrize(
    "pay",
    [
        {"channel": "simulated", "user_id": "ann", "amount_fen": 16_800},
        {"channel": "cash", "by": WAITER, "amount_fen": 16_801},
        {"channel": "cash", "by": WAITER},
        {"channel": "cash", "user_id": "bob", "by": WAITER, "amount_fen": 2_800},
    ],
    ids=["being paid", "a fen of theirs", "all is paid", "paid by the guest who goes"],
)
def test_T8_what_is_paid_or_being_paid_stays_where_it_is(pay: dict[str, Any]) -> None:
    """No money would have to follow the lines: 拆台 is refused, and nothing has moved."""
    floor, left, right, _ = merged_with_bob(**pay)
    owed = floor.money()

    floor.tell(right, ComeBack(by=WAITER))

    assert (floor.session(right).status, floor.money()) == ("moved", owed)
    assert len(floor.session(left).ordered) == 2
    assert (
        floor.when(f"table-session/{left}", GiveBack(to_session=right, by=WAITER)).rejection == MoneyMoved()
    )


def test_T8_a_share_of_the_lines_that_is_paid_keeps_them() -> None:
    """分账 by line: the waiter took cash for the tofu."""
    floor, left, right, _ = merged_with_bob(channel="cash", by=WAITER, amount_fen=100)
    tofu = next(key for key, line in floor.session(left).ordered.items() if line.selection.dish_id == "tofu")
    split = SplitBill(mode="by_line", parts=(SplitPart(lines=(LineClaim(line_id=tofu),)),), by=WAITER)
    assert floor.tell(left, split).accepted
    (share_id,) = floor.session(left).bill.shares
    assert floor.tell(left, PayBill(channel="cash", by=WAITER, share_id=share_id)).accepted

    give = floor.when(f"table-session/{left}", GiveBack(to_session=right, by=WAITER))

    assert give.rejection == MoneyMoved()


def test_T8_who_left_for_the_other_table_is_back_when_it_is_merged() -> None:
    """Ann went over to Bob's table; when it comes to hers, she orders there again."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.tell(left, LeaveSession(user_id="ann"))
    floor.scan("ann", "t9")

    floor.tell(left, Merge(from_session=right, by=WAITER))

    assert floor.when(f"table-session/{left}", EditCart(ops=(add("a1"),), user_id="ann")).accepted
    assert [guest.left for guest in floor.session(left).guests.values()] == [False, False]


def test_T8_two_that_merge_each_other_are_both_refused_or_one_is_merged() -> None:
    """Nobody waits for ever, and nothing is lost."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.order(left, "ann", duck=1)
    floor.order(right, "bob", tofu=1)
    before = floor.lines()

    floor.when(f"table-session/{left}", Merge(from_session=right, by=WAITER))
    floor.when(f"table-session/{right}", Merge(from_session=left, by=WAITER))
    floor.settle()

    assert {floor.session(left).moving, floor.session(right).moving} == {""}
    assert floor.lines() == before


def test_T8_a_party_cannot_come_back_to_a_table_that_is_taken() -> None:
    """It stays merged, with its lines where they are."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.order(right, "bob", tofu=1)
    floor.tell(left, Merge(from_session=right, by=WAITER))
    third = floor.scan("cid", "t9").reply.session_id

    floor.tell(right, ComeBack(by=WAITER))

    assert floor.session(right).moved_to == left
    assert (floor.table("t9"), len(floor.session(left).ordered)) == ([third], 1)


def test_T8_lines_and_parts_of_lines_move() -> None:
    """Two of three ducks go to table 9; what the kitchen says of them is heard there."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.order(left, "ann", duck=3, tofu=1)
    duck, tofu = floor.session(left).ordered
    before = floor.lines()

    floor.tell(left, MoveLines(line_ids=(duck,), quantity=2, to_session=right, by=WAITER))
    floor.tell(left, MoveLines(line_ids=(tofu,), to_session=right, by=WAITER))

    assert floor.lines() == before
    assert {key: line.quantity for key, line in floor.session(left).ordered.items()} == {duck: 1}
    assert {line.selection.dish_id: line.quantity for line in floor.session(right).ordered.values()} == {
        "duck": 2,
        "tofu": 1,
    }
    assert (tofu, f"table-session/{right}") in floor.addresses()
    assert floor.session(left).outgoing == {}


def test_T8_lines_for_a_party_that_is_gone_come_back() -> None:
    """Nothing is lost on the way."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id
    floor.order(left, "ann", duck=3)
    (duck,) = floor.session(left).ordered
    floor.tell(right, ClearSession(by=WAITER))
    before = floor.lines()

    floor.tell(left, MoveLines(line_ids=(duck,), quantity=2, to_session=right, by=WAITER))

    assert floor.lines() == before
    assert floor.session(left).ordered[duck].quantity == 3
    assert floor.session(left).ordered[duck].counts == {"g1": 3}


def test_T8_parties_sit_together_and_keep_their_bills() -> None:
    """拼台: each shows the other's label; apart again, neither does."""
    floor = Floor()
    left, right = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id

    floor.tell(left, Combine(with_session=right, by=WAITER))
    assert (floor.session(left).combined, floor.session(right).combined) == ({right: "9"}, {left: "8"})

    floor.tell(right, Uncombine(with_session=left, by=MANAGER))
    assert (floor.session(left).combined, floor.session(right).combined) == ({}, {})
    floor.tell(left, Combine(with_session="tsnobody", by=WAITER))
    assert floor.session(left).combined == {}


MOVES = ("transfer", "merge", "back", "lines", "part", "order")


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(MOVES), st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)),
        max_size=14,
    ),
    deliveries=st.lists(st.integers(0, 9), max_size=60),
)
def test_T8_whatever_moves_and_in_whatever_order_lines_and_money_are_the_same(
    steps: list[tuple[str, int, int, int]], deliveries: list[int]
) -> None:
    """Three parties move, merge, part and pass lines, with messages between them late and doubled: every line that
    was ordered is in exactly one session, at its price, and every open session sits at exactly one table.
    """
    floor = Floor(thorough=False, shared=True)
    sessions = [floor.scan(f"u{number}", "t8", new=number > 0).reply.session_id for number in range(3)]
    for number, session in enumerate(sessions):
        floor.order(session, f"u{number}", duck=number + 1, tofu=1)
    before, owed, late = floor.lines(), floor.money(), iter(deliveries)

    for move, one, other, number in steps:
        _move(floor, sessions, move, one, other, number)
        while floor.in_flight and (index := next(late, None)) is not None and index:
            floor.deliver(index % len(floor.in_flight), twice=index == 9)
        assert floor.lines() == before
    floor.settle()

    assert (floor.lines(), floor.money()) == (before, owed)
    assert owed == 6 * 16_800 + 3 * 2_800
    for session in sessions:
        state = floor.session(session)
        seats = [table for table in ("t8", "t9") if session in floor.table(table)]
        assert (state.moving, state.outgoing) == ("", {})
        assert seats == ([] if state.moved_to else [state.table_id])
        for line in state.ordered:
            if "-" not in line:
                assert (line, f"table-session/{session}") in floor.addresses()


def _move(floor: Floor, sessions: list[str], move: str, one: int, other: int, number: int) -> None:
    here, there = sessions[one], sessions[other]
    lines = list(floor.session(here).ordered)
    key = f"table-session/{here}"
    match move:
        case "transfer":
            floor.when(key, Transfer(to_table_id=("t8", "t9")[number % 2], by=WAITER))
        case "merge":
            floor.when(key, Merge(from_session=there, by=WAITER))
        case "back":
            floor.when(key, ComeBack(by=WAITER))
        case "lines" | "part" if lines:
            line = lines[number % len(lines)]
            floor.when(
                key, MoveLines(line_ids=(line,), quantity=int(move == "part"), to_session=there, by=WAITER)
            )
        case _:
            pass


def test_T8_a_taken_table_is_said_so_at_once() -> None:
    """Who asks the table hears which session sits there."""
    floor = Floor()
    here, there = floor.scan("ann").reply.session_id, floor.scan("bob", "t9").reply.session_id

    asked = floor.when(f"table-session/{here}", Transfer(to_table_id="t9", by=WAITER))
    refused = floor.when("table/s1.t9", asked.reply.receive)

    assert refused.rejection == TableTaken(session_id=there)
