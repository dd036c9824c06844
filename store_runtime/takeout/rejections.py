"""Why an order says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.rejections import IllegalTransition, InvalidField


class OrderNotFound(Rejection):
    """There is no such order of this diner."""

    status: ClassVar[int] = 404


class PaymentNotFound(Rejection):
    """There is no such payment of this diner."""

    status: ClassVar[int] = 404


__all__ = ["IllegalTransition", "InvalidField", "OrderNotFound", "PaymentNotFound"]
