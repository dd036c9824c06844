"""ReservationBook: the reservations of one store on one day, in the order of a visit (T14)."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, reacts, wakes
from actors.turn import Turn
from actors.words import Event, IdempotencyKeyReused, Send, Wake
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.reservations import deposits
from store_runtime.reservations.commands import (
    BOOKINGS_MAX,
    Book,
    CancelReservation,
    CheckIn,
    GetBook,
    GetReservation,
    HoldRefused,
    MarkNoShow,
    ReturnDeposit,
    SeatingRefused,
    SeatReservation,
)
from store_runtime.reservations.events import (
    ArrivalUndone,
    GuestsArrived,
    GuestsMissing,
    PreorderAsked,
    PreorderHeld,
    PreorderRefused,
    ReservationCancelled,
    ReservationConfirmed,
    Reserved,
)
from store_runtime.reservations.evolution import BookEvolution
from store_runtime.reservations.projections import (
    BookView,
    CheckInAnswer,
    ReservationView,
    deposit_view,
    reservation_view,
    slot_view,
)
from store_runtime.reservations.rejections import (
    BookFull,
    PartyTooLarge,
    ReservationNotFound,
    SlotFull,
    SlotNotFound,
)
from store_runtime.reservations.state import MINUTE_MS, Booking, BookingState, DayBook, PreorderState
from store_runtime.store.orders.commands import (
    ANY_PRICE,
    LinesPlaced,
    NoteLines,
    PlaceLines,
    RejectOrder,
    ReleaseLines,
    WantedLine,
)
from store_runtime.takeout.commands import GetPayment, ReportPayment
from store_runtime.takeout.projections import PaymentView
from store_runtime.takeout.rejections import PaymentNotFound

DUE_MAX = 100
"""Bookings that the clock moves in one turn; the rest in the next."""

HELD_LONGER_MS = 10 * MINUTE_MS
"""The store forgets the hold of a pre-order by itself so long after nobody can come for it any more."""

HOLDING = (PreorderState.ASKED, PreorderState.HELD)


class ReservationBook(Audited, BookEvolution):
    """One day of one store."""

    kind = "reservation-book"

    # --- booked ----------------------------------------------------------------------------------------

    @decides(Book)
    def book(self, day: DayBook, cmd: Book, turn: Turn) -> Decision[ReservationView]:
        """T14: seats and kitchen minutes, both or none; never more than the slot has, under any order."""
        known = day.bookings.get(cmd.code)
        if known is not None:
            return reservation_view(self.id, cmd.code, known)
        InvalidField.check(cmd)
        self._must_fit(day, cmd, turn.at)
        policy = cmd.policy
        asks = not cmd.prepaid and cmd.party_size >= policy.deposit_from_guests
        deposit = policy.deposit_per_guest_fen * cmd.party_size if asks else 0
        reserved = Reserved(booking=cmd, deposit_fen=deposit, pay_by=turn.at + cmd.hold_ms if deposit else 0)
        events: list[Event] = [reserved]
        if not deposit:
            events.append(ReservationConfirmed(code=cmd.code))
        yield from events
        seen = self.blank()
        for event in events:
            self.type.evolvers[type(event)](self, seen, event, turn.at)
        return reservation_view(self.id, cmd.code, seen.bookings[cmd.code])

    def _must_fit(self, day: DayBook, cmd: Book, at: int) -> None:
        if len(day.bookings) >= BOOKINGS_MAX:
            raise BookFull(bookings_max=BOOKINGS_MAX)
        slot = day.newest(cmd.slot)
        if slot.starts_at <= at:
            raise SlotNotFound()
        party_max = slot.party_max or slot.seats
        if cmd.party_size > party_max:
            raise PartyTooLarge(party_max=party_max)
        seats, minutes = day.taken(slot.slot_id)
        needs = max(cmd.kitchen_minutes, cmd.party_size * cmd.policy.minutes_per_guest)
        seats_left, minutes_left = slot.seats - seats, slot.kitchen_minutes - minutes
        if cmd.party_size > seats_left or needs > minutes_left:
            raise SlotFull(seats_left=max(0, seats_left), kitchen_minutes_left=max(0, minutes_left))

    # --- the deposit -----------------------------------------------------------------------------------

    @decides(ReportPayment)
    def report(self, day: DayBook, cmd: ReportPayment, turn: Turn) -> Decision[PaymentView]:
        """The channel's word on a deposit."""
        code, booking = self._of_payment(day, cmd.payment_id, cmd.user_id)
        InvalidField.check(cmd)
        events = deposits.reported(code, booking, cmd.outcome, cmd.transaction_id)
        yield from events
        return deposit_view(self.id, code, self._after(code, booking, events, turn.at))

    @decides(ReturnDeposit)
    def return_deposit(self, day: DayBook, cmd: ReturnDeposit, turn: Turn) -> Decision[ReservationView]:
        """T18: refunded once; what was forfeited or went back is not there any more."""
        booking = self._of_code(day, cmd.code)
        events = deposits.given_back(cmd.code, booking, cmd.reason or "returned", cmd.by)
        if not events:
            raise IllegalTransition(state=booking.deposit.value, allowed=[])
        yield from events
        yield from self._act(booking, turn, cmd, "deposit.return")
        return self._view(cmd.code, booking, events, turn.at)

    # --- it ends before the guests come ----------------------------------------------------------------

    @decides(CancelReservation)
    def cancel(self, day: DayBook, cmd: CancelReservation, turn: Turn) -> Decision[ReservationView]:
        """By a diner in time: the deposit goes back; too late: it is forfeited. By the house it goes back."""
        booking = self._of_code(day, cmd.code, cmd.user_id)
        if booking.state is BookingState.CANCELLED:
            return reservation_view(self.id, cmd.code, booking)
        if booking.state not in (BookingState.HELD, BookingState.BOOKED):
            raise IllegalTransition(state=booking.state.value, allowed=[])
        if cmd.user_id and booking.made.prepaid:
            raise IllegalTransition(state="prepaid", allowed=[])
        reason = cmd.reason or ("by_diner" if cmd.user_id else "by_staff")
        events: list[Event] = [ReservationCancelled(code=cmd.code, reason=reason, by=cmd.by)]
        events += deposits.closed(cmd.code, booking, turn.at)
        if cmd.user_id and turn.at > booking.free_until:
            events += deposits.forfeited(cmd.code, booking, "cancelled_late")
        else:
            events += deposits.given_back(cmd.code, booking, reason, cmd.by)
        yield from events
        yield from self._act(booking, turn, cmd, "reservation.cancel")
        return self._view(cmd.code, booking, events, turn.at)

    @decides(MarkNoShow)
    def no_show(self, day: DayBook, cmd: MarkNoShow, turn: Turn) -> Decision[ReservationView]:
        """Staff give the table away, from its time on."""
        booking = self._of_code(day, cmd.code)
        if booking.state is not BookingState.BOOKED or turn.at < booking.starts_at:
            allowed = ["cancel"] if booking.taking and not booking.session_id else []
            raise IllegalTransition(state=booking.state.value, allowed=allowed)
        events = self._missed(cmd.code, booking, cmd)
        yield from events
        yield from self._act(booking, turn, cmd, "reservation.no_show")
        return self._view(cmd.code, booking, events, turn.at)

    def _missed(self, code: str, booking: Booking, cmd: MarkNoShow | None) -> list[Event]:
        by = cmd.by if cmd is not None else None
        missing = GuestsMissing(code=code, by=by)
        if booking.made.policy.no_show == "refund":
            return [missing, *deposits.given_back(code, booking, "no_show", by)]
        return [missing, *deposits.forfeited(code, booking, "no_show", by)]

    # --- the guests come -------------------------------------------------------------------------------

    @decides(CheckIn)
    def check_in(self, day: DayBook, cmd: CheckIn, turn: Turn) -> Decision[CheckInAnswer]:
        """They sit at a table, and their pre-order is its round 1 (T14)."""
        booking = self._of_code(day, cmd.code)
        if booking.state is BookingState.ARRIVED and booking.session_id == cmd.session_id:
            return self._arrival(cmd.code, booking, cmd)
        if booking.state is not BookingState.BOOKED:
            raise IllegalTransition(state=booking.state.value, allowed=[])
        events: list[Event] = [GuestsArrived(code=cmd.code, session_id=cmd.session_id, by=cmd.by)]
        yield from events
        return self._arrival(cmd.code, self._after(cmd.code, booking, events, turn.at), cmd)

    def _arrival(self, code: str, booking: Booking, cmd: CheckIn) -> CheckInAnswer:
        return CheckInAnswer(
            reservation=reservation_view(self.id, code, booking), seat=self._seat(code, booking, cmd)
        )

    def _seat(self, code: str, booking: Booking, arrived: CheckIn | GuestsArrived) -> SeatReservation:
        return SeatReservation(
            reservation_id=f"{self.id}.{code}",
            party_size=booking.made.party_size,
            lines=booking.made.lines,
            instead_of=f"{self._order}#{booking.batch}" if booking.batch else "",
            by=arrived.by,
        )

    @decides(SeatingRefused)
    def seating_refused(self, day: DayBook, cmd: SeatingRefused, turn: Turn) -> Decision[None]:
        """The session was closed by then: they wait to be seated elsewhere."""
        booking = self._of_code(day, cmd.code)
        if booking.state is BookingState.ARRIVED and booking.session_id == cmd.session_id:
            yield ArrivalUndone(code=cmd.code)

    # --- the pre-order's hold --------------------------------------------------------------------------

    @decides(LinesPlaced)
    def placed(self, day: DayBook, cmd: LinesPlaced, turn: Turn) -> Decision[None]:
        """The store holds a pre-order."""
        for code, booking in day.bookings.items():
            if booking.batch == cmd.placed.batch and booking.preorder is PreorderState.ASKED:
                yield PreorderHeld(code=code)

    @decides(HoldRefused)
    def hold_refused(self, day: DayBook, cmd: HoldRefused, turn: Turn) -> Decision[None]:
        """It could not; staff see it and talk to the guest."""
        if self._of_code(day, cmd.code).preorder is PreorderState.ASKED:
            yield PreorderRefused(code=cmd.code)

    @decides(RejectOrder)
    def rejected(self, day: DayBook, cmd: RejectOrder, turn: Turn) -> Decision[None]:
        """The store will not make it after all."""
        for code, booking in day.bookings.items():
            if booking.batch == cmd.batch and booking.preorder in HOLDING:
                yield PreorderRefused(code=code)

    @decides(NoteLines)
    def noted(self, day: DayBook, cmd: NoteLines, turn: Turn) -> Decision[None]:
        """Nothing of a hold is cooked: there is nothing to note."""
        yield from ()

    # --- by the clock ----------------------------------------------------------------------------------

    @decides(Wake)
    def wake(self, day: DayBook, cmd: Wake, turn: Turn) -> Decision[None]:
        """Deposits that nobody paid, pre-orders whose T−x has come, guests who did not."""
        due = [(code, b) for code, b in day.bookings.items() if 0 < b.deadline <= turn.at][:DUE_MAX]
        batch = day.batches
        for code, booking in due:
            if booking.payment is not None and booking.payment.payable:
                yield from self._unpaid(code, booking, turn.at)
            elif turn.at >= booking.missed_at:
                yield from self._missed(code, booking, None)
            else:
                batch += 1
                yield PreorderAsked(code=code, batch=batch)

    def _unpaid(self, code: str, booking: Booking, at: int) -> Iterator[Event]:
        closing = deposits.closed(code, booking, at)
        if booking.state is BookingState.HELD:
            yield ReservationCancelled(code=code, reason="not_paid")
        yield from closing

    @wakes
    def next_deadline(self, day: DayBook) -> int | None:
        """The first of them."""
        return min((b.deadline for b in day.bookings.values() if b.deadline), default=None)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetReservation)
    def show(self, day: DayBook, query: GetReservation, at: int) -> ReservationView:
        """One reservation."""
        booking = self._of_code(day, query.code, query.user_id)
        if query.request and booking.made.request != query.request:
            raise IdempotencyKeyReused()
        return reservation_view(self.id, query.code, booking)

    @answers(GetPayment)
    def show_payment(self, day: DayBook, query: GetPayment, at: int) -> PaymentView:
        """A deposit."""
        code, booking = self._of_payment(day, query.payment_id, query.user_id)
        return deposit_view(self.id, code, booking)

    @answers(GetBook)
    def show_book(self, day: DayBook, query: GetBook, at: int) -> BookView:
        """The whole day."""
        bookings = sorted(day.bookings.items(), key=lambda row: (row[1].starts_at, row[1].made_at, row[0]))
        return BookView(
            slots=[slot_view(day, slot) for slot in sorted(query.slots, key=lambda one: one.starts_at)],
            reservations=[reservation_view(self.id, code, booking) for code, booking in bookings],
        )

    def _of_code(self, day: DayBook, code: str, user_id: str = "") -> Booking:
        booking = day.bookings.get(code)
        if booking is None or (user_id and booking.made.user_id != user_id):
            raise ReservationNotFound()
        return booking

    def _of_payment(self, day: DayBook, payment_id: str, user_id: str) -> tuple[str, Booking]:
        code = payment_id.rpartition(".")[0].rpartition(".")[2]
        booking = day.bookings.get(code)
        if (
            booking is None
            or booking.payment is None
            or booking.payment.payment_id != payment_id
            or (user_id and booking.made.user_id != user_id)
        ):
            raise PaymentNotFound()
        return code, booking

    def _view(self, code: str, booking: Booking, events: list[Event], at: int) -> ReservationView:
        return reservation_view(self.id, code, self._after(code, booking, events, at))

    def _act(
        self,
        booking: Booking,
        turn: Turn,
        cmd: CancelReservation | MarkNoShow | ReturnDeposit,
        action: str,
    ) -> Iterator[Event]:
        subject = f"{self._order}/{cmd.code}"
        amount = booking.payment.amount_fen if booking.payment is not None else None
        reason = "" if isinstance(cmd, MarkNoShow) else cmd.reason
        yield from act_done(
            booking.made.store_id, turn, cmd.by, action, subject, reason=reason, amount_fen=amount
        )

    # --- what others are told --------------------------------------------------------------------------

    @property
    def _order(self) -> str:
        return f"reservation-book/{self.id}"

    @reacts(PreorderAsked)
    def hold_dishes(self, day: DayBook, e: PreorderAsked, turn: Turn) -> Iterator[Send]:
        """From T−x the store keeps them, at whatever they cost by then."""
        booking = day.bookings[e.code]
        made = booking.made
        lines = tuple(
            WantedLine(
                line_id=f"{self.id}.{e.code}.l{number}",
                selection=line.selection,
                quantity=line.quantity,
                quoted_fen=ANY_PRICE,
                note=line.note,
            )
            for number, line in enumerate(made.lines, 1)
        )
        place = PlaceLines(
            order=self._order,
            batch=e.batch,
            label=f"预约 {e.code[-4:].upper()}",
            channel="reservation",
            menu_version=0,
            lines=lines,
            fire=False,
            hold_until=booking.missed_at + HELD_LONGER_MS,
            ready_at=booking.starts_at,
        )
        yield Send(
            to=f"store/{made.store_id}",
            command=place,
            step=f"hold.{e.code}",
            if_rejected=HoldRefused(code=e.code),
        )

    @reacts(ReservationCancelled)
    @reacts(GuestsMissing)
    def release(self, day: DayBook, e: ReservationCancelled | GuestsMissing, turn: Turn) -> Iterator[Send]:
        """The dishes of the pre-order are free."""
        booking = day.bookings[e.code]
        if booking.batch:
            release = ReleaseLines(order=self._order, batch=booking.batch, reason=booking.reason)
            yield Send(to=f"store/{booking.made.store_id}", command=release, step=f"release.{e.code}")

    @reacts(GuestsArrived)
    def seat(self, day: DayBook, e: GuestsArrived, turn: Turn) -> Iterator[Send]:
        """Round 1 of their session."""
        booking = day.bookings[e.code]
        yield Send(
            to=f"table-session/{e.session_id}",
            command=self._seat(e.code, booking, e),
            step="seat",
            if_rejected=SeatingRefused(code=e.code, session_id=e.session_id),
        )
