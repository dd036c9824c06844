"""Why an order says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.bill.rejections import OverRefund, PaymentNotFound
from store_runtime.rejections import IllegalTransition, InvalidField


class OrderNotFound(Rejection):
    """There is no such order of this diner."""

    status: ClassVar[int] = 404


class MinimumNotReached(Rejection):
    """The dishes cost less than the store delivers for (T12)."""

    hint: ClassVar[str] = "Add dishes for missing_fen more."

    min_order_fen: int
    subtotal_fen: int
    missing_fen: int


class NotPriced(Rejection):
    """A dish of the order is weighed or priced by the market: what it costs is not known before it is served."""

    hint: ClassVar[str] = "Leave out the lines that line_ids names, or order them at a table."

    line_ids: list[str]


class RefundChanged(Rejection):
    """The refund comes to another amount by now; nothing went back."""

    hint: ClassVar[str] = "Look at amount_fen and send the refund again."

    amount_fen: int


__all__ = [
    "IllegalTransition",
    "InvalidField",
    "MinimumNotReached",
    "NotPriced",
    "OrderNotFound",
    "OverRefund",
    "PaymentNotFound",
    "RefundChanged",
]
