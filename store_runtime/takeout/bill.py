"""The bill: lines and payments. Its status is derived from them and never set (§ 0)."""

from __future__ import annotations

from typing import Literal

import msgspec

from store_runtime.takeout.payment import Payment

MoneyStatus = Literal["open", "part_paid", "settled", "over_paid", "part_refunded", "refunded", "void"]


class Line(msgspec.Struct, kw_only=True):
    """One line. ``cancelled``: nothing is owed for it any more."""

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    cancelled: bool = False

    @property
    def amount_fen(self) -> int:
        return self.quantity * self.unit_price_fen


class Bill(msgspec.Struct, kw_only=True):
    """What is owed, what came, what went back."""

    lines: list[Line] = []
    payments: list[Payment] = []

    @property
    def total_fen(self) -> int:
        """What the lines that stand cost."""
        return sum(line.amount_fen for line in self.lines if not line.cancelled)

    @property
    def paid_fen(self) -> int:
        """What came in, whether or not it went back."""
        return sum(payment.received_fen for payment in self.payments)

    @property
    def refunded_fen(self) -> int:
        """What went back."""
        return sum(payment.refunded_fen for payment in self.payments)

    @property
    def due_fen(self) -> int:
        """What is still owed; below zero when too much came."""
        return self.total_fen - self.paid_fen + self.refunded_fen

    @property
    def money_status(self) -> MoneyStatus:
        """open, part_paid, settled, over_paid, part_refunded, refunded, void."""
        paid, refunded, due = self.paid_fen, self.refunded_fen, self.due_fen
        if refunded:
            return "refunded" if refunded == paid else "part_refunded"
        if due < 0:
            return "over_paid"
        if all(line.cancelled for line in self.lines):
            return "void"
        if due == 0:
            return "settled"
        return "part_paid" if paid else "open"
