"""How each event changes a day's book. Nothing else does; replay runs exactly this."""

from __future__ import annotations

import copy

from actors.entity import Entity, evolves
from actors.words import Event
from store_runtime.bill.payment import Payment, PaymentState
from store_runtime.reservations.events import (
    ArrivalUndone,
    DepositCloseAwaited,
    DepositClosed,
    DepositFailed,
    DepositForfeited,
    DepositLateNoted,
    DepositPaid,
    DepositRefunded,
    GuestsArrived,
    GuestsMissing,
    PreorderAsked,
    PreorderHeld,
    PreorderRefused,
    ReservationCancelled,
    ReservationConfirmed,
    Reserved,
)
from store_runtime.reservations.state import Booking, BookingState, DayBook, DepositState, PreorderState


class BookEvolution(Entity[DayBook]):
    """The evolving half of ReservationBook. ``booking.seq`` counts what a ReservationView shows."""

    def blank(self) -> DayBook:
        return DayBook()

    def _after(self, code: str, booking: Booking, events: list[Event], at: int) -> Booking:
        """The booking as it will be, for an answer; the book itself is not touched."""
        seen = DayBook(bookings={code: copy.deepcopy(booking)})
        for event in events:
            if type(event) in self.type.evolvers:
                self.type.evolvers[type(event)](self, seen, event, at)
        return seen.bookings[code]

    def _touch(self, book: DayBook, code: str) -> Booking:
        booking = book.bookings[code]
        booking.seq += 1
        return booking

    @evolves(Reserved)
    def on_reserved(self, book: DayBook, e: Reserved, at: int) -> None:
        made = e.booking
        book.slots[made.slot.slot_id] = book.newest(made.slot)
        booking = book.bookings[made.code] = Booking(
            made=made,
            made_at=at,
            minutes=max(made.kitchen_minutes, made.party_size * made.policy.minutes_per_guest),
            preorder=PreorderState.NOTED if made.lines else PreorderState.NONE,
            seq=1,
        )
        if e.deposit_fen:
            booking.deposit = DepositState.OPEN
            booking.payment = Payment(
                payment_id=f"{self.id}.{made.code}.p1",
                channel=made.payment_channel,
                amount_fen=e.deposit_fen,
                expires_at=e.pay_by,
                status=PaymentState.PAYING,
                opened_at=at,
            )

    @evolves(ReservationConfirmed)
    def on_confirmed(self, book: DayBook, e: ReservationConfirmed, at: int) -> None:
        self._touch(book, e.code).state = BookingState.BOOKED

    @evolves(ReservationCancelled)
    def on_cancelled(self, book: DayBook, e: ReservationCancelled, at: int) -> None:
        booking = self._touch(book, e.code)
        booking.state, booking.reason = BookingState.CANCELLED, e.reason
        self._preorder_off(booking)

    @evolves(GuestsMissing)
    def on_missing(self, book: DayBook, e: GuestsMissing, at: int) -> None:
        booking = self._touch(book, e.code)
        booking.state, booking.reason = BookingState.NO_SHOW, "no_show"
        self._preorder_off(booking)

    def _preorder_off(self, booking: Booking) -> None:
        if booking.preorder is not PreorderState.NONE:
            booking.preorder = PreorderState.OFF

    @evolves(GuestsArrived)
    def on_arrived(self, book: DayBook, e: GuestsArrived, at: int) -> None:
        booking = self._touch(book, e.code)
        booking.state, booking.session_id = BookingState.ARRIVED, e.session_id
        if booking.preorder is not PreorderState.NONE:
            booking.preorder = PreorderState.SEATED

    @evolves(ArrivalUndone)
    def on_arrival_undone(self, book: DayBook, e: ArrivalUndone, at: int) -> None:
        booking = self._touch(book, e.code)
        booking.state, booking.session_id = BookingState.BOOKED, ""
        if booking.preorder is not PreorderState.NONE:
            booking.preorder = PreorderState.ASKED if booking.batch else PreorderState.NOTED

    @evolves(PreorderAsked)
    def on_preorder_asked(self, book: DayBook, e: PreorderAsked, at: int) -> None:
        booking = self._touch(book, e.code)
        booking.preorder, booking.batch = PreorderState.ASKED, e.batch
        book.batches = e.batch

    @evolves(PreorderHeld)
    def on_preorder_held(self, book: DayBook, e: PreorderHeld, at: int) -> None:
        self._touch(book, e.code).preorder = PreorderState.HELD

    @evolves(PreorderRefused)
    def on_preorder_refused(self, book: DayBook, e: PreorderRefused, at: int) -> None:
        self._touch(book, e.code).preorder = PreorderState.REFUSED

    # --- the deposit -----------------------------------------------------------------------------------

    def _payment(self, book: DayBook, code: str) -> Payment:
        payment = self._touch(book, code).payment
        assert payment is not None, "deposits are reported of bookings that have one"
        return payment

    @evolves(DepositPaid)
    def on_paid(self, book: DayBook, e: DepositPaid, at: int) -> None:
        payment = self._payment(book, e.code)
        payment.status = PaymentState.LATE if e.late else PaymentState.PAID
        payment.transaction_id, payment.late_transaction, payment.close_at = e.transaction_id, "", 0
        book.bookings[e.code].deposit = DepositState.KEPT

    @evolves(DepositFailed)
    def on_failed(self, book: DayBook, e: DepositFailed, at: int) -> None:
        self._shut(book, e.code, PaymentState.FAILED)

    @evolves(DepositClosed)
    def on_closed(self, book: DayBook, e: DepositClosed, at: int) -> None:
        self._shut(book, e.code, PaymentState.CLOSED)

    def _shut(self, book: DayBook, code: str, status: PaymentState) -> None:
        payment = self._payment(book, code)
        payment.status, payment.close_at = status, 0
        book.bookings[code].deposit = DepositState.NONE

    @evolves(DepositLateNoted)
    def on_late_noted(self, book: DayBook, e: DepositLateNoted, at: int) -> None:
        self._payment(book, e.code).late_transaction = e.transaction_id

    @evolves(DepositCloseAwaited)
    def on_close_awaited(self, book: DayBook, e: DepositCloseAwaited, at: int) -> None:
        self._payment(book, e.code).close_at = e.close_at

    @evolves(DepositRefunded)
    def on_refunded(self, book: DayBook, e: DepositRefunded, at: int) -> None:
        self._payment(book, e.code).status = PaymentState.REFUNDED
        book.bookings[e.code].deposit = DepositState.REFUNDED

    @evolves(DepositForfeited)
    def on_forfeited(self, book: DayBook, e: DepositForfeited, at: int) -> None:
        self._touch(book, e.code).deposit = DepositState.FORFEITED
