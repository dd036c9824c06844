"""An order of a channel from the kitchen to the guest: called, handed over, on its way, given money back for."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.bill.payment import PaymentState
from store_runtime.pickup_screen.commands import NotePickup
from store_runtime.store.orders.commands import CancelLine
from store_runtime.takeout.channel import ChannelDesk
from store_runtime.takeout.commands import CallNumber, FulfilOrder, GetRefund, MoveRider, RefundLines
from store_runtime.takeout.events import (
    LinesFired,
    LinesNoted,
    LinesRefunded,
    NumberCalled,
    NumberGiven,
    OrderFulfilled,
    OrderRejected,
    RiderMoved,
)
from store_runtime.takeout.projections import OrderView, RefundView, order_view
from store_runtime.takeout.refunds import refund_fen, take_off
from store_runtime.takeout.rejections import IllegalTransition, InvalidField, RefundChanged
from store_runtime.takeout.state import RIDES, Order, OrderState
from store_runtime.till.bookings import book_to_shift

OVER = (OrderState.FULFILLED, OrderState.CANCELLED, OrderState.REJECTED)


class CounterDesk(Audited, ChannelDesk):
    """What staff do with an order whose food is made."""

    @decides(CallNumber)
    def call(self, order: Order, cmd: CallNumber, turn: Turn) -> Decision[OrderView]:
        """The number is called, as often as it takes (T13)."""
        channel = self._channel(order)
        if order.status is not OrderState.ACCEPTED or not channel.number:
            raise IllegalTransition(state=order.status.value, allowed=[])
        events: list[Event] = [NumberCalled(by=cmd.by)]
        yield from events
        return order_view(self._after(order, events, turn.at), self.id)

    @decides(FulfilOrder)
    def fulfil(self, order: Order, cmd: FulfilOrder, turn: Turn) -> Decision[OrderView]:
        """Handed over. A delivery is when its rider has delivered it."""
        self._channel(order)
        if order.status is OrderState.FULFILLED:
            return order_view(order, self.id)
        if order.status is not OrderState.ACCEPTED or order.bill.delivery is not None:
            allowed = ["rider"] if order.status is OrderState.ACCEPTED else []
            raise IllegalTransition(state=order.status.value, allowed=allowed)
        events: list[Event] = [OrderFulfilled(by=cmd.by)]
        yield from events
        return order_view(self._after(order, events, turn.at), self.id)

    @decides(MoveRider)
    def ride(self, order: Order, cmd: MoveRider, turn: Turn) -> Decision[OrderView]:
        """assigned → picked_up → delivered | failed (T12)."""
        channel = self._channel(order)
        InvalidField.check(cmd)
        if order.bill.delivery is None or order.status is not OrderState.ACCEPTED:
            raise IllegalTransition(state=channel.riding or order.status.value, allowed=[])
        if (channel.riding, channel.rider) == (cmd.to, cmd.rider or channel.rider):
            return order_view(order, self.id)
        if cmd.to not in RIDES[channel.riding]:
            raise IllegalTransition(
                state=channel.riding or "unassigned", allowed=[one.value for one in RIDES[channel.riding]]
            )
        rider = cmd.rider or channel.rider
        events: list[Event] = [RiderMoved(to=cmd.to, rider=rider, reason=cmd.reason, by=cmd.by)]
        if cmd.to == "delivered":
            events.append(OrderFulfilled(by=cmd.by))
        yield from events
        return order_view(self._after(order, events, turn.at), self.id)

    @decides(RefundLines)
    def refund_lines(self, order: Order, cmd: RefundLines, turn: Turn) -> Decision[OrderView]:
        """O4: what goes back is what the bill says, and what staff were shown."""
        view = self.show_refund(order, GetRefund(lines=cmd.lines), turn.at)
        InvalidField.check(cmd)
        if view.amount_fen != cmd.amount_fen:
            raise RefundChanged(amount_fen=view.amount_fen)
        refunded = LinesRefunded(
            lines=cmd.lines,
            amount_fen=view.amount_fen,
            reason=cmd.reason,
            request=cmd.request,
            by=cmd.by,
        )
        yield refunded
        yield from act_done(
            order.store_id,
            turn,
            cmd.by,
            "line.refund",
            f"takeout/{self.id}",
            after={"lines": {one.line_id: one.quantity for one in cmd.lines}},
            reason=cmd.reason,
            amount_fen=view.amount_fen,
        )
        return order_view(self._after(order, [refunded], turn.at), self.id)

    @answers(GetRefund)
    def show_refund(self, order: Order, query: GetRefund, at: int) -> RefundView:
        """What giving money back for these lines would come to."""
        known = self._channel(order).refunds.get(query.request)
        if known is not None:
            return RefundView(order_id=self.id, store_id=order.store_id, amount_fen=known)
        if order.status not in (OrderState.ACCEPTED, OrderState.FULFILLED):
            raise IllegalTransition(state=order.status.value, allowed=[])
        amount = refund_fen(order.bill, query.lines)
        return RefundView(order_id=self.id, store_id=order.store_id, amount_fen=amount)

    # --- what others are told --------------------------------------------------------------------------

    @reacts(LinesRefunded)
    def stop_cooking(self, order: Order, e: LinesRefunded, turn: Turn) -> Iterator[Send]:
        """What is not made yet need not be; the kitchen may say that it is too late. What it took off itself, it
        knows.
        """
        kitchen = self._channel(order).kitchen
        for number, one in enumerate(e.lines):
            note = kitchen.get(one.line_id)
            if note is not None and note.status in ("ready", "served", "cancelled"):
                continue
            if note is not None and note.cancelled >= one.quantity:
                continue
            cancel = CancelLine(
                order=f"takeout/{self.id}",
                line_id=one.line_id,
                quantity=one.quantity,
                reason=e.reason,
                by=e.by,
            )
            yield Send(to=f"store/{order.store_id}", command=cancel, step=f"cancel.{number}")

    @reacts(LinesRefunded)
    def book_refund(self, order: Order, e: LinesRefunded, turn: Turn) -> Iterator[Send]:
        """It belongs to the shift of who gave it back (A3)."""
        if e.by is not None and e.amount_fen:
            channel, subject = (
                order.payment.channel,
                f"{order.payment.payment_id}.{turn.command_id.hex()[:12]}",
            )
            yield book_to_shift(order.store_id, e.by, "refund", channel, e.amount_fen, subject)

    @reacts(LinesFired)
    @reacts(NumberGiven)
    @reacts(LinesNoted)
    @reacts(NumberCalled)
    @reacts(OrderFulfilled)
    @reacts(OrderRejected)
    @reacts(LinesRefunded)
    def tell_screen(self, order: Order, e: Event, turn: Turn) -> Iterator[Send]:
        """The screen at the counter shows whose food is ready (T13)."""
        channel = order.channel
        if channel is None or not channel.number or order.fulfilment != "pickup":
            return
        gone = order.status in OVER or order.payment.status is PaymentState.REFUNDED
        note = NotePickup(
            order_id=self.id,
            number=channel.number,
            state="gone" if gone else "ready" if order.kitchen_status == "ready" else "preparing",
            promised_at=channel.promised_at,
            calls=channel.calls,
            called_at=channel.called_at,
            seq=order.seq,
        )
        yield Send(to=f"pickup-screen/{order.store_id}", command=note, step=f"screen.{type(e).__name__}")

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(NumberCalled)
    def on_called(self, order: Order, e: NumberCalled, at: int) -> None:
        channel = self._channel(order)
        channel.calls += 1
        channel.called_at = at
        order.seq += 1

    @evolves(OrderFulfilled)
    def on_fulfilled(self, order: Order, e: OrderFulfilled, at: int) -> None:
        order.status = OrderState.FULFILLED
        order.seq += 1

    @evolves(RiderMoved)
    def on_ridden(self, order: Order, e: RiderMoved, at: int) -> None:
        channel = self._channel(order)
        channel.riding, channel.rider, channel.ride_reason = e.to, e.rider, e.reason
        order.seq += 1

    @evolves(LinesRefunded)
    def on_lines_refunded(self, order: Order, e: LinesRefunded, at: int) -> None:
        take_off(order.bill.lines, e.lines)
        if e.request:
            self._channel(order).refunds[e.request] = e.amount_fen
        payment = order.payment
        payment.returned_fen += e.amount_fen
        if payment.returned_fen == payment.amount_fen > 0:
            payment.status = PaymentState.REFUNDED
        order.seq += 1
