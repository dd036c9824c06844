"""What an order shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

import msgspec

from store_runtime.takeout.payment import Payment
from store_runtime.takeout.state import Order


class PaymentView(msgspec.Struct, frozen=True, kw_only=True):
    """``status``: created, paying, paid, failed, closed, late, refunding, refunded."""

    payment_id: str
    order_id: str
    store_id: str
    channel: str
    status: str
    amount_fen: int
    refunded_fen: int
    expires_at: int
    transaction_id: str = ""


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the bill; nothing is owed for a cancelled one."""

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    cancelled: bool


class BillView(msgspec.Struct, frozen=True, kw_only=True):
    """Lines and payments, and what follows from them: total = what is owed, due = total − paid + refunded."""

    lines: list[LineView]
    payments: list[PaymentView]
    total_fen: int
    paid_fen: int
    refunded_fen: int
    due_fen: int


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """``status``: created, accepted, rejected, cancelled, fulfilled. ``money_status``: the bill's, derived.

    ``seq`` counts the changes of this view without a gap. ``reason`` says why it was rejected or cancelled.
    """

    order_id: str
    store_id: str
    user_id: str
    seq: int
    status: str
    money_status: str
    kitchen_status: str | None
    number: str | None
    fulfilment: str
    created_at: int
    flash_sale_id: str
    claim_id: str
    reason: str
    bill: BillView


class OrderPlacedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of PlaceOrder, and with it of a checkout."""

    order_id: str
    payment: PaymentView


def payment_view(order: Order, order_id: str, payment: Payment) -> PaymentView:
    """A payment as it stands."""
    return PaymentView(
        payment_id=payment.payment_id,
        order_id=order_id,
        store_id=order.store_id,
        channel=payment.channel,
        status=payment.status.value,
        amount_fen=payment.amount_fen,
        refunded_fen=payment.refunded_fen,
        expires_at=payment.expires_at,
        transaction_id=payment.transaction_id,
    )


def order_view(order: Order, order_id: str) -> OrderView:
    """An order as it stands. Nothing is cooked and no number given before the kitchen has it."""
    return OrderView(
        order_id=order_id,
        store_id=order.store_id,
        user_id=order.user_id,
        seq=order.seq,
        status=order.status.value,
        money_status=order.bill.money_status,
        kitchen_status=None,
        number=None,
        fulfilment=order.fulfilment,
        created_at=order.created_at,
        flash_sale_id=order.flash_sale_id,
        claim_id=order.claim_id,
        reason=order.reason,
        bill=_bill_view(order, order_id),
    )


def _bill_view(order: Order, order_id: str) -> BillView:
    bill = order.bill
    return BillView(
        lines=[
            LineView(
                line_id=line.line_id,
                dish_id=line.dish_id,
                name=line.name,
                quantity=line.quantity,
                unit_price_fen=line.unit_price_fen,
                amount_fen=line.amount_fen,
                cancelled=line.cancelled,
            )
            for line in bill.lines
        ],
        payments=[payment_view(order, order_id, payment) for payment in bill.payments],
        total_fen=bill.total_fen,
        paid_fen=bill.paid_fen,
        refunded_fen=bill.refunded_fen,
        due_fen=bill.due_fen,
    )
