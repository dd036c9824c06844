"""T1, T8, T9, T11, T16: who is let in, the phases of a table, calls, and the end of a visit."""

from __future__ import annotations

import pytest

from store_runtime.bill.rejections import BillSettled
from store_runtime.store.floor.commands import GetFloor, RemoveTable
from store_runtime.store.floor.rejections import TableOccupied
from store_runtime.table.commands import SEATS_MAX, FreeTable, OpenTable, RevokeCode, RotateCode, ScanCode
from store_runtime.table.rejections import JoinOrNew, PinLocked, TableCodeVoid, TableNotFound, TableTaken
from store_runtime.table_session.bill_commands import (
    DiscountBill,
    LockBill,
    PayBill,
    RefundOrdered,
    ReopenBill,
    WithdrawDiscount,
)
from store_runtime.table_session.commands import (
    AcknowledgeCall,
    CallStaff,
    ClearSession,
    EditCart,
    LeaveSession,
    SetHost,
)
from store_runtime.table_session.invariants import violations
from store_runtime.table_session.rejections import (
    BillUnsettled,
    CallCoolingDown,
    NotHost,
    SessionClosed,
)
from tests.store_runtime.tables import MANAGER, WAITER, Dining, add, party
from tests.store_runtime.test_moves import Floor

TABLE = "table/s1.t8"


def phase(dining: Dining) -> str:
    """As the floor shows it."""
    items = dining["store/s1"].ask(GetFloor()).items
    return next(str(one.phase) for one in items if one.table_id == "t8")


def pay(floor: Floor, session_id: str) -> None:
    """All that is due, in cash."""
    pay_all = PayBill(channel="cash", tendered_fen=100_000, by=WAITER)
    outcome = floor.when(f"table-session/{session_id}", pay_all)
    assert outcome.accepted, outcome.rejection
    floor.settle()


def clear(dining: Dining, session_id: str) -> None:
    assert dining.when(f"table-session/{session_id}", ClearSession(by=WAITER)).accepted
    dining.settle()


def test_T1_an_open_table_is_opened_by_the_first_scan_and_joined_by_the_next() -> None:
    """201, then 200: one session, two guests, the first one its host."""
    dining = Dining()

    first, second = dining.scan("ann"), dining.scan("bob")

    assert (first.reply.outcome, second.reply.outcome) == ("opened", "joined")
    session = dining.session(first.reply.session_id)
    assert [guest.user_id for guest in session.guests.values()] == ["ann", "bob"]
    assert session.host == "g1"
    assert phase(dining) == "seated"


def test_T1_a_second_scan_of_a_guest_is_the_same_seat() -> None:
    """Nothing is opened twice."""
    dining = Dining()

    first, again = dining.scan("ann"), dining.scan("ann")

    assert again.reply.outcome == "joined"
    assert again.reply.session_id == first.reply.session_id
    assert len(dining.session(first.reply.session_id).guests) == 1


def test_T1_an_empty_table_is_locked_until_staff_open_it() -> None:
    """The default of a pay-later store; staff see that somebody waits."""
    dining = Dining(join_policy="staff_confirm")

    waiting = dining.scan("ann")
    floor = dining["store/s1"].ask(GetFloor()).items[0]
    dining.open()
    joined = dining.scan("ann")

    assert waiting.reply.outcome == "waiting"
    assert (floor.phase, floor.waiting) == ("free", 1)
    assert joined.reply.outcome == "joined"


def test_T1_a_pin_lets_guests_in_and_guessing_is_stopped() -> None:
    """Five wrong ones a minute, and the next is not even looked at."""
    dining = Dining(join_policy="pin")
    assert dining.scan("ann").reply.outcome == "waiting"
    dining.open()
    pin = dining[TABLE].state.pin
    wrong = f"{(int(pin) + 1) % 10_000:04d}"

    misses = [dining.scan("eve", pin=wrong).reply.outcome for _ in range(5)]
    locked = dining.scan("eve", pin=pin)
    dining.at += 60_000
    right = dining.scan("ann", pin=pin)

    assert misses == ["pin_wrong"] * 5
    assert isinstance(locked.rejection, PinLocked)
    assert right.reply.outcome == "joined"


def test_T1_a_rotated_or_revoked_code_is_void() -> None:
    """Printed copies of it let nobody in."""
    dining = Dining()

    dining.when(TABLE, RotateCode(by=MANAGER))
    old = dining.scan("ann", rotation=1)
    new = dining.scan("ann", rotation=2)
    dining.when(TABLE, RevokeCode(by=MANAGER))
    revoked = dining.scan("bob", rotation=2)

    assert (old.rejection, revoked.rejection) == (TableCodeVoid(), TableCodeVoid())
    assert new.reply.outcome == "opened"


