"""What an order remembers."""

from __future__ import annotations

import enum

import msgspec

from store_runtime.takeout.bill import Bill
from store_runtime.takeout.payment import Payment


class OrderState(enum.StrEnum):
    """Where an order stands."""

    CREATED = "created"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FULFILLED = "fulfilled"


BY_DINER = "by_diner"
PAYMENT_FAILED = "payment_failed"
HOLD_EXPIRED = "hold_expired"


class Order(msgspec.Struct, kw_only=True):
    """One order. ``closed_early``: the sale asked to close it before it had arrived, and why.

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

    @property
    def payment(self) -> Payment:
        """The payment of the claim."""
        return self.bill.payments[0]

    @property
    def cancelled_by_diner(self) -> bool:
        return self.status is OrderState.CANCELLED and self.reason == BY_DINER
