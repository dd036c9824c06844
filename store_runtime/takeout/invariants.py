"""What must always hold of an order, and how it ended (O6: money is never stuck)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from store_runtime.bill.payment import PaymentState
from store_runtime.takeout.state import ChannelOrder, Order, OrderState

Ending = Literal["sold", "refunded", "void"]


def ending(order: Order) -> Ending | None:
    """How the order ended; None while something is still to happen to it.

    Exactly one can be true: sold (accepted and settled), refunded, or void (nothing was paid and nothing
    can be).
    """
    if not order.placed:
        return None
    if not order.bill.payments:
        return "void" if order.status is OrderState.CANCELLED else None
    money, status = order.bill.money_status, order.payment.status
    delivered = order.status in (OrderState.ACCEPTED, OrderState.FULFILLED)
    # O4: money back for some lines takes nothing from the others.
    if delivered and money in ("settled", "part_refunded"):
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
    if order.channel is not None:
        yield from _of_channel(order, order.channel)
    if not order.bill.payments:
        return
    status = order.payment.status
    settled = (PaymentState.PAID,) if order.channel is None else (PaymentState.PAID, PaymentState.REFUNDED)
    if order.status in (OrderState.ACCEPTED, OrderState.FULFILLED) and status not in settled:
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


def _of_channel(order: Order, channel: ChannelOrder) -> Iterator[str]:
    accepted = order.status in (OrderState.ACCEPTED, OrderState.FULFILLED)
    if channel.priced != bool(order.bill.payments):
        yield f"O6: priced is {channel.priced} with {len(order.bill.payments)} payments"
    if accepted and not channel.fired:
        yield "O2: accepted, and nothing of it is in the kitchen"
    if channel.fired and not accepted:
        yield f"O2: in the kitchen, and {order.status.value}"
    for line in order.bill.lines:
        if not 0 <= line.refunded <= line.quantity:
            yield f"O4: {line.refunded} of {line.quantity} of {line.line_id} went back"
    if accepted and order.bill.due_fen != 0 and order.payment.returned_fen == 0:
        yield f"O4: {order.bill.due_fen} fen due of an order that is {order.status.value}"
