"""How each event changes an order. Nothing else does; replay runs exactly this."""

from __future__ import annotations

import copy

from actors.entity import Entity, evolves
from actors.words import Event
from store_runtime.bill.payment import Payment, PaymentState
from store_runtime.takeout.bill import Line
from store_runtime.takeout.events import (
    CloseAwaited,
    CloseRemembered,
    LateNoted,
    OrderAccepted,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    PaidLate,
    PaymentClosed,
    PaymentFailed,
    PaymentOpened,
    PaymentPaid,
    PaymentRefunded,
    RefundStarted,
)
from store_runtime.takeout.state import Order, OrderState


class OrderEvolution(Entity[Order]):
    """The evolving half of TakeoutOrder. ``order.seq`` counts what an OrderView shows."""

    def blank(self) -> Order:
        return Order()

    @evolves(OrderPlaced)
    def on_placed(self, order: Order, e: OrderPlaced, at: int) -> None:
        order.placed = True
        order.store_id, order.user_id = e.store_id, e.user_id
        order.flash_sale_id, order.claim_id = e.flash_sale_id, e.claim_id
        order.fulfilment, order.created_at = e.fulfilment, at
        line = Line(
            line_id=f"{self.id}.l1",
            dish_id=e.dish_id,
            name=e.name,
            quantity=e.quantity,
            unit_price_fen=e.unit_price_fen,
        )
        order.bill.lines = [line]
        order.bill.payments = [
            Payment(
                payment_id=e.payment_id,
                channel=e.payment_channel,
                amount_fen=line.amount_fen,
                expires_at=e.pay_by,
            )
        ]
        order.seq += 1

    @evolves(PaymentOpened)
    def on_payment_opened(self, order: Order, e: PaymentOpened, at: int) -> None:
        order.payment.status = PaymentState.PAYING
        order.payment.opened_at = at
        order.seq += 1

    @evolves(PaymentPaid)
    def on_paid(self, order: Order, e: PaymentPaid, at: int) -> None:
        order.payment.status = PaymentState.PAID
        order.payment.transaction_id = e.transaction_id
        order.payment.close_at = 0
        order.payment.late_transaction = ""
        order.seq += 1

    @evolves(PaymentFailed)
    def on_failed(self, order: Order, e: PaymentFailed, at: int) -> None:
        order.payment.status = PaymentState.FAILED
        order.payment.close_at = 0
        order.seq += 1

    @evolves(LateNoted)
    def on_late_noted(self, order: Order, e: LateNoted, at: int) -> None:
        order.payment.late_transaction = e.transaction_id

    @evolves(PaidLate)
    def on_paid_late(self, order: Order, e: PaidLate, at: int) -> None:
        order.payment.status = PaymentState.LATE
        order.payment.transaction_id = e.transaction_id
        order.payment.late_transaction = ""
        order.payment.close_at = 0
        order.seq += 1

    @evolves(OrderAccepted)
    def on_accepted(self, order: Order, e: OrderAccepted, at: int) -> None:
        order.status, order.reason = OrderState.ACCEPTED, ""
        order.payment.status = PaymentState.PAID
        for line in order.bill.lines:
            line.cancelled = False
        order.seq += 1

    @evolves(OrderRejected)
    def on_rejected(self, order: Order, e: OrderRejected, at: int) -> None:
        order.status, order.reason = OrderState.REJECTED, e.reason
        self._cancel_lines(order)
        order.seq += 1

    @evolves(RefundStarted)
    def on_refund_started(self, order: Order, e: RefundStarted, at: int) -> None:
        order.payment.status = PaymentState.REFUNDING
        order.seq += 1

    @evolves(PaymentRefunded)
    def on_refunded(self, order: Order, e: PaymentRefunded, at: int) -> None:
        order.payment.status = PaymentState.REFUNDED
        order.seq += 1

    @evolves(OrderCancelled)
    def on_cancelled(self, order: Order, e: OrderCancelled, at: int) -> None:
        order.status, order.reason = OrderState.CANCELLED, e.reason
        self._cancel_lines(order)
        order.seq += 1

    @evolves(CloseRemembered)
    def on_close_remembered(self, order: Order, e: CloseRemembered, at: int) -> None:
        order.closed_early = e.reason
        order.flash_sale_id, order.claim_id = e.flash_sale_id, e.claim_id

    @evolves(CloseAwaited)
    def on_close_awaited(self, order: Order, e: CloseAwaited, at: int) -> None:
        order.payment.close_at = e.close_at

    @evolves(PaymentClosed)
    def on_closed(self, order: Order, e: PaymentClosed, at: int) -> None:
        order.payment.status = PaymentState.CLOSED
        order.payment.close_at = 0
        order.seq += 1

    def _cancel_lines(self, order: Order) -> None:
        for line in order.bill.lines:
            line.cancelled = True

    def _after(self, order: Order, events: list[Event], at: int) -> Order:
        """The order as it will be, for an answer; the order itself is not touched."""
        seen = copy.deepcopy(order)
        for event in events:
            self.type.evolvers[type(event)](self, seen, event, at)
        return seen
