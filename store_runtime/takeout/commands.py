"""What can be asked of an order (kind ``takeout``, id = order_id).

A payment's id is ``<order_id>.p1``, so the order is found from the payment id alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from flash_sale.commands import PaymentChannel
from pricing.facts import BillTerms
from pricing.selection import LineQuantity
from store_runtime.by import By
from store_runtime.delivery.projections import Fee
from store_runtime.reservations.commands import Book
from store_runtime.store.orders.commands import LINES_MAX, Note, WantedLine

ChannelFulfilment = Literal["pickup", "delivery", "reservation"]
RideState = Literal["assigned", "picked_up", "delivered", "failed"]
Reason = Annotated[str, Meta(min_length=1, max_length=200)]

PaymentOutcome = Literal["paid", "failed", "late"]
CloseReason = Literal["hold_expired", "released"]


class PlaceOrder(Command, frozen=True, kw_only=True):
    """The order of a claim at checkout. Sent by the sale as step ``order``; answered with an
    OrderPlacedAnswer.

    ``pay_by`` is the hold's end, in ms since the epoch.
    """

    store_id: str
    user_id: str
    flash_sale_id: str
    claim_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    fulfilment: str
    payment_channel: str
    pay_by: int


class ReportPayment(Command, frozen=True, kw_only=True):
    """The channel's word on a payment; repeating it changes nothing. Answered with a PaymentView.

    ``late`` may come at any time: the channel will say paid once we have closed the payment. With
    ``user_id`` only that diner's own payment is found.
    """

    payment_id: str
    outcome: PaymentOutcome
    transaction_id: str = ""
    user_id: str = ""


class CancelOrder(Command, frozen=True, kw_only=True):
    """The diner cancels an order that is not paid. Answered with an OrderView."""

    user_id: str = ""


class CloseOrder(Command, frozen=True, kw_only=True):
    """The sale asks to close the payment of this claim: its hold ran out, or the diner gave it back."""

    flash_sale_id: str
    claim_id: str
    reason: CloseReason


class AcceptOrder(Command, frozen=True, kw_only=True):
    """The sale says: the claim is sold to this order."""

    claim_id: str


class RefundPayment(Command, frozen=True, kw_only=True):
    """What was paid goes back: the sale refused to confirm (sent by it; also the
    compensation of ConfirmSale, should the sale not know the claim)."""

    payment_id: str
    reason: str


class GetOrder(Query, frozen=True, kw_only=True):
    """The order: OrderView. With ``user_id``, only that diner's own."""

    user_id: str = ""


class GetPayment(Query, frozen=True, kw_only=True):
    """One payment of the order: PaymentView. With ``user_id``, only that diner's own."""

    payment_id: str
    user_id: str = ""


# --- orders of the channels: pickup, delivery, reservation -------------------------------------------------------


class Going(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a delivery goes. ``address`` is sealed at the door: no room can read it."""

    address: str
    fee: Fee


class ChannelTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order as it was sent.

    Args:
        hold_ms, grace_ms: how long it may be paid, and how much longer its dishes are kept than that shows.
        ready_at (ms): the slot a guest comes in, 0: as soon as it can be; the kitchen starts make-minutes before.
        reservation: id of the booking that comes with it (T14); booking: what its day's book is asked.
        person: whom to call, sealed at the door.
        request: digest of what the diner sent, which tells a repeat from another request under its key.
        bill: what is charged beside the dishes: the packing of the order (T19), 抹零.
    """

    store_id: str
    user_id: str
    fulfilment: ChannelFulfilment
    payment_channel: PaymentChannel
    menu_version: int
    lines: Annotated[tuple[WantedLine, ...], Meta(min_length=1, max_length=LINES_MAX)]
    hold_ms: int
    grace_ms: int
    ready_at: int = 0
    delivery: Going | None = None
    reservation: str = ""
    booking: Book | None = None
    person: str = ""
    note: Note = ""
    bill: BillTerms = BillTerms()
    request: bytes = b""


class OpenOrder(Command, frozen=True, kw_only=True):
    """An order of a channel. Answered with an OrderOpening: what to ask the store next."""

    terms: ChannelTerms


class GetOpening(Query, frozen=True, kw_only=True):
    """What the store is to be asked for the order that this request opened: OrderOpening, or IdempotencyKeyReused."""

    request: bytes


class LinesRefused(Command, frozen=True, kw_only=True):
    """The store did not take the lines: nothing was ordered (compensation of PlaceLines)."""


class SlotRefused(Command, frozen=True, kw_only=True):
    """The day has no seats for it: it cannot be paid any more (compensation of Book)."""


class CallNumber(Command, frozen=True, kw_only=True):
    """Staff call the number, perhaps again (T13). Answered with an OrderView."""

    by: By | None = None


class FulfilOrder(Command, frozen=True, kw_only=True):
    """The guest has their food. Answered with an OrderView."""

    by: By | None = None


class MoveRider(Command, frozen=True, kw_only=True):
    """How the delivery is on its way (T12). ``rider``: who, with assigned. Answered with an OrderView."""

    to: RideState
    rider: Annotated[str, Meta(max_length=64)] = ""
    reason: Annotated[str, Meta(max_length=200)] = ""
    by: By | None = None


class RefundedLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many of a line."""

    line_id: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: LineQuantity


RefundedLines = Annotated[tuple[RefundedLine, ...], Meta(min_length=1, max_length=LINES_MAX)]


class RefundLines(Command, frozen=True, kw_only=True):
    """Staff give money back for lines (O4): old payable less new payable. Answered with an OrderView.

    ``amount_fen``: what the caller was shown, and may give back; another amount by now is refused. ``request``: who
    asks, so that a repeat is known as such (GetRefund).
    """

    lines: RefundedLines
    reason: Reason
    amount_fen: int
    request: bytes = b""
    by: By | None = None


class GetRefund(Query, frozen=True, kw_only=True):
    """What giving money back for these lines would come to, or came to for this ``request``: RefundView."""

    lines: RefundedLines
    request: bytes = b""