def test_T1_after_clearing_a_session_is_read_only_and_a_photographed_code_orders_nothing() -> None:
    """The table is locked again; the old session answers session_closed to every write."""
    dining = Dining(join_policy="staff_confirm")
    session_id = dining.open()
    dining.scan("ann")
    clear(dining, session_id)

    write = dining.when(f"table-session/{session_id}", EditCart(ops=(add("a1"),), user_id="ann"))
    scan = dining.scan("ann")

    assert write.rejection == SessionClosed()
    assert scan.reply.outcome == "waiting"
    assert phase(dining) == "free"


def test_T8_strangers_at_a_shared_table_are_asked_join_or_new() -> None:
    """8A and 8B, each with a session of its own."""
    dining = Dining(shared=True)
    first = dining.scan("ann").reply.session_id

    asked = dining.scan("bob")
    new = dining.scan("bob", new=True)
    joined = dining.scan("cid", session_id=first)

    assert isinstance(asked.rejection, JoinOrNew)
    assert [one.session_id for one in asked.rejection.parties] == [first]
    assert new.reply.outcome == "opened"
    assert dining.session(first).label == "8A"
    assert dining.session(new.reply.session_id).label == "8B"
    assert joined.reply.session_id == first


def test_T16_staff_open_a_table_once() -> None:
    """It is not opened over the heads of guests."""
    dining = Dining()
    session_id = dining.open(party_size=4)

    taken = dining.when(TABLE, OpenTable(by=WAITER))

    assert taken.rejection == TableTaken(session_id=session_id)
    assert dining.session(session_id).party_size == 4


def test_T11_a_table_is_cleaned_before_it_is_free() -> None:
    """By staff, or by the time that its store gives it."""
    dining = Dining(clearing_s=300)
    clear(dining, dining.open())
    assert phase(dining) == "clearing"

    dining.when(TABLE, FreeTable(by=WAITER))
    dining.settle()
    assert phase(dining) == "free"

    clear(dining, dining.open())
    dining.pass_until(dining.at + 300_000)
    assert phase(dining) == "free"


def test_T11_clearing_twice_is_clearing_once() -> None:
    """Nothing happens the second time."""
    dining = Dining()
    session_id = dining.open()
    clear(dining, session_id)

    again = dining.when(f"table-session/{session_id}", ClearSession(by=WAITER))

    assert again.accepted
    assert again.events == []


def test_T3_the_next_guest_is_host_when_the_host_goes() -> None:
    """Staff may name another."""
    table = party("ann", "bob", "cid")

    table.when(LeaveSession(user_id="ann"))
    assert table.state.host == "g2"
    no = table.when(SetHost(guest_id="g3", user_id="cid"))
    table.when(SetHost(guest_id="g3", by=WAITER))

    assert no.rejection == NotHost()
    assert table.state.host == "g3"


def test_T9_calls_are_deduplicated_acknowledged_cooled_down_and_escalated() -> None:
    """One call for water, however often it is asked for; louder after two minutes; quiet after an answer."""
    table = party("ann", "bob")

    first = table.when(CallStaff(kind="water", user_id="ann"))
    second = table.when(CallStaff(kind="water", user_id="bob"))
    bill = table.when(CallStaff(kind="bill", user_id="bob"))
    assert first.reply.call_id == second.reply.call_id != bill.reply.call_id

    table.then_wake()
    assert [call.escalated for call in table.state.calls] == [True, True]
    table.when(AcknowledgeCall(call_id=first.reply.call_id, by=WAITER))
    cooling = table.when(CallStaff(kind="water", user_id="ann"))
    assert isinstance(cooling.rejection, CallCoolingDown)
    later = table.when(CallStaff(kind="water", user_id="ann"), cooling.rejection.again_at)
    assert later.reply.call_id != first.reply.call_id


def test_T1_a_table_that_its_store_does_not_have_lets_nobody_in() -> None:
    """Never put, or removed; one with guests cannot be removed."""
    dining = Dining()
    nowhere = dining.when("table/s1.t77", ScanCode(rotation=1, user_id="ann"))
    session_id = dining.open()
    occupied = dining.when("store/s1", RemoveTable(table_id="t8"))
    clear(dining, session_id)
    dining.when("store/s1", RemoveTable(table_id="t8"))
    dining.settle()
    removed = dining.scan("ann")

    assert nowhere.rejection == removed.rejection == TableNotFound()
    assert occupied.rejection == TableOccupied(phase="seated")


@pytest.mark.parametrize("who", ["ann", "bob"])
def test_T11_all_phones_are_closed(who: str) -> None:
    """Nobody's phone can write once the table is cleared."""
    table = party("ann", "bob")
    table.when(ClearSession(by=WAITER))

    assert table.when(CallStaff(kind="water", user_id=who)).rejection == SessionClosed()


