"""What a store's reservations show. Amounts fen, moments ms; 0 is none."""

from __future__ import annotations

import msgspec

from store_runtime.reservations.commands import Policy, Preorder, SeatReservation, SlotPlan, SlotTerms
from store_runtime.reservations.state import Booking, DayBook
from store_runtime.takeout.projections import PaymentView


class PlanView(msgspec.Struct, frozen=True, kw_only=True):
    """Slots and policy. ``version`` grows with every change."""

    slots: tuple[SlotPlan, ...]
    policy: Policy
    days_ahead: int
    version: int


class ReservationView(msgspec.Struct, frozen=True, kw_only=True):
    """``status``: held (until the deposit is paid), booked, arrived, cancelled, no_show. ``deposit``: none, open,
    kept, refunded, forfeited. ``preorder``: none, noted, asked, held (from T−x), refused, seated, off.

    ``free_until``: until then a diner cancels without losing the deposit.
    """

    reservation_id: str
    store_id: str
    user_id: str
    slot_id: str
    starts_at: int
    party_size: int
    status: str
    reason: str
    deposit: str
    deposit_fen: int
    payment: PaymentView | None
    preorder: str
    lines: Preorder
    free_until: int
    session_id: str
    person: str
    note: str
    seq: int


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    """A slot of the day and what is left of it."""

    slot_id: str
    starts_at: int
    seats_left: int
    kitchen_minutes_left: int
    party_max: int


class BookView(msgspec.Struct, frozen=True, kw_only=True):
    """A day, by time."""

    slots: list[SlotView]
    reservations: list[ReservationView]


class CheckInAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The reservation, and what its session is to be told, under the id of step ``seat``."""

    reservation: ReservationView
    seat: SeatReservation


def reservation_view(book_id: str, code: str, booking: Booking) -> ReservationView:
    """One reservation."""
    made, payment = booking.made, booking.payment
    reservation_id = f"{book_id}.{code}"
    return ReservationView(
        reservation_id=reservation_id,
        store_id=made.store_id,
        user_id=made.user_id,
        slot_id=made.slot.slot_id,
        starts_at=booking.starts_at,
        party_size=made.party_size,
        status=booking.state.value,
        reason=booking.reason,
        deposit=booking.deposit.value,
        deposit_fen=payment.amount_fen if payment is not None else 0,
        payment=deposit_view(book_id, code, booking) if payment is not None else None,
        preorder=booking.preorder.value,
        lines=made.lines,
        free_until=booking.free_until,
        session_id=booking.session_id,
        person=made.person,
        note=made.note,
        seq=booking.seq,
    )


def deposit_view(book_id: str, code: str, booking: Booking) -> PaymentView:
    """The deposit's payment."""
    payment = booking.payment
    assert payment is not None, "asked only where there is one"
    return PaymentView(
        payment_id=payment.payment_id,
        order_id=f"{book_id}.{code}",
        store_id=booking.made.store_id,
        channel=payment.channel,
        status=payment.status.value,
        amount_fen=payment.amount_fen,
        refunded_fen=payment.refunded_fen,
        expires_at=payment.expires_at,
        transaction_id=payment.transaction_id,
    )


def slot_view(book: DayBook, slot: SlotTerms) -> SlotView:
    """A slot and what is left of it; never below nothing, also where a newer plan has less."""
    terms = book.newest(slot)
    seats, minutes = book.taken(slot.slot_id)
    return SlotView(
        slot_id=terms.slot_id,
        starts_at=terms.starts_at,
        seats_left=max(0, terms.seats - seats),
        kitchen_minutes_left=max(0, terms.kitchen_minutes - minutes),
        party_max=terms.party_max or terms.seats,
    )
