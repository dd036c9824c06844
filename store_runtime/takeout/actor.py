"""TakeoutOrder: decide, evolve, react, in the order of a visit.

Placed at checkout → the channel reports → the sale confirms or refuses → accepted, refunded or void. An order of a
channel begins in ``channel.py`` and ends in ``counter.py``; its payment is reported, cancelled and closed here too.
Every report may come twice, late, or in any order with the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, reacts, wakes
from actors.turn import Turn
from actors.words import Command, Event, Send, Wake
from flash_sale import commands as sale_commands
from store_runtime.bill.payment import UNPAID_FOR_GOOD, Payment
from store_runtime.diner_orders.commands import NoteOrder
from store_runtime.takeout.channel import refund
from store_runtime.takeout.commands import (
    AcceptOrder,
    CancelOrder,
    CloseOrder,
    GetOrder,
    GetPayment,
    PlaceOrder,
    RefundPayment,
    ReportPayment,
)
from store_runtime.takeout.counter import CounterDesk
from store_runtime.takeout.events import (
    CloseAwaited,
    CloseRemembered,
    LateNoted,
    LinesHeld,
    LinesRefunded,
    OrderAccepted,
    OrderCancelled,
    OrderFulfilled,
    OrderPlaced,
    OrderRejected,
    PaidLate,
    PaymentClosed,
    PaymentFailed,
    PaymentOpened,
    PaymentPaid,
    PaymentRefunded,
)
from store_runtime.takeout.projections import (
    OrderPlacedAnswer,
    OrderView,
    PaymentView,
    order_view,
    payment_view,
)
from store_runtime.takeout.rejections import IllegalTransition, InvalidField, OrderNotFound, PaymentNotFound
from store_runtime.takeout.state import BY_DINER, HOLD_EXPIRED, PAYMENT_FAILED, Order, OrderState


class TakeoutOrder(CounterDesk):
    """One order with its bill and its payment."""

    kind = "takeout"

    # --- placed ----------------------------------------------------------------------------------------

    @decides(PlaceOrder)
    def place(self, order: Order, cmd: PlaceOrder, turn: Turn) -> Decision[OrderPlacedAnswer]:
        """The order of a claim; its payment is open until the hold's end. Placing it again changes
        nothing.
        """
        if order.placed:
            if order.channel is not None:
                raise IllegalTransition(state=order.status.value, allowed=[])
            return OrderPlacedAnswer(order_id=self.id, payment=self._view(order, order.payment))
        placed = OrderPlaced(
            store_id=cmd.store_id,
            user_id=cmd.user_id,
            flash_sale_id=cmd.flash_sale_id,
            claim_id=cmd.claim_id,
            dish_id=cmd.dish_id,
            name=cmd.name,
            quantity=cmd.quantity,
            unit_price_fen=cmd.unit_price_fen,
            fulfilment=cmd.fulfilment,
            payment_id=f"{self.id}.p1",
            payment_channel=cmd.payment_channel,
            pay_by=cmd.pay_by,
        )
        events: list[Event] = [placed]
        if order.closed_early:
            events += [OrderCancelled(reason=order.closed_early), PaymentClosed()]
        else:
            events.append(PaymentOpened())
        yield from events
        seen = self._after(self.blank(), events, turn.at)
        return OrderPlacedAnswer(order_id=self.id, payment=self._view(seen, seen.payment))

    # --- the channel reports ---------------------------------------------------------------------------

    @decides(ReportPayment)
    def report(self, order: Order, cmd: ReportPayment, turn: Turn) -> Decision[PaymentView]:
        """Paid, failed, or paid late; what is known already changes nothing."""
        payment = self._payment_of(order, cmd.payment_id, cmd.user_id)
        InvalidField.check(cmd)
        transaction_id = payment.transaction(cmd.transaction_id)
        match cmd.outcome:
            case "paid":
                events = self._paid(order, payment, transaction_id)
            case "failed":
                events = self._failed(order, payment)
            case "late":
                events = self._late(order, payment, transaction_id)
        yield from events
        seen = self._after(order, events, turn.at)
        return self._view(seen, seen.payment)

    def _paid(self, order: Order, payment: Payment, transaction_id: str) -> list[Event]:
        if not payment.payable:
            return self._paid_late(order, payment, transaction_id)
        if order.status is OrderState.CREATED:
            return [PaymentPaid(transaction_id=transaction_id)]
        return self._late_money(order, transaction_id)  # cancelled, and the channel had refused to close

    def _failed(self, order: Order, payment: Payment) -> list[Event]:
        if payment.status in UNPAID_FOR_GOOD:
            return []
        if not payment.payable:
            raise IllegalTransition(state=payment.status.value, allowed=[])
        events: list[Event] = []
        if order.status is OrderState.CREATED:
            events.append(OrderCancelled(reason=PAYMENT_FAILED))
        events.append(PaymentFailed())
        if payment.late_transaction:
            events += self._late_money(order, payment.late_transaction)
        return events

    def _late(self, order: Order, payment: Payment, transaction_id: str) -> list[Event]:
        if not payment.payable:
            return self._paid_late(order, payment, transaction_id)
        return [] if payment.late_transaction else [LateNoted(transaction_id=transaction_id)]

    def _paid_late(self, order: Order, payment: Payment, transaction_id: str) -> list[Event]:
        return self._late_money(order, transaction_id) if payment.status in UNPAID_FOR_GOOD else []

    def _late_money(self, order: Order, transaction_id: str) -> list[Event]:
        """F6: the sale decides between goods and refund, unless the diner has cancelled: then it goes
        back. The lines of a channel's order are given back by then, and so is its money.
        """
        if order.channel is not None:
            return self.paid_late(transaction_id)
        if order.cancelled_by_diner:
            return [
                PaidLate(transaction_id=transaction_id, ask_sale=False),
                *refund("cancelled by the diner"),
            ]
        return [PaidLate(transaction_id=transaction_id, ask_sale=True)]

    # --- the sale confirms or refuses ------------------------------------------------------------------

    @decides(AcceptOrder)
    def accept(self, order: Order, cmd: AcceptOrder, turn: Turn) -> Decision[None]:
        """The claim is sold to this order, also one that was closed before its money came (F6)."""
        of_claim = order.placed and order.channel is None
        if of_claim and order.payment.unsettled and order.status is not OrderState.ACCEPTED:
            yield OrderAccepted()

    @decides(RefundPayment)
    def refund(self, order: Order, cmd: RefundPayment, turn: Turn) -> Decision[None]:
        """The sale, or the store, refused what was paid: the refund starts in this very decision (O2, O6)."""
        if order.bill.payments and order.payment.unsettled:
            if order.status is OrderState.ACCEPTED:
                raise IllegalTransition(state=order.status.value, allowed=[])
            if order.status is OrderState.CREATED:
                yield OrderRejected(reason=cmd.reason)
            yield from refund(cmd.reason)

    # --- cancelled or closed ---------------------------------------------------------------------------

    @decides(CancelOrder)
    def cancel(self, order: Order, cmd: CancelOrder, turn: Turn) -> Decision[OrderView]:
        """The diner cancels before paying; the claim is given back at once, late money is refunded."""
        self._order_of(order, cmd.user_id)
        unpaid = order.payable or not order.bill.payments
        if order.status is not OrderState.CREATED or not unpaid:
            state = order.status if order.status is not OrderState.CREATED else order.payment.status
            raise IllegalTransition(state=state.value, allowed=[])
        events = self._close(order, BY_DINER, turn.at)
        yield from events
        return order_view(self._after(order, events, turn.at), self.id)

    @decides(CloseOrder)
    def close(self, order: Order, cmd: CloseOrder, turn: Turn) -> Decision[None]:
        """The hold is over: close what is unpaid. Money that is in, or was reported, is settled by the
        sale.
        """
        if not order.placed:
            if not order.closed_early:
                yield CloseRemembered(
                    flash_sale_id=cmd.flash_sale_id, claim_id=cmd.claim_id, reason=cmd.reason
                )
        elif order.channel is None and order.status is OrderState.CREATED and order.payable:
            yield from self._close(order, cmd.reason, turn.at)

    @decides(Wake)
    def wake(self, order: Order, cmd: Wake, turn: Turn) -> Decision[None]:
        """The channel had refused to close; ask it again. An order of a channel may be over, unpaid."""
        if order.channel is not None:
            if 0 < self.channel_deadline(order, order.channel) <= turn.at:
                yield from self.expire(order, turn.at)
        elif order.placed and 0 < order.payment.close_at <= turn.at:
            yield from self._close_payment(order, turn.at, order.cancelled_by_diner)

    def _close(self, order: Order, reason: str, at: int) -> list[Event]:
        closing = self._close_payment(order, at, reason == BY_DINER) if order.bill.payments else []
        return [OrderCancelled(reason=reason), *closing]

    def _close_payment(self, order: Order, at: int, by_diner: bool) -> list[Event]:
        payment = order.payment
        if refused := payment.close(at):
            return [CloseAwaited(close_at=refused.again_at)]
        if not payment.late_transaction:
            return [PaymentClosed()]
        late = PaidLate(transaction_id=payment.late_transaction, ask_sale=not by_diner)
        return [PaymentClosed(), late, *(refund("cancelled by the diner") if by_diner else ())]

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetOrder)
    def show(self, order: Order, query: GetOrder, at: int) -> OrderView:
        """The order."""
        self._order_of(order, query.user_id)
        return order_view(order, self.id)

    @answers(GetPayment)
    def show_payment(self, order: Order, query: GetPayment, at: int) -> PaymentView:
        """One payment."""
        return self._view(order, self._payment_of(order, query.payment_id, query.user_id))

    def _order_of(self, order: Order, user_id: str) -> None:
        if not order.placed or (user_id and user_id != order.user_id):
            raise OrderNotFound()

    def _payment_of(self, order: Order, payment_id: str, user_id: str) -> Payment:
        if not order.placed or (user_id and user_id != order.user_id):
            raise PaymentNotFound()
        if not order.bill.payments or order.payment.payment_id != payment_id:
            raise PaymentNotFound()
        return order.payment

    def _view(self, order: Order, payment: Payment) -> PaymentView:
        return payment_view(order, self.id, payment)

    # --- reactions -------------------------------------------------------------------------------------

    @reacts(PaymentPaid)
    def confirm(self, order: Order, e: PaymentPaid, turn: Turn) -> Iterator[Send]:
        """Paid: the sale marks the claim sold."""
        if order.channel is None:
            yield self._confirm(order)

    @reacts(PaidLate)
    def confirm_late(self, order: Order, e: PaidLate, turn: Turn) -> Iterator[Send]:
        """Paid late: the sale holds again what is left, or refuses (F6)."""
        if e.ask_sale:
            yield self._confirm(order)

    @reacts(PaymentFailed)
    def tell_failed(self, order: Order, e: PaymentFailed, turn: Turn) -> Iterator[Send]:
        """The claim is held again; a diner who cancelled has given it back already."""
        if order.channel is not None:
            return
        if order.reason == PAYMENT_FAILED:
            failed = sale_commands.PaymentFailed(claim_id=order.claim_id, order_id=self.id)
            yield self._tell_sale(order, failed, "failed")
        elif order.reason == HOLD_EXPIRED:
            yield self._tell_closed(order, cancelled=False)

    @reacts(OrderCancelled)
    def tell_cancelled(self, order: Order, e: OrderCancelled, turn: Turn) -> Iterator[Send]:
        """The diner's word is enough: the claim is given back at once, whenever the channel closes."""
        if e.reason == BY_DINER and order.channel is None:
            yield self._tell_closed(order, cancelled=True)
        if order.bill.lines:
            yield self._note(order, "cancelled")

    @reacts(PaymentClosed)
    def tell_closed(self, order: Order, e: PaymentClosed, turn: Turn) -> Iterator[Send]:
        """The hold had run out, and now the payment can no longer be made: the stock is free."""
        if order.reason == HOLD_EXPIRED and not order.closed_early and order.channel is None:
            yield self._tell_closed(order, cancelled=False)

    @reacts(CloseRemembered)
    def tell_never_opened(self, order: Order, e: CloseRemembered, turn: Turn) -> Iterator[Send]:
        """A payment that is never opened is closed."""
        if e.reason == HOLD_EXPIRED:
            yield self._tell_closed(order, cancelled=False)

    @reacts(OrderPlaced)
    @reacts(LinesHeld)
    def note_placed(self, order: Order, e: Event, turn: Turn) -> Iterator[Send]:
        """The order stands in its diner's list."""
        yield self._note(order, "placed")

    @reacts(PaymentPaid)
    @reacts(OrderAccepted)
    @reacts(OrderRejected)
    @reacts(OrderFulfilled)
    @reacts(LinesRefunded)
    @reacts(PaymentRefunded)
    def note_change(self, order: Order, e: Event, turn: Turn) -> Iterator[Send]:
        """The diner's list shows how the order stands."""
        yield self._note(order, type(e).__name__)

    def _confirm(self, order: Order) -> Send:
        payment_id = order.payment.payment_id
        confirm = sale_commands.ConfirmSale(claim_id=order.claim_id, order_id=self.id, payment_id=payment_id)
        return Send(
            to=f"flash-sale/{order.flash_sale_id}",
            command=confirm,
            step="confirm",
            if_rejected=RefundPayment(payment_id=payment_id, reason="claim_not_found"),
        )

    def _tell_closed(self, order: Order, cancelled: bool) -> Send:
        closed = sale_commands.OrderClosed(claim_id=order.claim_id, order_id=self.id, cancelled=cancelled)
        return self._tell_sale(order, closed, "closed")

    def _tell_sale(self, order: Order, command: Command, step: str) -> Send:
        return Send(to=f"flash-sale/{order.flash_sale_id}", command=command, step=step)

    def _note(self, order: Order, step: str) -> Send:
        note = NoteOrder(
            order_id=self.id,
            store_id=order.store_id,
            title=order.bill.title,
            amount_fen=order.payment.amount_fen,
            created_at=order.created_at,
            status=order.status.value,
            money_status=order.bill.money_status,
            seq=order.seq,
        )
        return Send(to=f"diner-orders/{order.user_id}", command=note, step=f"note.{step}")

    @wakes
    def next_deadline(self, order: Order) -> int | None:
        """When the channel is asked again to close, or an order of a channel is over unpaid."""
        if order.channel is not None:
            return self.channel_deadline(order, order.channel) or None
        return (order.payment.close_at or None) if order.placed else None
