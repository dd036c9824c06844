"""What is true of a flash sale, in the order it happened. Who claimed is kept here and never published.

A claim's events in the order of a visit: Claimed | JoinedWaitlist | Entered → Offered → CheckedOut → Sold; or
HoldExpired, Released on the way out.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from actors.words import Event


class SaleOpened(Event, frozen=True, kw_only=True):
    """The sale exists. ``seed`` decides a draw; only its hash is shown before (F11)."""

    store_id: str
    dish_id: str
    dish_name: str
    title: str
    price_fen: int
    stock: int
    per_user_limit: int
    starts_at: int
    ends_at: int
    hold_seconds: int
    grace_ms: int
    policy: str
    draw_window_ms: int
    draw_ends_at: int
    entry_required: bool
    seed: bytes


class SaleChanged(Event, frozen=True, kw_only=True):
    """Staff changed the sale; the values that hold from now on."""

    title: str
    price_fen: int
    starts_at: int
    ends_at: int
    per_user_limit: int
    hold_seconds: int
    draw_window_ms: int
    draw_ends_at: int
    entry_required: bool


class SaleStarted(Event, frozen=True, kw_only=True):
    """Its time had come (F7)."""


class SaleEnded(Event, frozen=True, kw_only=True):
    """No more holds are given: entries are not drawn, the waitlist is let go, holds stay payable."""

    outward: ClassVar[bool] = True

    reason: Literal["time", "stopped"]
    note: str = ""


class Claimed(Event, frozen=True, kw_only=True):
    """A claim got its hold at once."""

    claim_id: str
    user_id: str
    quantity: int
    expires_at: int
    wait: bool = False


class JoinedWaitlist(Event, frozen=True, kw_only=True):
    """Nothing was left for this claim, and it asked to wait."""

    claim_id: str
    user_id: str
    quantity: int


class Entered(Event, frozen=True, kw_only=True):
    """A claim takes part in the draw."""

    claim_id: str
    user_id: str
    quantity: int
    wait: bool = False


class DrawHeld(Event, frozen=True, kw_only=True):
    """The draw took place over all entries; its outcome follows from seed and digest (``draw.py``)."""

    entries_digest: bytes


class Offered(Event, frozen=True, kw_only=True):
    """The head of the waitlist got the hold that became free (F4)."""

    claim_id: str
    expires_at: int


class WaitingLetGo(Event, frozen=True, kw_only=True):
    """Claims that wait for more than ``above`` were let go: that is all that can still come back (F4)."""

    above: int


class CheckedOut(Event, frozen=True, kw_only=True):
    """The diner went to pay; the hold was extended, once."""

    claim_id: str
    order_id: str
    fulfilment: str
    payment_channel: str
    expires_at: int


class CheckoutFailed(Event, frozen=True, kw_only=True):
    """The payment failed; the claim is held again until its hold runs out."""

    claim_id: str


class CloseAsked(Event, frozen=True, kw_only=True):
    """The hold of a claim at checkout ran out: the order is asked to close its payment first."""

    claim_id: str
    release_at: int


class HoldExpired(Event, frozen=True, kw_only=True):
    """The hold ran out; its stock is free."""

    claim_id: str


class Released(Event, frozen=True, kw_only=True):
    """The diner gave it back; ``order_id`` names the order to close when they were at checkout."""

    claim_id: str
    order_id: str = ""


class Sold(Event, frozen=True, kw_only=True):
    """Paid. ``late``: after the hold was gone, from stock that was left (F6)."""

    outward: ClassVar[bool] = True

    claim_id: str
    order_id: str
    payment_id: str
    late: bool = False


class SaleRefused(Event, frozen=True, kw_only=True):
    """Money came for a claim that could not be sold to this order any more; it is to be refunded (F6).

    A fact and not a rejection: a rejection is not remembered, and the same message, arriving again when
    stock is left, would then sell what has been refunded. ``reason`` is the code of what stood in the
    way.
    """

    claim_id: str
    order_id: str
    payment_id: str
    reason: str


class StockReturned(Event, frozen=True, kw_only=True):
    """Stock that nobody holds went back to the dish after the end (F10)."""

    quantity: int
