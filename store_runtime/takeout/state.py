"""What an order remembers."""

from __future__ import annotations

import enum

import msgspec

from store_runtime.bill.payment import Payment
from store_runtime.store.orders.commands import LineNote
from store_runtime.takeout.bill import Bill
from store_runtime.takeout.commands import ChannelTerms


class OrderState(enum.StrEnum):
    """Where an order stands."""

    CREATED = "created"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FULFILLED = "fulfilled"


COOKING = ("held", "on_hold", "queued", "cooking", "cancel_requested", "ready", "served")
"""A line's states from first to last; one whose cancellation is asked for is at least cooking."""

BY_DINER = "by_diner"
PAYMENT_FAILED = "payment_failed"
HOLD_EXPIRED = "hold_expired"


class Riding(enum.StrEnum):
    """Where a delivery is (T12)."""

    ASSIGNED = "assigned"
    PICKED_UP = "picked_up"
    DELIVERED = "delivered"
    FAILED = "failed"


RIDES: dict[str, tuple[Riding, ...]] = {
    "": (Riding.ASSIGNED,),
    Riding.ASSIGNED: (Riding.ASSIGNED, Riding.PICKED_UP, Riding.FAILED),
    Riding.PICKED_UP: (Riding.DELIVERED, Riding.FAILED),
    Riding.FAILED: (Riding.ASSIGNED,),
    Riding.DELIVERED: (),
}
"""From a rider's state to the next ones; another may be assigned before the food has left, or after a failure."""


class ChannelOrder(msgspec.Struct, kw_only=True):
    """What an order of a channel (pickup, delivery, reservation) has beyond its bill.

    Args:
        terms: as it was placed.
        priced: the store holds its lines and has said what they cost; fired: they are in the kitchen.
        kitchen: how each line stands there, by its id.
        refunds: by the request that asked for one, what it came to.
        calls: how often its number was called; called_at (ms): when it was last.
    """

    terms: ChannelTerms
    closes_at: int
    priced: bool = False
    fired: bool = False
    number: str = ""
    promised_at: int = 0
    kitchen: dict[str, LineNote] = {}
    calls: int = 0
    called_at: int = 0
    riding: str = ""
    rider: str = ""
    ride_reason: str = ""
    refunds: dict[bytes, int] = {}


class Order(msgspec.Struct, kw_only=True):
    """One order. ``closed_early``: the sale asked to close it before it had arrived, and why. ``channel``: what it
    has beyond that when it is none of a claim.

    ``seq`` counts what an OrderView shows, without a gap.
    """

    placed: bool = False
    store_id: str = ""
    user_id: str = ""
    flash_sale_id: str = ""
    claim_id: str = ""
    fulfilment: str = ""
    created_at: int = 0
    status: OrderState = OrderState.CREATED
    reason: str = ""
    closed_early: str = ""
    bill: Bill = msgspec.field(default_factory=Bill)
    seq: int = 0
    channel: ChannelOrder | None = None

    @property
    def payment(self) -> Payment:
        """The payment; there is none before the store has priced a channel's order."""
        return self.bill.payments[0]

    @property
    def payable(self) -> bool:
        """The money may still come in time."""
        return bool(self.bill.payments) and self.payment.payable

    @property
    def kitchen_status(self) -> str | None:
        """As far as the least of its lines: on_hold, queued, cooking, ready, served; cancelled when all are."""
        if self.channel is None or not self.channel.kitchen:
            return None
        notes = self.channel.kitchen.values()
        going = [COOKING.index(note.status) for note in notes if note.status in COOKING]
        return COOKING[min(going)] if going else "cancelled"

    @property
    def cancelled_by_diner(self) -> bool:
        return self.status is OrderState.CANCELLED and self.reason == BY_DINER
