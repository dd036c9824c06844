"""The queue at the door (T15): numbers, order, calls, passes, waiting times."""

from __future__ import annotations

from typing import Any

from hypothesis import given as given_any
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.testing.kit import NOON, Given, after
from actors.words import Wake
from store_runtime.by import By
from store_runtime.rejections import IllegalTransition
from store_runtime.reservations.commands import SeatReservation
from store_runtime.waiting_queue.actor import WaitingQueue
from store_runtime.waiting_queue.commands import (
    Band,
    CallTicket,
    ChangeQueue,
    GetQueue,
    GetTicket,
    MoveTicket,
    QueueTerms,
    SeatTicket,
    TableNow,
    TakeTicket,
    TicketSeatRefused,
)
from store_runtime.waiting_queue.eta import MINUTE_MS, eta_ms
from store_runtime.waiting_queue.invariants import violations
from store_runtime.waiting_queue.rejections import (
    AlreadyWaiting,
    NoBand,
    NobodyWaiting,
    QueueClosed,
    TicketNotFound,
)
from store_runtime.waiting_queue.state import Queue

BY = By("waiter")
TODAY, TOMORROW = 20261124, 20261125
PAIR = Band(prefix="A", party_from=1, party_to=2, minutes=60)


def taking(code: str, party: int = 2, day: int = TODAY, user: str = "") -> TakeTicket:
    return TakeTicket(code=code, store_id="s1", day=day, party_size=party, user_id=user)


def queue(*parties: int) -> Given[Queue]:
    """Parties of these sizes wait as q1, q2, …"""
    given = after(WaitingQueue("s1"))
    for number, party in enumerate(parties, 1):
        assert given.when(taking(f"q{number}", party)).accepted
    return given


def line(given: Given[Queue], prefix: str = "A") -> list[str]:
    return [given.state.tickets[code].number for code in given.state.order.get(prefix, [])]


def sound(given: Given[Queue]) -> None:
    broken = violations(given.state)
    assert not broken, broken


def test_T15_numbers_are_given_by_party_size_without_a_gap() -> None:
    """Each band counts for itself; a repeat gets its own number again."""
    given = queue(2, 4, 1, 12)

    assert [one.number for one in given.state.tickets.values()] == ["A001", "B001", "A002", "C001"]
    assert given.when(taking("q1")).reply.number == "A001"
    sound(given)


def test_T15_a_new_day_begins_with_number_one() -> None:
    """Nobody of yesterday waits, and what an ingress says of yesterday does not bring it back."""
    given = queue(2, 2)

    assert given.when(taking("q9", day=TOMORROW)).reply.number == "A001"
    assert given.when(taking("q10", day=TODAY)).reply.number == "A002"
    assert list(given.state.tickets) == ["q9", "q10"]


def test_T15_the_party_that_waits_longest_is_called_first() -> None:
    """Then the next; calling again does not skip anybody."""
    given = queue(2, 2, 4)

    first = given.when(CallTicket(prefix="A", by=BY)).reply
    again = given.when(CallTicket(code=first.ticket_id, by=BY)).reply
    second = given.when(CallTicket(prefix="A", by=BY)).reply

    assert (first.number, again.calls, second.number) == ("A001", 2, "A002")
    assert isinstance(given.when(CallTicket(prefix="A", by=BY)).rejection, NobodyWaiting)


def test_T15_who_does_not_come_is_passed_and_may_come_back_behind_others() -> None:
    """过号 by the clock; a diner once, staff always."""
    given = queue(2, 2, 2, 2, 2)
    given.when(CallTicket(prefix="A", by=BY))
    given.then_wake()
    assert line(given) == ["A002", "A003", "A004", "A005"]

    given.when(MoveTicket(code="q1", to="waiting"))
    assert line(given) == ["A002", "A003", "A004", "A001", "A005"]
    given.when(CallTicket(code="q1", by=BY))
    given.when(MoveTicket(code="q1", to="passed", by=BY))

    assert isinstance(given.when(MoveTicket(code="q1", to="waiting")).rejection, IllegalTransition)
    assert given.when(MoveTicket(code="q1", to="waiting", by=BY)).accepted
    sound(given)


def test_T15_seated_guests_take_their_preorder_along() -> None:
    """A session that does not take them calls them again, at the head."""
    given = queue(2, 2)

    seated = given.when(SeatTicket(code="q1", session_id="ts1", by=BY))
    (send,) = seated.sends
    assert (send.to, send.step, send.command) == ("table-session/ts1", "seat", seated.reply.seat)
    assert isinstance(send.command, SeatReservation)
    assert line(given) == ["A002"]

    given.when(TicketSeatRefused(code="q1", session_id="ts1"))
    assert line(given) == ["A001", "A002"]
    sound(given)


