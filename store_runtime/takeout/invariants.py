"""What must always hold of an order, and how it ended (O6: money is never stuck)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from store_runtime.takeout.payment import PaymentState
from store_runtime.takeout.state import Order, OrderState

Ending = Literal["sold", "refunded", "void"]


def ending(order: Order) -> Ending | None:
    """How the order ended; None while something is still to happen to it.

    Exactly one can be true: sold (accepted and settled), refunded, or void (nothing was paid and nothing
    can be).
    """
    if not order.placed:
        return None
    money, status = order.bill.money_status, order.payment.status
    if order.status in (OrderState.ACCEPTED, OrderState.FULFILLED) and money == "settled":
        return "sold"
    if status is PaymentState.REFUNDED:
        return "refunded"
    if status in (PaymentState.CLOSED, PaymentState.FAILED) and money == "void":
        return "void"
    return None


def violations(order: Order) -> list[str]:
    """What contradicts itself; empty when all holds."""
    return list(_contradictions(order)) if order.placed else []


def _contradictions(order: Order) -> Iterator[str]:
    status = order.payment.status
    if order.status is OrderState.ACCEPTED and status is not PaymentState.PAID:
        yield f"O6: accepted while its payment is {status.value}"
    if order.status is OrderState.REJECTED and status not in (
        PaymentState.REFUNDING,
        PaymentState.REFUNDED,
    ):
        yield f"O2: rejected while its payment is {status.value}, not refunded in the same decision"
    if order.status is OrderState.CANCELLED and status is PaymentState.PAID:
        yield "O6: cancelled while its payment is paid"
    if order.bill.refunded_fen > order.bill.paid_fen:
        yield f"O4: {order.bill.refunded_fen} fen went back of {order.bill.paid_fen}"
    if order.payment.close_at and not order.payment.payable:
        yield f"O6: a payment that is {status.value} waits to be closed"
