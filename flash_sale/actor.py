"""FlashSaleItem: decide, evolve, react, in the order of a visit.

Opening and changing, claiming, giving back, checking out, what the order reports, reminders, the end;
then reactions and the deadline. How each event changes the sale is in ``evolution.py``, what is answered in
``questions.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Never

from msgspec import to_builtins
from msgspec.structs import replace

from actors.entity import Decision, decides, reacts, wakes
from actors.turn import Turn
from actors.words import Rejection, Send, Wake
from flash_sale import draw, due, terms
from flash_sale.claim import ALLOWED, ClaimState, Reason
from flash_sale.claims import ClaimRecord
from flash_sale.commands import (
    QUANTITY_MAX,
    ChangeSale,
    Checkout,
    Claim,
    ConfirmSale,
    OpenSale,
    OrderClosed,
    PaymentFailed,
    ReleaseClaim,
    StopSale,
)
from flash_sale.events import (
    CheckedOut,
    CheckoutFailed,
    Claimed,
    CloseAsked,
    Entered,
    HoldExpired,
    JoinedWaitlist,
    Released,
    SaleEnded,
    SaleRefused,
    SaleStarted,
    Sold,
    StockReturned,
)
from flash_sale.projections import (
    CheckoutAnswer,
    ClaimView,
    SaleView,
    claim_view,
    new_claim_view,
    over_claim_view,
    sale_view,
)
from flash_sale.questions import SaleQuestions
from flash_sale.rejections import (
    AlreadyOpened,
    ClaimReleased,
    DrawFull,
    Ended,
    IllegalTransition,
    InvalidField,
    LimitReached,
    NotStarted,
    SoldOut,
    WaitlistFull,
)
from flash_sale.state import Sale
from flash_sale.waitlist import WAITLIST_MAX, Waitlist
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.store.commands import RecordSold, ReturnStock
from store_runtime.takeout.commands import AcceptOrder, CloseOrder, CloseReason, PlaceOrder, RefundPayment

CHECKOUT_HOLD_MS = 300_000
"""A checkout extends the hold once, to 5 minutes from now."""


class FlashSaleItem(Audited, SaleQuestions):
    """One flash sale: the stock carved out for it, who holds it, who waits for it."""

    kind = "flash-sale"

    # --- staff -------------------------------------------------------------------------------------------

    @decides(OpenSale)
    def open(self, sale: Sale, cmd: OpenSale, turn: Turn) -> Decision[SaleView]:
        """The sale exists from here on; its seed is made, and only its hash is shown (F11)."""
        if sale.opened:
            raise AlreadyOpened()
        opened = terms.opened(cmd, turn.at, turn.random_bytes(32))
        yield opened
        blank = self.blank()
        self.on_opened(blank, opened, turn.at)
        if turn.at >= opened.starts_at:
            started = SaleStarted()
            yield started
            self.on_started(blank, started, turn.at)
        return sale_view(blank, self.id, turn.at)

    @decides(ChangeSale)
    def change(self, sale: Sale, cmd: ChangeSale, turn: Turn) -> Decision[SaleView]:
        """Staff change what may still be changed."""
        self._must_exist(sale)
        self._must_not_be_over(sale, turn.at)
        changed = terms.changed(sale, cmd, turn.at)
        yield changed
        yield from act_done(
            sale.store_id,
            turn,
            cmd.by,
            "flash_sale.change",
            f"flash-sale/{self.id}",
            before=to_builtins(terms.standing(sale)),
            after=to_builtins(changed),
        )
        after = replace(sale)  # a shallow copy: the event sets plain fields only
        self.on_changed(after, changed, turn.at)
        return sale_view(after, self.id, turn.at)

    @decides(StopSale)
    def stop(self, sale: Sale, cmd: StopSale, turn: Turn) -> Decision[SaleView]:
        """Staff end the sale now; what nobody holds goes back to the dish (F10)."""
        self._must_exist(sale)
        self._must_not_be_over(sale, turn.at)
        events = list(due.ending(sale, SaleEnded(reason="stopped", note=cmd.reason)))
        yield from events
        yield from act_done(
            sale.store_id, turn, cmd.by, "flash_sale.stop", f"flash-sale/{self.id}", reason=cmd.reason
        )
        at = turn.at
        over = replace(sale, ended=True, left=0, waitlist=Waitlist(), seq=sale.seq + len(events), ends_at=at)
        if sale.draw_open:
            over.draw_ends_at = min(sale.draw_ends_at, at)
        return sale_view(over, self.id, turn.at)

    # --- diners ------------------------------------------------------------------------------------------

    @decides(Claim)
    def claim(self, sale: Sale, cmd: Claim, turn: Turn) -> Decision[ClaimView]:
        """A hold at once (F1), a place in the waitlist if asked for (F4), or an entry of the draw (F11)."""
        self._must_exist(sale)
        quantity = cmd.quantity
        if not 1 <= quantity <= QUANTITY_MAX:
            raise InvalidField(path="$.quantity", problem=f"from 1 to {QUANTITY_MAX}")
        at = turn.at
        if at < sale.starts_at:
            raise NotStarted(starts_at=sale.starts_at)
        self._must_not_be_over(sale, at)
        taken = sale.taken.get(cmd.user_id, 0)
        if taken + quantity > sale.per_user_limit:
            raise LimitReached(limit=sale.per_user_limit, taken=taken)
        claim_id = f"{self.id}.{turn.new_id('c')}"
        left, waiting, in_draw = sale.left, sale.waitlist.size, sale.draw and not sale.drawn
        # Others may say sold out for a moment after it has ended, but never to a claim that waits (F9).
        is_open = cmd.wait or not (sale.shut or at < sale.reopens_at)
        if (deadline := sale.deadline) is not None and deadline <= at:
            # The reminder is late (a burst, a restart). What is due comes before this claim, or it would
            # overtake the waitlist, or miss stock that is free by the sale's own clock (F4, F7).
            events = list(due.events(sale, at))
            yield from events
            left, waiting, in_draw = due.outlook(sale, events)
            is_open = is_open or sale.shut
        if quantity > sale.unsold:
            raise SoldOut(left=left, waiting=waiting, unsold=sale.unsold)
        if in_draw:
            if sale.entered >= draw.ENTRIES_MAX:
                raise DrawFull(entries=sale.entered)
            yield Entered(claim_id=claim_id, user_id=cmd.user_id, quantity=quantity, wait=cmd.wait)
            return new_claim_view(
                sale, self.id, claim_id, quantity, at, Reason.IN_DRAW, result_at=sale.draw_ends_at
            )
        if is_open and not waiting and quantity <= left:
            expires_at = sale.expires_at(at)
            yield Claimed(
                claim_id=claim_id,
                user_id=cmd.user_id,
                quantity=quantity,
                expires_at=expires_at,
                wait=cmd.wait,
            )
            return new_claim_view(
                sale, self.id, claim_id, quantity, at, Reason.IN_ORDER, expires_at=expires_at
            )
        if not cmd.wait:
            raise SoldOut(left=left, waiting=waiting)
        if waiting >= WAITLIST_MAX:
            raise WaitlistFull(waiting=waiting)
        yield JoinedWaitlist(claim_id=claim_id, user_id=cmd.user_id, quantity=quantity)
        ahead_max = max(waiting, sale.waitlist.length)
        return new_claim_view(sale, self.id, claim_id, quantity, at, Reason.NOTHING_LEFT, ahead_max=ahead_max)

    @decides(ReleaseClaim)
    def release(self, sale: Sale, cmd: ReleaseClaim, turn: Turn) -> Decision[ClaimView]:
        """An entry, a place in the waitlist or a hold is given back; the waitlist gets what is free at
        once (F4).
        """
        claim = self._claim_of(sale, cmd.claim_id, cmd.user_id)
        if "release" not in ALLOWED[claim.state]:
            self._refuse(claim)
        order_id = claim.order_id if claim.state is ClaimState.PAYING else ""
        yield Released(claim_id=cmd.claim_id, order_id=order_id)
        if claim.state is not ClaimState.ENTERED:
            # Also when the head gives up a place: it may have wanted more than is left, and those behind fit.
            freed = 0 if claim.state is ClaimState.WAITING else claim.quantity
            yield from due.free(sale, freed, turn.at, leaving=cmd.claim_id)
        return over_claim_view(
            self.id, cmd.claim_id, claim, ClaimState.RELEASED, Reason.GIVEN_BACK, claim.order_id
        )

    @decides(Checkout)
    def checkout(self, sale: Sale, cmd: Checkout, turn: Turn) -> Decision[CheckoutAnswer]:
        """The diner goes to pay: the hold is extended once, and an order is placed."""
        claim = self._claim_of(sale, cmd.claim_id, cmd.user_id)
        InvalidField.check(cmd)
        if claim.state is not ClaimState.HELD:
            self._refuse(claim)
        if turn.at >= (claim.expires_at if claim.extended else claim.release_at):
            raise IllegalTransition(state="expired", allowed=[])
        expires_at = claim.expires_at
        if not claim.extended:
            expires_at = max(expires_at, turn.at + CHECKOUT_HOLD_MS)
        checked_out = CheckedOut(
            claim_id=cmd.claim_id,
            order_id=turn.new_id("o"),
            fulfilment=cmd.fulfilment,
            payment_channel=cmd.payment_channel,
            expires_at=expires_at,
        )
        yield checked_out
        return CheckoutAnswer(
            order_id=checked_out.order_id, place_order=self._order(sale, claim, checked_out)
        )

    # --- what the order reports --------------------------------------------------------------------------

    @decides(ConfirmSale)
    def confirm(self, sale: Sale, cmd: ConfirmSale, turn: Turn) -> Decision[ClaimView]:
        """Paid: sold, also when it comes late and enough is left that nobody waits for (F6). Else
        refused, and the order refunds; whichever it was, it stays.
        """
        claim = self._claim_of(sale, cmd.claim_id)
        sold = claim.state is ClaimState.SOLD and claim.order_id == cmd.order_id
        if sold or cmd.order_id in sale.refused:
            return claim_view(sale, self.id, cmd.claim_id, claim)
        try:
            self._must_be_sellable(sale, claim, cmd.order_id, turn.at)
        except Rejection as rejection:
            yield SaleRefused(
                claim_id=cmd.claim_id, order_id=cmd.order_id, payment_id=cmd.payment_id, reason=rejection.code
            )
            return claim_view(sale, self.id, cmd.claim_id, claim)
        late = claim.state is not ClaimState.PAYING
        yield Sold(claim_id=cmd.claim_id, order_id=cmd.order_id, payment_id=cmd.payment_id, late=late)
        yield from due.let_go(sale, claim.quantity, turn.at)
        reason = Reason.PAID_LATE if late else Reason.PAID
        return over_claim_view(self.id, cmd.claim_id, claim, ClaimState.SOLD, reason, cmd.order_id)

    @decides(PaymentFailed)
    def payment_failed(self, sale: Sale, cmd: PaymentFailed, turn: Turn) -> Decision[None]:
        """The claim is held again for what is left of its hold; news of an earlier order changes nothing."""
        claim = self._claim_of(sale, cmd.claim_id)
        if claim.state is not ClaimState.PAYING or claim.order_id != cmd.order_id:
            return
        if claim.closing or turn.at >= claim.release_at:
            yield HoldExpired(claim_id=cmd.claim_id)
            yield from due.free(sale, claim.quantity, turn.at)
        else:
            yield CheckoutFailed(claim_id=cmd.claim_id)

    @decides(OrderClosed)
    def order_closed(self, sale: Sale, cmd: OrderClosed, turn: Turn) -> Decision[None]:
        """The payment can no longer be made, so the stock is free; news of an earlier order changes
        nothing.
        """
        claim = self._claim_of(sale, cmd.claim_id)
        if claim.state is not ClaimState.PAYING or claim.order_id != cmd.order_id:
            return
        yield Released(claim_id=cmd.claim_id) if cmd.cancelled else HoldExpired(claim_id=cmd.claim_id)
        yield from due.free(sale, claim.quantity, turn.at)

    # --- reminders ---------------------------------------------------------------------------------------

    @decides(Wake)
    def wake(self, sale: Sale, cmd: Wake, turn: Turn) -> Decision[None]:
        """What is due: start, draw, end or holds, one kind at a time; the deadline stays due while there
        is more.

        The end comes before holds that ran out with it: after a long silence nobody gets a hold in a sale
        that is over. A draw that was promised is held all the same, and its winners may pay.
        """
        if sale.opened:
            yield from due.events(sale, turn.at)

    # --- refusals ----------------------------------------------------------------------------------------

    def _must_not_be_over(self, sale: Sale, at: int) -> None:
        if sale.ended or at >= sale.ends_at:
            raise Ended(ends_at=sale.ends_at)

    def _must_be_sellable(self, sale: Sale, claim: ClaimRecord, order_id: str, at: int) -> None:
        """At this order's checkout, or held. F6: what has expired is bought back, only from stock that nobody
        holds or waits for, within the limit, before the end. What the diner gave back stays given back.
        """
        if claim.state is ClaimState.HELD or (
            claim.state is ClaimState.PAYING and claim.order_id == order_id
        ):
            return
        if claim.state is ClaimState.RELEASED:
            raise ClaimReleased()
        if claim.state is not ClaimState.EXPIRED:
            self._refuse(claim)
        self._must_not_be_over(sale, at)
        if sale.waiting or sale.left < claim.quantity:
            raise SoldOut(left=sale.left, waiting=sale.waiting)
        taken = sale.taken.get(claim.user_id, 0)
        if taken + claim.quantity > sale.per_user_limit:
            raise LimitReached(limit=sale.per_user_limit, taken=taken)

    def _refuse(self, claim: ClaimRecord) -> Never:
        raise IllegalTransition(state=claim.state.value, allowed=ALLOWED[claim.state])

    # --- reactions ---------------------------------------------------------------------------------------

    @reacts(CheckedOut)
    def place_order(self, sale: Sale, e: CheckedOut, turn: Turn) -> Iterator[Send]:
        """The order exists once; if it cannot, the claim is held again."""
        yield Send(
            to=f"takeout/{e.order_id}",
            command=self._order(sale, sale.claims[e.claim_id], e),
            step="order",
            if_rejected=PaymentFailed(claim_id=e.claim_id, order_id=e.order_id),
        )

    @reacts(CloseAsked)
    def close_order(self, sale: Sale, e: CloseAsked, turn: Turn) -> Iterator[Send]:
        """The hold ran out: the order closes its payment, then reports."""
        yield self._close(e.claim_id, sale.claims[e.claim_id].order_id, "hold_expired")

    @reacts(Released)
    def close_released_order(self, sale: Sale, e: Released, turn: Turn) -> Iterator[Send]:
        """The diner gave the claim back at checkout: nothing is to be paid any more."""
        if e.order_id:
            yield self._close(e.claim_id, e.order_id, "released")

    @reacts(Sold)
    def accept_order(self, sale: Sale, e: Sold, turn: Turn) -> Iterator[Send]:
        """The order is accepted, and the dish counts as sold (D4)."""
        yield Send(to=f"takeout/{e.order_id}", command=AcceptOrder(claim_id=e.claim_id), step="accept")
        quantity = sale.claims[e.claim_id].quantity
        record = RecordSold(flash_sale_id=self.id, dish_id=sale.dish_id, quantity=quantity)
        yield Send(to=f"store/{sale.store_id}", command=record, step="sold")

    @reacts(SaleRefused)
    def refund(self, sale: Sale, e: SaleRefused, turn: Turn) -> Iterator[Send]:
        """Money that buys nothing goes back."""
        refund = RefundPayment(payment_id=e.payment_id, reason=e.reason)
        yield Send(to=f"takeout/{e.order_id}", command=refund, step="refund")

    @reacts(StockReturned)
    def return_stock(self, sale: Sale, e: StockReturned, turn: Turn) -> Iterator[Send]:
        """What nobody holds after the end belongs to the dish again (F10)."""
        back = ReturnStock(flash_sale_id=self.id, dish_id=sale.dish_id, quantity=e.quantity)
        yield Send(to=f"store/{sale.store_id}", command=back, step="return")

    def _order(self, sale: Sale, claim: ClaimRecord, e: CheckedOut) -> PlaceOrder:
        return PlaceOrder(
            store_id=sale.store_id,
            user_id=claim.user_id,
            flash_sale_id=self.id,
            claim_id=e.claim_id,
            dish_id=sale.dish_id,
            name=sale.dish_name,
            quantity=claim.quantity,
            unit_price_fen=sale.price_fen,
            fulfilment=e.fulfilment,
            payment_channel=e.payment_channel,
            pay_by=e.expires_at,
        )

    def _close(self, claim_id: str, order_id: str, reason: CloseReason) -> Send:
        close = CloseOrder(flash_sale_id=self.id, claim_id=claim_id, reason=reason)
        return Send(to=f"takeout/{order_id}", command=close, step=f"close.{claim_id}")

    @wakes
    def next_deadline(self, sale: Sale) -> int | None:
        """The earliest moment at which something is due."""
        return sale.deadline