def test_T15_what_cannot_be_is_refused() -> None:
    """Closed, no band, twice, a stranger's, one who left."""
    given = after(WaitingQueue("s1"))
    given.when(taking("q1", user="guest-1"))
    assert given.when(taking("q2", user="guest-1")).rejection == AlreadyWaiting(number="A001")
    stranger = given.when(MoveTicket(code="q1", to="left", user_id="guest-2"))
    assert isinstance(stranger.rejection, TicketNotFound)
    given.when(MoveTicket(code="q1", to="left", user_id="guest-1"))
    assert isinstance(given.when(CallTicket(code="q1", by=BY)).rejection, IllegalTransition)

    given.when(ChangeQueue(terms=QueueTerms(bands=(PAIR,)), by=BY))
    assert isinstance(given.when(taking("q3", 3)).rejection, NoBand)
    given.when(ChangeQueue(terms=QueueTerms(open=False), by=BY))
    assert isinstance(given.when(taking("q4")).rejection, QueueClosed)
    assert not given.when(ChangeQueue(terms=QueueTerms(bands=(PAIR, PAIR)), by=BY)).accepted


def test_T15_the_waiting_time_follows_the_tables() -> None:
    """The first party has the table that is free first, the second the next one."""
    given = queue(2, 2)
    tables = (
        TableNow(seats=4, free=False, taken_at=NOON - 20 * MINUTE_MS),
        TableNow(seats=2, free=False, taken_at=NOON - 40 * MINUTE_MS),
        TableNow(seats=1, free=False, taken_at=NOON - 44 * MINUTE_MS),
    )

    first, second = (given.ask(GetTicket(code=code, tables=tables)) for code in ("q1", "q2"))
    assert (first.ahead, second.ahead) == (0, 1)
    assert (first.eta_minutes, second.eta_minutes) == (1, 5)
    given.when(MoveTicket(code="q1", to="left"))
    assert given.ask(GetTicket(code="q2", tables=tables)).eta_minutes == 1
    assert given.ask(GetQueue(tables=(TableNow(seats=2, free=True),))).bands[0].waiting == 1


@given_any(
    ahead=strategies.integers(0, 30),
    taken=strategies.lists(strategies.integers(-300, 0), max_size=12),
    free=strategies.integers(0, 3),
)
def test_T15_nobody_waits_shorter_than_who_came_before(ahead: int, taken: list[int], free: int) -> None:
    """And a free table is never waited for."""
    tables = [TableNow(seats=2, free=False, taken_at=NOON + ago * MINUTE_MS) for ago in taken]
    tables += [TableNow(seats=2, free=True)] * free

    waits = [eta_ms(PAIR, number, tables, NOON) for number in range(ahead + 1)]

    assert waits == sorted(waits)
    assert all(wait == 0 for wait in waits[:free])


class DoorMachine(RuleBasedStateMachine):
    """Parties come and go, staff call and pass and seat, the clock runs."""

    given: Given[Queue]

    @initialize()
    def open(self) -> None:
        self.given = after(WaitingQueue("s1"))
        self.taken = 0

    @rule(party=strategies.integers(1, 8), tomorrow=strategies.integers(0, 20))
    def take(self, party: int, tomorrow: int) -> None:
        self.taken += 1
        self.given.when(taking(f"q{self.taken}", party, TOMORROW if tomorrow == 0 else TODAY))

    @rule(prefix=strategies.sampled_from("ABC"))
    def call_next(self, prefix: str) -> None:
        waiting = [
            code
            for code in self.given.state.order.get(prefix, [])
            if self.given.state.tickets[code].state == "waiting"
        ]
        called = self.given.when(CallTicket(prefix=prefix, by=BY))
        assert called.accepted == bool(waiting)
        if waiting:
            assert called.reply.ticket_id == waiting[0]

    @precondition(lambda self: self.given.state.tickets)
    @rule(
        data=strategies.data(),
        to=strategies.sampled_from(["passed", "waiting", "left"]),
        staff=strategies.booleans(),
    )
    def move(self, data: strategies.DataObject, to: Any, staff: bool) -> None:
        self.given.when(MoveTicket(code=self._code(data), to=to, by=BY if staff else None))

    @precondition(lambda self: self.given.state.tickets)
    @rule(
        data=strategies.data(), session=strategies.sampled_from(["t1", "t2"]), refused=strategies.booleans()
    )
    def seat(self, data: strategies.DataObject, session: str, refused: bool) -> None:
        code = self._code(data)
        self.given.when(SeatTicket(code=code, session_id=session, by=BY))
        if refused:
            self.given.when(TicketSeatRefused(code=code, session_id="t1"))

    @rule(passed=strategies.sampled_from([1_000, 200_000]))
    def time_passes(self, passed: int) -> None:
        self.given.at += passed

    @precondition(lambda self: (self.given.deadline or 1 << 60) <= self.given.at)
    @rule()
    def wake(self) -> None:
        self.given.when(Wake())

    @invariant()
    def nothing_contradicts(self) -> None:
        if hasattr(self, "given"):
            sound(self.given)

    def _code(self, data: strategies.DataObject) -> str:
        return data.draw(strategies.sampled_from(list(self.given.state.tickets)))


DoorMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestT15NobodyIsSkippedAndNoNumberIsGivenTwice = DoorMachine.TestCase
