"""A3: every payment, refund and movement of cash belongs to the shift of who did it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from actors.testing.kit import Given, after
from store_runtime.audit_log.acts import RecordAct
from store_runtime.by import By
from store_runtime.till.actor import Till
from store_runtime.till.bookings import BookToShift, book_to_shift
from store_runtime.till.commands import GetShift, ListShifts, MoveCash, OpenShift
from store_runtime.till.events import Booked
from store_runtime.till.invariants import violations
from store_runtime.till.rejections import InvalidField, ShiftAlreadyOpen, ShiftNotFound
from store_runtime.till.state import RECENT_MAX, TillBooks

LI, WANG = By("li", device="till-1"), By("wang")


def till() -> Given[TillBooks]:
    """Li has opened with 500 yuan."""
    given = after(Till("s1"))
    assert given.when(OpenShift(by=LI, float_fen=50_000)).accepted
    return given


def paid(by: By = LI, fen: int = 8_800, channel: str = "cash", subject: str = "p1") -> BookToShift:
    return BookToShift(by=by, kind="payment", channel=channel, amount_fen=fen, subject=subject)


def refunded(by: By = LI, fen: int = 1_000, channel: str = "cash") -> BookToShift:
    return BookToShift(by=by, kind="refund", channel=channel, amount_fen=fen, subject="r1")


def test_A3_a_shift_opens_with_its_float() -> None:
    """The answer is what a question shows; the store's shifts are numbered."""
    given = after(Till("s1"))

    opened = given.when(OpenShift(by=LI, float_fen=50_000))
    second = given.when(OpenShift(by=WANG, float_fen=0))

    assert (opened.reply.shift_id, opened.reply.float_fen) == ("h1", 50_000)
    assert second.reply.shift_id == "h2"
    assert given.ask(GetShift(account="li")) == opened.reply


def test_A3_a_shift_is_opened_once() -> None:
    """The next begins when this one is closed."""
    assert till().when(OpenShift(by=LI, float_fen=1)).rejection == ShiftAlreadyOpen(shift_id="h1")


def test_A3_money_belongs_to_the_shift_of_who_took_it() -> None:
    """Per channel; only cash is in the drawer."""
    given = till()
    given.when(OpenShift(by=WANG, float_fen=10_000))
    given.when(paid())
    given.when(paid(channel="wechat", fen=2_000, subject="p2"))
    given.when(refunded())
    given.when(paid(by=WANG, fen=300, subject="p3"))

    of_li, of_wang = given.ask(ListShifts()).items

    assert [(t.channel, t.received_fen, t.refunded_fen) for t in of_li.tenders] == [
        ("cash", 8_800, 1_000),
        ("wechat", 2_000, 0),
    ]
    assert (of_li.drawer_fen, of_wang.drawer_fen) == (50_000 + 8_800 - 1_000, 10_300)


def test_A3_who_is_going_to_count_does_not_see_the_expected_sum() -> None:
    """Neither what came in nor what should be there."""
    given = till()
    given.when(paid())

    shown = given.ask(GetShift(account="li"))

    assert shown.bookings == 1
    assert not {"drawer_fen", "tenders"} & set(shown.__struct_fields__)


def test_A3_money_is_never_refused_for_want_of_a_shift() -> None:
    """The first booking opens one; its float is counted afterwards, once."""
    given = after(Till("s1"))

    booked = given.when(paid(by=WANG))
    counted = given.when(OpenShift(by=WANG, float_fen=20_000))
    again = given.when(OpenShift(by=WANG, float_fen=1))

    assert booked.accepted
    assert (counted.reply.shift_id, counted.reply.float_fen, counted.reply.bookings) == ("h1", 20_000, 1)
    assert given.ask(ListShifts()).items[0].drawer_fen == 20_000 + 8_800
    assert again.rejection == ShiftAlreadyOpen(shift_id="h1")


def test_A3_cash_moves_with_a_reason() -> None:
    """In and out; both are told to the audit log with who, device, amount and reason."""
    given = till()

    out = given.when(MoveCash(by=LI, kind="out", amount_fen=3_500, reason="买葱"))
    back = given.when(MoveCash(by=LI, kind="in", amount_fen=500, reason="找零"))

    assert (back.reply.cash_out_fen, back.reply.cash_in_fen) == (3_500, 500)
    assert [m.reason for m in back.reply.movements] == ["买葱", "找零"]
    assert given.ask(ListShifts()).items[0].drawer_fen == 47_000
    (send,) = out.sends
    assert isinstance(send.command, RecordAct)
    act = send.command.act
    assert (send.to, act.action, act.by, act.amount_fen, act.reason) == (
        "audit-log/s1",
        "shift.cash_out",
        LI,
        3_500,
        "买葱",
    )


