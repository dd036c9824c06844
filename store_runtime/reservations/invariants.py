"""What must always hold of a day's book (T14, T18, O6)."""

from __future__ import annotations

from collections.abc import Iterator

from store_runtime.bill.payment import PaymentState
from store_runtime.reservations.state import Booking, BookingState, DayBook, DepositState


def violations(book: DayBook) -> list[str]:
    """What contradicts itself; empty when all holds."""
    found = [f"{code}: {problem}" for code, one in book.bookings.items() for problem in _of_booking(one)]
    return found + list(_overbooked(book))


def _overbooked(book: DayBook) -> Iterator[str]:
    """By the widest terms that anybody booked by: a plan that shrinks sends nobody away."""
    for slot_id in book.slots:
        made = [b.made.slot for b in book.bookings.values() if b.made.slot.slot_id == slot_id]
        seats, minutes = book.taken(slot_id)
        if seats > max(slot.seats for slot in made):
            yield f"T14: {slot_id} has {seats} guests on fewer seats"
        if minutes > max(slot.kitchen_minutes for slot in made):
            yield f"T14: {slot_id} brings {minutes} kitchen minutes, more than there are"


def _of_booking(booking: Booking) -> Iterator[str]:
    payment = booking.payment
    if payment is None:
        if booking.state is BookingState.HELD:
            yield "T14: it waits for a deposit that nobody asked for"
        return
    kept = booking.deposit in (DepositState.KEPT, DepositState.FORFEITED)
    if kept != (payment.status in (PaymentState.PAID, PaymentState.LATE)):
        yield f"T18: the deposit is {booking.deposit.value} and its payment {payment.status.value}"
    if booking.state in (BookingState.BOOKED, BookingState.ARRIVED) and payment.payable:
        yield "T18: booked before its deposit was paid"
    over = booking.state in (BookingState.CANCELLED, BookingState.NO_SHOW)
    if over and booking.deposit is DepositState.KEPT:
        yield f"O6: it is {booking.state.value}, and its deposit neither went back nor was forfeited"


def stuck(booking: Booking) -> bool:
    """Something is still to happen to it and nothing will make it."""
    open_money = booking.payment is not None and booking.payment.payable
    return (booking.state is BookingState.HELD or open_money) and not booking.deadline
