"""What can be asked of a flash sale (kind ``flash-sale``, id = flash_sale_id).

Amounts are fen, moments ms since the epoch, ``_ms`` and ``_seconds`` durations. A claim's id is
``<flash_sale_id>.<c…>``, so the sale is found from the claim id alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Query
from store_runtime.by import By
from store_runtime.texts import ONE_LINE

QUANTITY_MAX = 100
"""The most one claim may ask for. Also bounds the events that one freed claim can cause (runtime: ≤ 500)."""

STOCK_MAX = 1_000_000
PRICE_FEN_MAX = 100_000_000
HOLD_SECONDS_MAX = 86_400
DRAW_WINDOW_MS_MAX = 3_600_000
TITLE_LENGTH_MAX = 100
GRACE_MS_MAX = 600_000
MOMENT_MAX = 253_402_300_799_999
"""The end of the year 9999."""

POSITION_MAX = 1_000_000_000
PROOF_LINES_MAX = 10_000

HOLD_SECONDS = 300
"""A claim is held 5 minutes unless the sale says otherwise."""

GRACE_MS = 30_000
"""A hold is kept this much longer than ``expires_at`` shows."""

Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
Text = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=ONE_LINE)]
Title = Annotated[str, Meta(min_length=1, max_length=TITLE_LENGTH_MAX, pattern=ONE_LINE)]
Position = Annotated[int, Meta(ge=0, le=POSITION_MAX)]
Stock = Annotated[int, Meta(ge=1, le=STOCK_MAX)]
PriceFen = Annotated[int, Meta(ge=0, le=PRICE_FEN_MAX)]
PerUserLimit = Annotated[int, Meta(ge=1, le=STOCK_MAX)]
HoldSeconds = Annotated[int, Meta(ge=1, le=HOLD_SECONDS_MAX)]
DrawWindowMs = Annotated[int, Meta(ge=0, le=DRAW_WINDOW_MS_MAX)]
GraceMs = Annotated[int, Meta(ge=0, le=GRACE_MS_MAX)]
Moment = Annotated[int, Meta(ge=0, le=MOMENT_MAX)]
Policy = Literal["fifo", "draw"]
Fulfilment = Literal["pickup", "delivery", "dine_in"]
PaymentChannel = Literal["simulated"]


class OpenSale(Command, frozen=True, kw_only=True):
    """The store opens the sale with stock it has carved out (F10). Sent by the store, answered with a
    SaleView.
    """

    store_id: Text
    dish_id: Text
    dish_name: Text
    title: Title
    price_fen: PriceFen
    stock: Stock
    per_user_limit: PerUserLimit
    starts_at: Moment
    ends_at: Moment
    hold_seconds: HoldSeconds = HOLD_SECONDS
    grace_ms: GraceMs = GRACE_MS
    policy: Policy = "fifo"
    draw_window_ms: DrawWindowMs = 0
    entry_required: bool = True


class ChangeSale(Command, frozen=True, kw_only=True):
    """Staff change the sale; None leaves a field as it is. Answered with a SaleView.

    Price, start and draw window are fixed once the sale has started, everything once it has ended.
    """

    title: Title | None = None
    price_fen: PriceFen | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    per_user_limit: PerUserLimit | None = None
    hold_seconds: HoldSeconds | None = None
    draw_window_ms: DrawWindowMs | None = None
    entry_required: bool | None = None
    by: By | None = None


class StopSale(Command, frozen=True, kw_only=True):
    """Staff end the sale now. Holds stay payable until they run out. Answered with a SaleView."""

    reason: str = ""
    by: By | None = None


class Claim(Command, frozen=True, kw_only=True):
    """A diner wants ``quantity``; with ``wait`` they join the waitlist when nothing is left. Answered
    with a ClaimView.
    """

    user_id: Text
    quantity: Quantity
    wait: bool = False


class ReleaseClaim(Command, frozen=True, kw_only=True):
    """The diner gives an entry, a place in the waitlist or a hold back. Answered with a ClaimView."""

    claim_id: str
    user_id: str


class Checkout(Command, frozen=True, kw_only=True):
    """The diner goes to pay. Answered with a CheckoutAnswer, which carries the PlaceOrder for the order."""

    claim_id: str
    user_id: str
    fulfilment: Fulfilment = "pickup"
    payment_channel: PaymentChannel = "simulated"


class ConfirmSale(Command, frozen=True, kw_only=True):
    """The order says: this claim is paid (F6: perhaps late). The sale answers it once and for all: the
    order is told to accept, or to refund.
    """

    claim_id: str
    order_id: str
    payment_id: str


class PaymentFailed(Command, frozen=True, kw_only=True):
    """The order says: the payment failed. The claim is held again until its hold runs out."""

    claim_id: str
    order_id: str


class OrderClosed(Command, frozen=True, kw_only=True):
    """The order says: the payment is closed for good, so the stock is free.

    ``cancelled`` is true when the diner cancelled the order, false when the hold had run out.
    """

    claim_id: str
    order_id: str
    cancelled: bool = False


class GetSale(Query, frozen=True, kw_only=True):
    """The sale as anyone may see it: SaleView."""


class GetClaim(Query, frozen=True, kw_only=True):
    """One claim: ClaimView. With ``user_id``, only that diner's own; others look like unknown ones."""

    claim_id: str
    user_id: str = ""


class GetSoldOut(Query, frozen=True, kw_only=True):
    """Is nothing left for new claims, and who has claimed after the first ``after`` claims? (F9, for the edge)"""

    after: int = 0


class GetProof(Query, frozen=True, kw_only=True):
    """What has been published of the sale's fairness (F11, F12): Proof, ``limit`` lines after position
    ``after``.
    """

    after: Position = 0
    limit: Annotated[int, Meta(ge=1, le=PROOF_LINES_MAX)] = PROOF_LINES_MAX
