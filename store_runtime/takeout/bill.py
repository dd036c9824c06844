"""The bill: lines and payments. Its status is derived from them and never set (§ 0)."""

from __future__ import annotations

from typing import Literal

import msgspec

from store_runtime.delivery.projections import Fee
from store_runtime.takeout.payment import Payment

MoneyStatus = Literal["open", "part_paid", "settled", "over_paid", "part_refunded", "refunded", "void"]


class Line(msgspec.Struct, kw_only=True):
    """One line. ``cancelled``: nothing is owed for it any more; ``refunded``: nor for so many of it (O4).

    ``box_fen`` packs one of it; it is not discounted and goes back with its dish (T19).
    """

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    cancelled: bool = False
    name_en: str = ""
    options_text: str = ""
    box_fen: int = 0
    refunded: int = 0

    @property
    def standing(self) -> int:
        """How many of it are still owed for."""
        return 0 if self.cancelled else self.quantity - self.refunded

    @property
    def amount_fen(self) -> int:
        """What it cost when it was ordered."""
        return self.quantity * self.unit_price_fen


class Bill(msgspec.Struct, kw_only=True):
    """What is owed, what came, what went back."""

    lines: list[Line] = []
    payments: list[Payment] = []
    delivery: Fee | None = None

    @property
    def title(self) -> str:
        """What a list calls it.

        >>> noodles = Line(line_id="1", dish_id="n", name="凉面", quantity=2, unit_price_fen=1)
        >>> Bill(lines=[noodles]).title, Bill(lines=[noodles, noodles]).title
        ('凉面', '凉面 等 4 件')
        """
        first, *others = self.lines
        return f"{first.name} 等 {sum(line.quantity for line in self.lines)} 件" if others else first.name

    @property
    def subtotal_fen(self) -> int:
        """Dishes that stand, after item prices: what thresholds look at (M5)."""
        return sum(line.standing * line.unit_price_fen for line in self.lines)

    @property
    def box_fen(self) -> int:
        """Packing of the dishes that stand (T19)."""
        return sum(line.standing * line.box_fen for line in self.lines)

    @property
    def delivery_fen(self) -> int:
        """The fee of the quote (T12), while anything is delivered."""
        if self.delivery is None or not any(line.standing for line in self.lines):
            return 0
        return self.delivery.of(self.subtotal_fen)

    @property
    def total_fen(self) -> int:
        """What the lines that stand cost, with boxes and delivery."""
        return self.subtotal_fen + self.box_fen + self.delivery_fen

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
        if not any(line.standing for line in self.lines):
            return "void"
        if due == 0:
            return "settled"
        return "part_paid" if paid else "open"