def test_A3_no_cash_moves_without_a_shift() -> None:
    """Of Wang's, who has none, and none is shown."""
    given = till()

    moved = given.when(MoveCash(by=WANG, kind="in", amount_fen=1, reason="x"))

    assert moved.rejection == ShiftNotFound()
    with pytest.raises(ShiftNotFound):
        given.ask(GetShift(account="wang"))


@pytest.mark.parametrize(
    "wrong",
    [
        MoveCash(by=LI, kind="in", amount_fen=0, reason="x"),
        MoveCash(by=LI, kind="in", amount_fen=-5, reason="x"),
        MoveCash(by=LI, kind="in", amount_fen=10**12, reason="x"),
        MoveCash(by=LI, kind="in", amount_fen=1, reason=""),
        MoveCash(by=LI, kind="in", amount_fen=1, reason="a\nb"),
        OpenShift(by=WANG, float_fen=-1),
    ],
)
def test_A3_amounts_and_reasons_have_bounds(wrong: Any) -> None:
    """Also for a command that was built in the process."""
    assert isinstance(till().when(wrong).rejection, InvalidField)


def test_A3_the_state_of_a_long_shift_stays_small() -> None:
    """The newest movements are shown; the sums are of all."""
    given = till()
    for number in range(RECENT_MAX + 5):
        given.when(MoveCash(by=LI, kind="in", amount_fen=1, reason=str(number)))

    shown = given.ask(GetShift(account="li"))

    assert len(shown.movements) == RECENT_MAX
    assert (shown.movements[-1].reason, shown.cash_in_fen) == (str(RECENT_MAX + 4), RECENT_MAX + 5)


def test_A3_a_till_that_contradicts_itself_is_told() -> None:
    """The invariant is not blind: a drawer that its bookings do not explain, a number from nowhere."""
    given = till()
    given.then(Booked(account="li", kind="payment", channel="cash", amount_fen=5, subject="p"))
    assert violations(given.state) == []

    given.state.open["li"].drawer_fen += 1
    given.state.shifts = 0

    assert len(violations(given.state)) == 2


def test_A3_others_send_their_bookings_here() -> None:
    """One message per payment, under a step that names it."""
    send = book_to_shift("s1", LI, "payment", "cash", 8_800, "o1.p1")

    assert (send.to, send.step, send.command) == (
        "till/s1",
        "shift:payment:o1.p1",
        paid(subject="o1.p1"),
    )


class Tills(RuleBasedStateMachine):
    """Two people at one till, against a model of a purse each."""

    def __init__(self) -> None:
        super().__init__()
        self.given = after(Till("s1"))
        self.purse: dict[str, int] = {}
        self.counted: set[str] = set()

    who = st.sampled_from([LI, WANG])
    fen = st.integers(1, 10_000)

    @rule(by=who, fen=fen)
    def opens(self, by: By, fen: int) -> None:
        outcome = self.given.when(OpenShift(by=by, float_fen=fen))
        assert outcome.accepted == (by.account not in self.counted)
        if outcome.accepted:
            self.counted.add(by.account)
            self.purse[by.account] = self.purse.get(by.account, 0) + fen

    @rule(by=who, fen=fen, kind=st.sampled_from(["in", "out"]))
    def moves(self, by: By, fen: int, kind: Any) -> None:
        outcome = self.given.when(MoveCash(by=by, kind=kind, amount_fen=fen, reason="x"))
        assert outcome.accepted == (by.account in self.purse)
        if outcome.accepted:
            self.purse[by.account] += fen if kind == "in" else -fen

    @rule(by=who, fen=fen, channel=st.sampled_from(["cash", "wechat"]), refund=st.booleans())
    def books(self, by: By, fen: int, channel: str, refund: bool) -> None:
        booking = refunded(by, fen, channel) if refund else paid(by, fen, channel)
        assert self.given.when(booking).accepted
        in_drawer = fen if channel == "cash" else 0
        self.purse[by.account] = self.purse.get(by.account, 0) + (-in_drawer if refund else in_drawer)

    @invariant()
    def the_drawers_are_the_purses(self) -> None:
        shown = {row.account: row.drawer_fen for row in self.given.ask(ListShifts()).items}
        assert shown == self.purse
        assert violations(self.given.state) == []


TestA3TheDrawersAreThePurses = Tills.TestCase
