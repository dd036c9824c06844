"""Reservations (T14, T18): capacity, deposits, pre-orders, check-in, no-show; every interleaving."""

from __future__ import annotations

from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.testing.kit import NOON, Given, Outcome, after
from actors.words import Wake
from payments.simulated import CLOSE_REFUSED_MS
from pricing.selection import Selection
from store_runtime.by import By
from store_runtime.reservations.actor import ReservationBook
from store_runtime.reservations.commands import (
    Book,
    CancelReservation,
    ChangePlan,
    CheckIn,
    GetBook,
    GetPlan,
    GetReservation,
    HoldRefused,
    MarkNoShow,
    Policy,
    PreorderedLine,
    ReturnDeposit,
    SeatingRefused,
    SeatReservation,
    SlotPlan,
    SlotTerms,
)
from store_runtime.reservations.invariants import stuck, violations
from store_runtime.reservations.plan import ReservationPlan
from store_runtime.reservations.rejections import PartyTooLarge, ReservationNotFound, SlotFull, SlotNotFound
from store_runtime.reservations.state import DayBook, DepositState
from store_runtime.store.orders.commands import LinesPlaced, PlaceLines, ReleaseLines
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.table_session.commands import Quote
from store_runtime.takeout.commands import ReportPayment
from store_runtime.takeout.rejections import IllegalTransition

MINUTE = 60_000
HOUR = 60 * MINUTE
SIX = NOON + 6 * HOUR
BY = By("waiter")
SLOT = SlotTerms(slot_id="dinner", starts_at=SIX, seats=10, kitchen_minutes=100, party_max=8, version=1)
DEPOSIT = Policy(deposit_per_guest_fen=1_000)
CRAB = PreorderedLine(
    selection=Selection(dish_id="crab"),
    quantity=2,
    quote=Quote(name="大闸蟹", unit_price_fen=9_900, menu_version=1),
)


def booking(code: str = "r1", **fields: Any) -> Book:
    """Four guests at six, without a deposit."""
    plain: dict[str, Any] = {
        "code": code,
        "store_id": "s1",
        "slot": SLOT,
        "policy": Policy(),
        "party_size": 4,
        "user_id": "guest-1",
    }
    return Book(**(plain | fields))


def day(*bookings: Book) -> Given[DayBook]:
    """A day with these reservations."""
    given = after(ReservationBook("s1.20261124"))
    for one in bookings:
        booked = given.when(one)
        assert booked.accepted, booked.rejection
    return given


def pay(given: Given[DayBook], outcome: Any, at: int | None = None) -> Outcome:
    """The channel's word on the deposit of r1."""
    reported = given.when(ReportPayment(payment_id="s1.20261124.r1.p1", outcome=outcome), at)
    sound(given)
    return reported


def stands(given: Given[DayBook], code: str = "r1") -> tuple[str, str, str]:
    """Reservation, deposit, pre-order."""
    one = given.state.bookings[code]
    return one.state.value, one.deposit.value, one.preorder.value


def sound(given: Given[DayBook]) -> None:
    broken = violations(given.state)
    assert not broken, broken


# --- capacity -------------------------------------------------------------------------------------------------


def test_T14_a_slot_holds_seats_and_kitchen_minutes() -> None:
    """Whichever is out first refuses, and says what is left."""
    given = day(booking("r1", party_size=6), booking("r2", party_size=2, kitchen_minutes=90))

    assert given.when(booking("r3", party_size=3)).rejection == SlotFull(
        seats_left=2, kitchen_minutes_left=10
    )
    assert given.when(booking("r3", party_size=1, kitchen_minutes=11)).rejection == SlotFull(
        seats_left=2, kitchen_minutes_left=10
    )
    assert given.when(booking("r3", party_size=2, kitchen_minutes=10)).accepted
    (slot,) = given.ask(GetBook(slots=(SLOT,))).slots
    assert (slot.seats_left, slot.kitchen_minutes_left) == (0, 0)


def test_T14_the_same_booking_again_takes_nothing_more() -> None:
    """A repeat is answered."""
    given = day(booking())

    again = given.when(booking())

    assert again.events == []
    assert again.reply.status == "booked"
    assert given.state.taken("dinner") == (4, 0)