def test_T11_what_is_unpaid_is_not_cleared_without_a_reason_and_the_right() -> None:
    """跑单: it is written off by somebody who may, and the audit log has it."""
    floor = Floor()
    session_id = floor.scan("ann").reply.session_id
    floor.order(session_id, "ann", duck=1)
    key = f"table-session/{session_id}"

    without = floor.when(key, ClearSession(by=WAITER))
    too_much = floor.when(key, ClearSession(by=WAITER, reason="跑单", may_write_off_fen=16_799))
    written_off = floor.when(key, ClearSession(by=MANAGER, reason="跑单", may_write_off_fen=16_800))
    floor.settle()

    assert without.rejection == too_much.rejection == BillUnsettled(due_fen=16_800)
    assert written_off.accepted
    assert floor.session(session_id).status == "closed"
    assert floor.session(session_id).bill.due_fen(floor.at) == 0
    assert "audit-log/s1" in floor.everybody()
    assert phase(floor) == "free"


def test_T11_a_paid_table_is_settled_and_then_cleared() -> None:
    """ordering → settled, ordering again on a new round (§ 0)."""
    floor = Floor()
    session_id = floor.scan("ann").reply.session_id
    floor.order(session_id, "ann", duck=1)
    assert phase(floor) == "ordering"

    pay(floor, session_id)
    assert phase(floor) == "settled"
    floor.order(session_id, "ann", tofu=1)
    assert phase(floor) == "ordering"
    pay(floor, session_id)
    clear(floor, session_id)

    assert phase(floor) == "free"


def test_T1_a_crowd_that_scans_does_not_grow_the_table() -> None:
    """Who sits where is remembered of so many; the session refuses the fifty-first."""
    dining = Dining(thorough=False)
    for number in range(SEATS_MAX + 5):
        assert dining.when(TABLE, ScanCode(rotation=1, user_id=f"u{number}")).accepted

    assert len(dining[TABLE].state.seats) == SEATS_MAX


def test_O5_the_bill_of_a_cleared_table_is_reopened_paid_and_refunded_by_staff_alone() -> None:
    """反结账 opens the bill, not the table: others sit there already, and it closes again when it is settled."""
    floor = Floor()
    session_id = floor.scan("ann").reply.session_id
    key = f"table-session/{session_id}"
    floor.order(session_id, "ann", duck=1, tofu=1)
    given = DiscountBill(reason="老客", by=MANAGER, amount_fen=600, allowed_fen=600)
    assert floor.tell(session_id, given).accepted
    pay(floor, session_id)
    clear(floor, session_id)
    floor.scan("bob")
    sitting = floor.table("t8")
    (discount_id,) = floor.session(session_id).bill.discounts

    early = floor.when(key, WithdrawDiscount(discount_id=discount_id, by=MANAGER))
    assert floor.tell(session_id, ReopenBill(reason="折扣打错", by=MANAGER)).accepted
    assert floor.tell(session_id, WithdrawDiscount(discount_id=discount_id, by=MANAGER)).accepted
    of_guest = floor.when(key, PayBill(channel="simulated", user_id="ann"))
    assert floor.session(session_id).bill.due_fen(floor.at) == 600
    pay(floor, session_id)
    tofu = next(one for one, line in floor.session(session_id).ordered.items() if line.quote.name != "duck")
    assert floor.tell(session_id, LockBill(locked=True, by=MANAGER)).accepted
    refunded = floor.tell(
        session_id, RefundOrdered(line_id=tofu, quantity=1, reason="凉了", by=MANAGER, allowed_fen=20_000)
    )

    session = floor.session(session_id)
    assert (early.rejection, of_guest.rejection) == (BillSettled(), SessionClosed())
    assert refunded.accepted
    assert session.bill.refunded_fen > 0
    assert (session.status, session.bill.due_fen(floor.at)) == ("closed", 0)
    assert floor.table("t8") == sitting != [session_id]
    assert not violations(session)


def test_O5_what_a_reopened_bill_of_a_cleared_table_owes_is_written_off_by_clearing_again() -> None:
    """The same rules as the first time: a reason, and somebody who may. Nothing stays open."""
    floor = Floor()
    session_id = floor.scan("ann").reply.session_id
    key = f"table-session/{session_id}"
    floor.order(session_id, "ann", duck=1)
    floor.tell(session_id, DiscountBill(reason="老客", by=MANAGER, amount_fen=600, allowed_fen=600))
    pay(floor, session_id)
    clear(floor, session_id)
    (discount_id,) = floor.session(session_id).bill.discounts
    floor.tell(session_id, ReopenBill(reason="折扣打错", by=MANAGER))
    floor.tell(session_id, WithdrawDiscount(discount_id=discount_id, by=MANAGER))

    without = floor.when(key, ClearSession(by=WAITER))
    closed = floor.tell(session_id, ClearSession(by=MANAGER, reason="跑单", may_write_off_fen=600))
    again = floor.when(key, ClearSession(by=WAITER))

    bill = floor.session(session_id).bill
    assert without.rejection == BillUnsettled(due_fen=600)
    assert (closed.accepted, again.accepted, again.events) == (True, True, [])
    assert (bill.due_fen(floor.at), bill.reopened_until) == (0, 0)
