"""What an order shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

import msgspec

from pricing.workings import Adjustment
from store_runtime.bill.payment import Payment
from store_runtime.reservations.commands import Book
from store_runtime.store.orders.commands import PlaceLines
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


class LineView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the bill; nothing is owed for a cancelled one, nor for so many that are ``refunded``.

    ``kitchen_status``: on_hold, queued, cooking, ready, served, cancel_requested, cancelled.
    """

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    cancelled: bool
    name_en: str = ""
    options_text: str = ""
    refunded: int = 0
    kitchen_status: str = ""
    promised_at: int = 0


class BillView(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, adjustments and payments, and what follows from them: total = what is owed, due = total − paid +
    refunded."""

    lines: list[LineView]
    adjustments: list[Adjustment] = []
    payments: list[PaymentView]
    total_fen: int
    paid_fen: int
    refunded_fen: int
    due_fen: int


class DeliveryProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How a delivery is on its way: ``state`` "", assigned, picked_up, delivered, failed."""

    state: str
    rider: str
    reason: str
    distance_m: int
    zone_id: str


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
    promised_at: int = 0
    pickup_at: int = 0
    calls: int = 0
    delivery: DeliveryProgress | None = None
    reservation: str = ""
    address: str = ""
    person: str = ""
    note: str = ""


class OrderPlacedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of PlaceOrder, and with it of a checkout."""

    order_id: str
    payment: PaymentView


class HeldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of LinesPlaced: the payment to make; none where the order was over by then (``reason``)."""

    order_id: str
    payment: PaymentView | None
    reason: str = ""


class OrderOpening(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of OpenOrder: what its store is to be asked, under the id of step ``place``, and what the book of
    ``reservation``'s day under that of step ``book``.
    """

    order_id: str
    place: PlaceLines
    booking: Book | None = None
    reservation: str = ""


class RefundView(msgspec.Struct, frozen=True, kw_only=True):
    """What a refund would come to."""

    order_id: str
    store_id: str
    amount_fen: int


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
    channel = order.channel
    going = channel.terms.delivery if channel is not None else None
    return OrderView(
        order_id=order_id,
        store_id=order.store_id,
        user_id=order.user_id,
        seq=order.seq,
        status=order.status.value,
        money_status=order.bill.money_status,
        kitchen_status=order.kitchen_status,
        number=(channel.number or None) if channel is not None else None,
        fulfilment=order.fulfilment,
        created_at=order.created_at,
        flash_sale_id=order.flash_sale_id,
        claim_id=order.claim_id,
        reason=order.reason,
        bill=_bill_view(order, order_id),
        promised_at=channel.promised_at if channel is not None else 0,
        pickup_at=channel.terms.ready_at if channel is not None else 0,
        calls=channel.calls if channel is not None else 0,
        delivery=DeliveryProgress(
            state=channel.riding,
            rider=channel.rider,
            reason=channel.ride_reason,
            distance_m=going.fee.distance_m,
            zone_id=going.fee.zone_id,
        )
        if channel is not None and going is not None
        else None,
        reservation=channel.terms.reservation if channel is not None else "",
        address=going.address if going is not None else "",
        person=channel.terms.person if channel is not None else "",
        note=channel.terms.note if channel is not None else "",
    )


def _bill_view(order: Order, order_id: str) -> BillView:
    bill = order.bill
    priced = bill.priced()
    kitchen = order.channel.kitchen if order.channel is not None else {}
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
                name_en=line.name_en,
                options_text=line.options_text,
                refunded=line.refunded,
                kitchen_status=kitchen[line.line_id].status if line.line_id in kitchen else "",
                promised_at=kitchen[line.line_id].promised_at if line.line_id in kitchen else 0,
            )
            for line in bill.lines
        ],
        adjustments=list(priced.adjustments),
        payments=[payment_view(order, order_id, payment) for payment in bill.payments],
        total_fen=priced.total_fen,
        paid_fen=bill.paid_fen,
        refunded_fen=bill.refunded_fen,
        due_fen=bill.due_fen,
    )