def test_T14_a_slot_that_has_begun_and_a_party_that_is_too_large_are_refused() -> None:
    """By the book's own clock."""
    given = day()
    assert given.when(booking(party_size=9)).rejection == PartyTooLarge(party_max=8)
    assert isinstance(given.when(booking(), SIX).rejection, SlotNotFound)


def test_T14_a_slot_that_becomes_smaller_sends_nobody_away() -> None:
    """The newest plan counts for those who come after, also for an ingress that knows an older one."""
    given = day(booking("r1", party_size=8))
    less = SlotTerms(slot_id="dinner", starts_at=SIX, seats=9, kitchen_minutes=100, party_max=8, version=2)
    assert given.when(booking("r2", party_size=1, slot=less)).accepted

    assert isinstance(given.when(booking("r3", party_size=1)).rejection, SlotFull)
    for asked in (SLOT, less):
        assert given.ask(GetBook(slots=(asked,))).slots[0].seats_left == 0
    sound(given)


# --- deposits -------------------------------------------------------------------------------------------------


def test_T18_a_deposit_confirms_the_reservation() -> None:
    """Held until then; kept afterwards."""
    given = day(booking(policy=DEPOSIT))
    assert stands(given) == ("held", "open", "none")

    paid = pay(given, "paid")

    assert (paid.reply.amount_fen, paid.reply.status) == (4_000, "paid")
    assert stands(given) == ("booked", "kept", "none")
    assert pay(given, "paid").events == []


def test_T18_a_deposit_that_nobody_pays_frees_the_seats() -> None:
    """After hold and grace, and money that comes later goes back."""
    given = day(booking(policy=DEPOSIT))

    given.wakes_until(NOON + 15 * MINUTE + 30_000)
    assert (stands(given)[0], given.state.taken("dinner")) == ("cancelled", (0, 0))
    pay(given, "late")

    assert stands(given)[1] == "refunded"
    sound(given)


def test_T18_a_diner_who_cancels_in_time_has_it_back_and_later_loses_it() -> None:
    """Forfeited as its own row; when the store cancels it always goes back."""
    cases = [
        ("guest-1", NOON, "refunded"),
        ("guest-1", SIX - HOUR, "forfeited"),
        ("", SIX - HOUR, "refunded"),
    ]
    for user, at, becomes in cases:
        given = day(booking(policy=DEPOSIT))
        pay(given, "paid")
        cancel = CancelReservation(code="r1", user_id=user, by=None if user else BY)

        assert given.when(cancel, at).reply.deposit == becomes
        sound(given)
        assert given.when(cancel).events == []


def test_T18_a_kept_deposit_goes_back_once() -> None:
    """Staff return it; what went back or was forfeited cannot go back again."""
    given = day(booking(policy=DEPOSIT))
    pay(given, "paid")
    given.when(CheckIn(code="r1", session_id="ts1", by=BY), SIX)

    assert given.when(ReturnDeposit(code="r1", by=BY)).reply.deposit == "refunded"
    assert isinstance(given.when(ReturnDeposit(code="r1", by=BY)).rejection, IllegalTransition)


def test_T18_a_cancelled_reservation_whose_channel_does_not_close_yet_refunds_what_comes() -> None:
    """The close is asked again; money in between goes back."""
    for pays in (True, False):
        given = day(booking(policy=DEPOSIT))
        given.when(CancelReservation(code="r1", user_id="guest-1"))
        assert given.deadline == NOON + CLOSE_REFUSED_MS
        if pays:
            pay(given, "paid")
        given.wakes_until(NOON + HOUR)

        assert stands(given)[1] == ("refunded" if pays else "none")
        sound(given)


# --- pre-orders -----------------------------------------------------------------------------------------------


def hold(outcome: Outcome) -> PlaceLines:
    """What the store is asked to keep."""
    (send,) = [send for send in outcome.sends if isinstance(send.command, PlaceLines)]
    assert isinstance(send.command, PlaceLines)
    assert send.if_rejected == HoldRefused(code="r1")
    return send.command


def kept() -> Given[DayBook]:
    """Two crabs are kept for r1."""
    given = day(booking(lines=(CRAB,)))
    given.then_wake()
    given.when(LinesPlaced(placed=PlacedLines(batch=1, menu_version=1, lines=())))
    return given


