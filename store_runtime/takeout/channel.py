"""Orders of the channels: pickup, delivery, reservation (T12–T14, O2, O6).

Opened → the store holds the lines → paid → they fire → accepted, with a number. Every other way ends void or
refunded: the store refuses the lines, nobody pays in time, the store cannot fire or rejects what was paid, the money
comes late. The hold lasts as long as the payment may be paid, with the grace, and is given back at once when that
is over.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, IdempotencyKeyReused, Send
from store_runtime.bill.payment import Payment
from store_runtime.reservations.commands import CancelReservation
from store_runtime.store.orders.commands import (
    FireLines,
    LineNote,
    LinesPlaced,
    NoteLines,
    PlaceLines,
    RejectOrder,
    ReleaseLines,
)
from store_runtime.takeout.bill import Line
from store_runtime.takeout.commands import (
    GetOpening,
    LinesRefused,
    OpenOrder,
    RefundedLine,
    RefundPayment,
    SlotRefused,
)
from store_runtime.takeout.events import (
    CloseAwaited,
    LinesFired,
    LinesHeld,
    LinesNoted,
    LinesRefunded,
    NumberGiven,
    OrderAccepted,
    OrderCancelled,
    OrderFulfilled,
    OrderOpened,
    OrderRejected,
    PaidLate,
    PaymentClosed,
    PaymentOpened,
    PaymentPaid,
    PaymentRefunded,
    RefundStarted,
)
from store_runtime.takeout.evolution import OrderEvolution
from store_runtime.takeout.projections import HeldAnswer, OrderOpening, payment_view
from store_runtime.takeout.refunds import refund_fen
from store_runtime.takeout.rejections import IllegalTransition, InvalidField, MinimumNotReached, OrderNotFound
from store_runtime.takeout.state import HOLD_EXPIRED, ChannelOrder, Order, OrderState

BATCH = 1
"""A channel's order is placed at once."""

RELEASED_MS = 60_000
"""The store forgets the hold by itself so long after the order should have given it back: never before it, or what
is paid in the last moment could not be fired."""

NOTHING_DUE = "nothing-due"


def refund(reason: str) -> list[Event]:
    """The whole amount goes back; the simulated channel confirms at once."""
    return [RefundStarted(reason=reason), PaymentRefunded()]


def _book_of(reservation_id: str) -> str:
    return f"reservation-book/{reservation_id.rpartition('.')[0]}"


