"""The bill: lines and payments. Its status is derived from them and never set (§ 0)."""

from __future__ import annotations

from typing import Literal

import msgspec

from pricing.facts import BillFacts, BillTerms, LineFacts
from pricing.pipeline import price_bill
from pricing.workings import PricedBill
from store_runtime.bill.payment import Payment
from store_runtime.delivery.projections import Fee

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

    @property
    def facts(self) -> LineFacts:
        """As it is priced."""
        return LineFacts(
            line_id=self.line_id,
            name=self.name,
            name_en=self.name_en or self.name,
            quantity=self.standing,
            unit_price_fen=self.unit_price_fen,
            amount_fen=self.standing * self.unit_price_fen,
            box_fen=self.box_fen,
        )


class Bill(msgspec.Struct, kw_only=True):
    """What is owed, what came, what went back."""

    lines: list[Line] = []
    payments: list[Payment] = []
    packed: bool = False
    terms: BillTerms = BillTerms()
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

    def priced(self) -> PricedBill:
        """The bill with every fen explained (★2); the fee of the quote is due while anything is delivered (T12)."""
        lines = tuple(line.facts for line in self.lines)
        dishes_fen = sum(line.amount_fen for line in lines)
        delivered = self.delivery is not None and any(line.quantity for line in lines)
        fee_fen = self.delivery.of(dishes_fen) if self.delivery is not None and delivered else 0
        return price_bill(BillFacts(lines=lines, terms=self.terms, packed=self.packed, delivery_fen=fee_fen))

    @property
    def total_fen(self) -> int:
        """What the lines that stand cost, with boxes and delivery."""
        return self.priced().total_fen

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