def test_T14_a_preorder_holds_its_dishes_from_T_minus_x() -> None:
    """Two hours before the slot, and longer than anybody may be late."""
    given = day(booking(lines=(CRAB,)))
    assert given.deadline == SIX - 2 * HOUR

    place = hold(given.then_wake())

    assert (place.fire, place.ready_at, place.batch) == (False, SIX, 1)
    assert place.hold_until > SIX + 30 * MINUTE
    given.when(LinesPlaced(placed=PlacedLines(batch=1, menu_version=1, lines=())))
    assert stands(given) == ("booked", "none", "held")


def test_T14_dishes_that_the_store_cannot_keep_are_shown_to_staff() -> None:
    """The seats stay; the guests may order something else."""
    given = day(booking(lines=(CRAB,)))
    given.then_wake()

    given.when(HoldRefused(code="r1"))

    assert stands(given) == ("booked", "none", "refused")


def test_T14_check_in_hands_the_preorder_and_its_hold_to_the_session() -> None:
    """Under the book's own step, so that ingress and book say it once."""
    given = kept()

    arrived = given.when(CheckIn(code="r1", session_id="ts1", by=BY), SIX)

    (send,) = arrived.sends
    assert (send.to, send.step) == ("table-session/ts1", "seat")
    assert send.command == arrived.reply.seat
    assert isinstance(send.command, SeatReservation)
    assert send.command.instead_of == "reservation-book/s1.20261124#1"
    assert send.command.lines == (CRAB,)
    assert stands(given) == ("arrived", "none", "seated")
    again = given.when(CheckIn(code="r1", session_id="ts1", by=BY))
    assert (again.events, again.reply.seat) == ([], arrived.reply.seat)
    assert given.deadline is None


def test_T14_a_session_that_does_not_take_them_leaves_the_reservation_as_it_was() -> None:
    """They can be seated elsewhere; a stale refusal changes nothing."""
    given = kept()
    given.when(CheckIn(code="r1", session_id="ts1", by=BY), SIX)
    given.when(SeatingRefused(code="r1", session_id="ts1"))

    assert stands(given)[0] == "booked"
    assert given.when(CheckIn(code="r1", session_id="ts2", by=BY)).accepted
    assert given.when(SeatingRefused(code="r1", session_id="ts1")).events == []


def test_T14_guests_who_do_not_come_free_seats_and_dishes() -> None:
    """By the clock half an hour late; the deposit as the policy said."""
    for no_show, becomes in (("forfeit", "forfeited"), ("refund", "refunded")):
        policy = Policy(deposit_per_guest_fen=1_000, no_show=no_show)  # type: ignore[arg-type]
        given = day(booking(policy=policy, lines=(CRAB,)))
        pay(given, "paid")
        outcomes = given.wakes_until(SIX + 30 * MINUTE)

        assert stands(given) == ("no_show", becomes, "off")
        released = [send.command for send in outcomes[-1].sends if isinstance(send.command, ReleaseLines)]
        assert [one.batch for one in released] == [1]
        sound(given)


def test_T14_staff_give_a_table_away_only_from_its_time_on() -> None:
    """Before it they cancel."""
    given = day(booking())
    assert isinstance(given.when(MarkNoShow(code="r1", by=BY)).rejection, IllegalTransition)
    assert given.when(MarkNoShow(code="r1", by=BY), SIX).reply.status == "no_show"
    assert isinstance(given.when(CheckIn(code="r1", session_id="t", by=BY)).rejection, IllegalTransition)


def test_T14_a_reservation_is_its_diners_own() -> None:
    """404 for another; sensitive acts of staff reach the audit log."""
    given = day(booking())
    stranger = given.when(CancelReservation(code="r1", user_id="guest-2"))
    assert isinstance(stranger.rejection, ReservationNotFound)
    assert given.ask(GetReservation(code="r1", user_id="guest-1")).party_size == 4

    cancelled = given.when(CancelReservation(code="r1", by=BY, reason="封店"))
    assert [send.to for send in cancelled.sends] == ["audit-log/s1"]


def test_T14_a_plan_is_changed_as_a_whole() -> None:
    """Each slot once."""
    given = after(ReservationPlan("s1"))
    slots = (SlotPlan(slot_id="dinner", starts="18:00", seats=10),)
    assert given.when(ChangePlan(slots=slots, policy=DEPOSIT, by=BY)).reply.version == 1
    assert given.ask(GetPlan()).slots == slots
    assert not given.when(ChangePlan(slots=slots * 2, policy=DEPOSIT, by=BY)).accepted