class ChannelDesk(OrderEvolution):
    """An order of a channel up to the kitchen."""

    # --- placed ----------------------------------------------------------------------------------------

    @decides(OpenOrder)
    def open(self, order: Order, cmd: OpenOrder, turn: Turn) -> Decision[OrderOpening]:
        """The order exists, and its store is asked for the lines. Opening it again changes nothing."""
        if order.channel is not None:
            return self._opening(order)
        if order.placed:
            raise IllegalTransition(state=order.status.value, allowed=[])
        InvalidField.check(cmd)
        terms = cmd.terms
        if terms.delivery is not None:
            subtotal = sum(line.quoted_fen * line.quantity for line in terms.lines)
            missing = terms.delivery.fee.min_order_fen - subtotal
            if missing > 0:
                raise MinimumNotReached(
                    min_order_fen=terms.delivery.fee.min_order_fen,
                    subtotal_fen=subtotal,
                    missing_fen=missing,
                )
        if terms.ready_at and terms.ready_at <= turn.at:
            raise InvalidField(path="$.pickup_at", problem="a moment in the future")
        opened = OrderOpened(terms=terms)
        yield opened
        seen = self._after(self.blank(), [opened], turn.at)
        return self._opening(seen)

    @answers(GetOpening)
    def opening(self, order: Order, query: GetOpening, at: int) -> OrderOpening:
        """The same again, for a request that is repeated after the menu has changed."""
        if self._channel(order).terms.request != query.request:
            raise IdempotencyKeyReused()
        return self._opening(order)

    def _opening(self, order: Order) -> OrderOpening:
        terms = self._channel(order).terms
        return OrderOpening(
            order_id=self.id,
            place=self.place_lines(order),
            booking=terms.booking,
            reservation=terms.reservation,
        )

    def place_lines(self, order: Order) -> PlaceLines:
        """What the store is asked."""
        channel = self._channel(order)
        terms = channel.terms
        return PlaceLines(
            order=f"takeout/{self.id}",
            batch=BATCH,
            label=f"#{self.id[-4:].upper()}",
            channel=terms.fulfilment,
            menu_version=terms.menu_version,
            lines=terms.lines,
            fire=False,
            hold_until=channel.closes_at + RELEASED_MS,
            ready_at=terms.ready_at,
            number_wanted=True,
        )

    @decides(LinesPlaced)
    def lines_placed(self, order: Order, cmd: LinesPlaced, turn: Turn) -> Decision[HeldAnswer]:
        """The store holds the lines, or has fired them. What is known already changes nothing."""
        channel = self._channel(order)
        events: list[Event] = []
        if not channel.priced and order.status is OrderState.CREATED:
            events += self._held(order, cmd, turn.at)
        if cmd.fired and not channel.fired:
            events.append(LinesFired(number=cmd.placed.number))
            if order.status is OrderState.CREATED:
                events.append(OrderAccepted())
        elif cmd.placed.number and not channel.number:
            events.append(NumberGiven(number=cmd.placed.number))
        yield from events
        seen = self._after(order, events, turn.at)
        payment = payment_view(seen, self.id, seen.payment) if seen.bill.payments else None
        return HeldAnswer(order_id=self.id, payment=payment, reason=seen.reason)

    def _held(self, order: Order, cmd: LinesPlaced, at: int) -> list[Event]:
        if any(line.provisional for line in cmd.placed.lines):
            return [OrderCancelled(reason="not_priced")]  # D5: not payable until staff weigh it
        terms = self._channel(order).terms
        pay_by = order.created_at + terms.hold_ms
        held = LinesHeld(placed=cmd.placed, payment_id=f"{self.id}.p1", pay_by=pay_by)
        seen = self._after(order, [held], at)
        if seen.payment.amount_fen == 0:
            return [held, PaymentPaid(transaction_id=NOTHING_DUE)]
        return [held, PaymentOpened()]

    @decides(LinesRefused)
    def lines_refused(self, order: Order, cmd: LinesRefused, turn: Turn) -> Decision[None]:
        """The store has not taken the lines; nothing can be paid."""
        if order.status is OrderState.CREATED and not self._channel(order).priced:
            yield OrderCancelled(reason="lines_refused")

    @decides(SlotRefused)
    def slot_refused(self, order: Order, cmd: SlotRefused, turn: Turn) -> Decision[None]:
        """Both seats and dishes, or neither (T14). What is paid by then is cooked: nobody was told how to pay it."""
        if order.status is OrderState.CREATED and (order.payable or not order.bill.payments):
            yield OrderCancelled(reason="slot_refused")
            if order.payable:
                yield from self._close_now(order, turn.at)

    # --- the store speaks ------------------------------------------------------------------------------

    @decides(RejectOrder)
    def reject(self, order: Order, cmd: RejectOrder, turn: Turn) -> Decision[None]:
        """The store does not make it: what was paid goes back in this very decision (O2)."""
        self._channel(order)
        if order.status is not OrderState.CREATED:
            return
        if order.bill.payments and order.payment.unsettled:
            yield OrderRejected(reason=cmd.reason)
            yield from refund(cmd.reason)
            return
        yield OrderCancelled(reason=cmd.reason)
        if order.payable:
            yield from self._close_now(order, turn.at)

    @decides(NoteLines)
    def note_lines(self, order: Order, cmd: NoteLines, turn: Turn) -> Decision[None]:
        """Newer words count, older ones are known. What the kitchen took off is paid back (O4)."""
        channel = self._channel(order)
        lines = {line.line_id: line for line in order.bill.lines}
        notes = [note for note in cmd.lines if self._is_news(channel, lines, note)]
        if cmd.number and not channel.number:
            yield NumberGiven(number=cmd.number)
        if not notes:
            return
        yield LinesNoted(lines=tuple(notes))
        off = [
            RefundedLine(line_id=note.line_id, quantity=note.cancelled - lines[note.line_id].refunded)
            for note in notes
            if note.cancelled > lines[note.line_id].refunded
        ]
        if off and order.payment.unsettled:
            amount = refund_fen(order.bill, off)
            yield LinesRefunded(lines=tuple(off), amount_fen=amount, reason="cancelled_by_store")
        known = {**channel.kitchen, **{note.line_id: note for note in notes}}
        done = [known[line_id].status for line_id in lines if line_id in known]
        everything = len(done) == len(lines) and all(status in ("served", "cancelled") for status in done)
        if (
            order.status is OrderState.ACCEPTED
            and everything
            and "served" in done
            and not order.bill.delivery
        ):
            yield OrderFulfilled()

    def _is_news(self, channel: ChannelOrder, lines: dict[str, Line], note: LineNote) -> bool:
        known = channel.kitchen.get(note.line_id)
        return note.line_id in lines and (known is None or note.seq > known.seq)

    # --- nobody pays -----------------------------------------------------------------------------------

    def channel_deadline(self, order: Order, channel: ChannelOrder) -> int:
        """When an order that is not paid is over; 0 where it is paid or over."""
        if order.bill.payments and order.payment.close_at:
            return order.payment.close_at
        unpaid = order.status is OrderState.CREATED and (order.payable or not order.bill.payments)
        return channel.closes_at if unpaid else 0

    def expire(self, order: Order, at: int) -> list[Event]:
        """The payment is closed, and only then the hold is given back; a channel that does not close yet is asked
        again, and may still be paid.
        """
        if order.status is OrderState.CREATED and not order.bill.payments:
            return [OrderCancelled(reason="never_placed")]
        closing = self._close_now(order, at)
        if order.status is OrderState.CREATED and not isinstance(closing[0], CloseAwaited):
            return [OrderCancelled(reason=HOLD_EXPIRED), *closing]
        return closing

    def _close_now(self, order: Order, at: int) -> list[Event]:
        payment = order.payment
        if refused := payment.close(at):
            return [CloseAwaited(close_at=refused.again_at)]
        late = self.paid_late(payment.late_transaction) if payment.late_transaction else []
        return [PaymentClosed(), *late]

    def paid_late(self, transaction_id: str) -> list[Event]:
        """O6: the lines are given back by now, so the money goes back too."""
        return [PaidLate(transaction_id=transaction_id, ask_sale=False), *refund("paid_late")]

    # --- what the store is told ------------------------------------------------------------------------

    @reacts(OrderOpened)
    def ask_store(self, order: Order, e: OrderOpened, turn: Turn) -> Iterator[Send]:
        """The ingress asks under the same id; whoever comes first does it."""
        yield self._to_store(order, self.place_lines(order), "place", LinesRefused())
        if e.terms.booking is not None:
            yield Send(
                to=_book_of(e.terms.reservation),
                command=e.terms.booking,
                step="book",
                if_rejected=SlotRefused(),
            )

    @reacts(PaymentPaid)
    def fire(self, order: Order, e: PaymentPaid, turn: Turn) -> Iterator[Send]:
        """Paid: into the kitchen. What cannot be fired any more is paid back."""
        if order.channel is not None:
            undo = RefundPayment(payment_id=order.payment.payment_id, reason="lines_gone")
            yield self._to_store(order, FireLines(order=f"takeout/{self.id}", batch=BATCH), "fire", undo)

    @reacts(OrderCancelled)
    @reacts(OrderRejected)
    def release(self, order: Order, e: OrderCancelled | OrderRejected, turn: Turn) -> Iterator[Send]:
        """Nothing will be made: the stock is free at once."""
        if order.channel is not None:
            release = ReleaseLines(order=f"takeout/{self.id}", batch=BATCH, reason=e.reason)
            yield self._to_store(order, release, "release", None)

    @reacts(OrderCancelled)
    @reacts(OrderRejected)
    @reacts(LinesRefunded)
    def free_seats(self, order: Order, e: Event, turn: Turn) -> Iterator[Send]:
        """Nothing of it is left to eat: the seats that came with it are free."""
        if order.channel is None or order.channel.terms.booking is None:
            return
        if isinstance(e, LinesRefunded) and any(line.standing for line in order.bill.lines):
            return
        cancel = CancelReservation(code=order.channel.terms.booking.code, reason="order_over")
        to = _book_of(order.channel.terms.reservation)
        yield Send(to=to, command=cancel, step=f"seats.{type(e).__name__}")

    def _to_store(
        self, order: Order, command: PlaceLines | FireLines | ReleaseLines, step: str, undo: object
    ) -> Send:
        assert undo is None or isinstance(undo, LinesRefused | RefundPayment)
        return Send(to=f"store/{order.store_id}", command=command, step=step, if_rejected=undo)

    def _channel(self, order: Order) -> ChannelOrder:
        if order.channel is None:
            raise OrderNotFound()
        return order.channel

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(OrderOpened)
    def on_opened(self, order: Order, e: OrderOpened, at: int) -> None:
        terms = e.terms
        order.placed = True
        order.store_id, order.user_id, order.fulfilment = terms.store_id, terms.user_id, terms.fulfilment
        order.created_at = at
        order.channel = ChannelOrder(terms=terms, closes_at=at + terms.hold_ms + terms.grace_ms)
        order.seq += 1

    @evolves(LinesHeld)
    def on_held(self, order: Order, e: LinesHeld, at: int) -> None:
        channel = self._channel(order)
        channel.priced = True
        going = channel.terms.delivery
        order.bill.delivery = going.fee if going is not None else None
        order.bill.packed, order.bill.terms = True, channel.terms.bill
        order.bill.lines = [
            Line(
                line_id=line.line_id,
                dish_id=line.dish_id,
                name=line.name,
                name_en=line.name_en,
                options_text=line.options_text,
                quantity=line.quantity,
                unit_price_fen=line.unit_price_fen,
                box_fen=line.box_fen,
            )
            for line in e.placed.lines
        ]
        channel.promised_at = max((line.promised_at for line in e.placed.lines), default=0)
        order.bill.payments = [
            Payment(
                payment_id=e.payment_id,
                channel=channel.terms.payment_channel,
                amount_fen=order.bill.total_fen,
                expires_at=e.pay_by,
            )
        ]
        order.seq += 1

    @evolves(LinesFired)
    def on_fired(self, order: Order, e: LinesFired, at: int) -> None:
        channel = self._channel(order)
        channel.fired = True
        channel.number = e.number or channel.number
        order.seq += 1

    @evolves(NumberGiven)
    def on_number_given(self, order: Order, e: NumberGiven, at: int) -> None:
        self._channel(order).number = e.number
        order.seq += 1

    @evolves(LinesNoted)
    def on_noted(self, order: Order, e: LinesNoted, at: int) -> None:
        channel = self._channel(order)
        channel.kitchen.update({note.line_id: note for note in e.lines})
        channel.promised_at = max((note.promised_at for note in channel.kitchen.values()), default=0)
        order.seq += 1
