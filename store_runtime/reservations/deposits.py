"""The deposit of a reservation (T18): paid, refunded, forfeited, never stuck (O6). Reads only; the book evolves."""

from __future__ import annotations

from actors.words import Event
from store_runtime.bill.payment import UNPAID_FOR_GOOD, Payment
from store_runtime.by import By
from store_runtime.reservations.events import (
    DepositCloseAwaited,
    DepositClosed,
    DepositFailed,
    DepositForfeited,
    DepositLateNoted,
    DepositPaid,
    DepositRefunded,
    ReservationCancelled,
    ReservationConfirmed,
)
from store_runtime.reservations.state import Booking, BookingState, DepositState
from store_runtime.takeout.commands import PaymentOutcome
from store_runtime.takeout.rejections import IllegalTransition


def reported(code: str, booking: Booking, outcome: PaymentOutcome, transaction_id: str) -> list[Event]:
    """What the channel's word makes of it; what is known already changes nothing."""
    payment = booking.payment
    assert payment is not None, "the payment was found"
    transaction = payment.transaction(transaction_id)
    held = booking.state is BookingState.HELD
    match outcome:
        case "paid" if payment.payable and held:
            return [DepositPaid(code=code, transaction_id=transaction), ReservationConfirmed(code=code)]
        case "failed":
            return _failed(code, payment, held)
        case "late" if payment.payable:
            return (
                [] if payment.late_transaction else [DepositLateNoted(code=code, transaction_id=transaction)]
            )
        case _ if payment.payable or payment.status in UNPAID_FOR_GOOD:
            return _late(code, payment, transaction)
    return []


def _failed(code: str, payment: Payment, held: bool) -> list[Event]:
    if payment.status in UNPAID_FOR_GOOD:
        return []
    if not payment.payable:
        raise IllegalTransition(state=payment.status.value, allowed=[])
    events: list[Event] = [DepositFailed(code=code)]
    if held:
        events.insert(0, ReservationCancelled(code=code, reason="payment_failed"))
    return events + (_late(code, payment, payment.late_transaction) if payment.late_transaction else [])


def _late(code: str, payment: Payment, transaction_id: str) -> list[Event]:
    """The seats are gone by now: the money goes back at once."""
    paid = DepositPaid(code=code, transaction_id=transaction_id, late=True)
    return [paid, DepositRefunded(code=code, amount_fen=payment.amount_fen, reason="paid_late")]


def closed(code: str, booking: Booking, at: int) -> list[Event]:
    """A payment that may still come is closed, or asked to be."""
    payment = booking.payment
    if payment is None or not payment.payable:
        return []
    if refused := payment.close(at):
        return [DepositCloseAwaited(code=code, close_at=refused.again_at)]
    late = _late(code, payment, payment.late_transaction) if payment.late_transaction else []
    return [DepositClosed(code=code), *late]


def given_back(code: str, booking: Booking, reason: str, by: By | None = None) -> list[Event]:
    """What is kept goes back."""
    if booking.deposit is not DepositState.KEPT or booking.payment is None:
        return []
    return [DepositRefunded(code=code, amount_fen=booking.payment.amount_fen, reason=reason, by=by)]


def forfeited(code: str, booking: Booking, reason: str, by: By | None = None) -> list[Event]:
    """What is kept stays with the house."""
    if booking.deposit is not DepositState.KEPT or booking.payment is None:
        return []
    return [DepositForfeited(code=code, amount_fen=booking.payment.amount_fen, reason=reason, by=by)]