# --- any story ------------------------------------------------------------------------------------------------


class DayMachine(RuleBasedStateMachine):
    """Diners, staff, the channel, the store and the clock, in any order."""

    given: Given[DayBook]

    @initialize()
    def open(self) -> None:
        self.given = after(ReservationBook("s1.20261124"))
        self.charged: set[str] = set()
        self.codes = 0

    @rule(
        party=strategies.integers(1, 8),
        minutes=strategies.sampled_from([0, 20, 60]),
        deposit=strategies.booleans(),
        preorder=strategies.booleans(),
        seats=strategies.sampled_from([6, 10]),
    )
    def reserve(self, party: int, minutes: int, deposit: bool, preorder: bool, seats: int) -> None:
        self.codes += 1
        slot = SlotTerms(
            slot_id="dinner", starts_at=SIX, seats=seats, kitchen_minutes=100, party_max=8, version=11 - seats
        )
        self.given.when(
            booking(
                f"r{self.codes}",
                slot=slot,
                party_size=party,
                kitchen_minutes=minutes,
                policy=DEPOSIT if deposit else Policy(),
                lines=(CRAB,) if preorder else (),
            )
        )

    def _code(self, data: strategies.DataObject) -> str:
        return data.draw(strategies.sampled_from(list(self.given.state.bookings)))

    @precondition(lambda self: self.given.state.bookings)
    @rule(data=strategies.data(), outcome=strategies.sampled_from(["paid", "failed", "late"]))
    def report(self, data: strategies.DataObject, outcome: Any) -> None:
        code = self._code(data)
        told = self.given.when(ReportPayment(payment_id=f"s1.20261124.{code}.p1", outcome=outcome))
        if told.accepted and outcome != "failed":
            self.charged.add(code)

    @precondition(lambda self: self.given.state.bookings)
    @rule(data=strategies.data(), mine=strategies.booleans())
    def cancel(self, data: strategies.DataObject, mine: bool) -> None:
        by = None if mine else BY
        self.given.when(CancelReservation(code=self._code(data), user_id="guest-1" if mine else "", by=by))

    @precondition(lambda self: self.given.state.bookings)
    @rule(data=strategies.data(), session=strategies.sampled_from(["ts1", "ts2"]))
    def arrive(self, data: strategies.DataObject, session: str) -> None:
        self.given.when(CheckIn(code=self._code(data), session_id=session, by=BY))

    @precondition(lambda self: self.given.state.bookings)
    @rule(data=strategies.data(), session=strategies.sampled_from(["ts1", "ts2"]))
    def refuse_seat(self, data: strategies.DataObject, session: str) -> None:
        self.given.when(SeatingRefused(code=self._code(data), session_id=session))

    @precondition(lambda self: self.given.state.bookings)
    @rule(data=strategies.data())
    def give_away(self, data: strategies.DataObject) -> None:
        self.given.when(MarkNoShow(code=self._code(data), by=BY))

    @precondition(lambda self: self.given.state.bookings)
    @rule(data=strategies.data(), yes=strategies.booleans())
    def store_answers(self, data: strategies.DataObject, yes: bool) -> None:
        code = self._code(data)
        batch = self.given.state.bookings[code].batch
        placed = PlacedLines(batch=batch, menu_version=1, lines=())
        self.given.when(LinesPlaced(placed=placed) if yes and batch else HoldRefused(code=code))

    @rule(passed=strategies.sampled_from([700, 3 * MINUTE, 16 * MINUTE, 2 * HOUR]))
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
            assert not [code for code, one in self.given.state.bookings.items() if stuck(one)]

    def teardown(self) -> None:
        if not hasattr(self, "given"):
            return
        self.given.wakes_until(max(self.given.at, SIX) + 10 * HOUR)
        sound(self.given)
        for code, one in self.given.state.bookings.items():
            assert one.state.value in ("arrived", "cancelled", "no_show"), (code, one)
            settled = one.deposit is DepositState.NONE or code in self.charged
            assert settled, f"{code} was never charged and its deposit is {one.deposit.value}"
            assert one.deposit is not DepositState.OPEN, (code, one)
            if code in self.charged:
                assert one.deposit is not DepositState.NONE, f"{code}: the money that came is nowhere"


DayMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestT14T18AnyStoryNeverOverbooksAndMoneyIsNeverStuck = DayMachine.TestCase
