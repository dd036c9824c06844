"""What the phases write on: every amount with the rule, the words and the base it came from (★2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from pricing.facts import BillFacts
from pricing.shares import allocate

Phase = Literal[
    "activity",
    "item_promotion",
    "order_promotion",
    "manual",
    "coupon",
    "points",
    "fees",
    "boxes",
    "rounding",
]
"""M5: the order in which a bill is made. Exclusive activity (flash, group) → best of member price and item promotion
per line → 满减 → manual discount → coupon → points → fees → box and delivery → 抹零."""


Words = tuple[str, str]
"""The same said in Chinese and in English."""


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One amount of a bill that is not a dish, and why.

    Args:
        rule_id: what asked for it; text, text_en: in words.
        amount_fen: below zero takes off. base_fen: what it was reckoned on.
        by_line: how it falls on the lines, to the fen; empty where it falls on the bill as a whole.
    """

    phase: Phase
    rule_id: str
    text: str
    text_en: str
    amount_fen: int
    base_fen: int
    by_line: dict[str, int] = {}


class PricedLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line: ``amount_fen`` before and ``payable_fen`` after what was taken off, its boxes included."""

    line_id: str
    amount_fen: int
    discount_fen: int
    box_fen: int
    payable_fen: int
    text: str
    text_en: str


class PricedBill(msgspec.Struct, frozen=True, kw_only=True):
    """A bill. ``total_fen`` is the sum of the lines' amounts and all adjustments.

    ``dishes_fen`` is what thresholds look at: dishes after item prices, before order discounts. ``provisional``: some
    lines have no price yet, so that the bill cannot close (D5).
    """

    lines: tuple[PricedLine, ...]
    adjustments: tuple[Adjustment, ...]
    dishes_fen: int
    total_fen: int
    provisional: bool


class Workings:
    """A bill in the making. Phases read it and add adjustments; no line goes below zero."""

    def __init__(self, facts: BillFacts) -> None:
        self.facts = facts
        self.left_fen = {line.line_id: line.amount_fen for line in facts.lines}
        """What is still to be paid of each line."""
        self.boxes_fen = dict.fromkeys(self.left_fen, 0)
        self.adjustments: list[Adjustment] = []
        self.thresholds_fen = 0
        """What every threshold looks at; known once item prices stand (M5)."""

    @property
    def due_fen(self) -> int:
        """The dishes less what was taken off them so far."""
        return sum(self.left_fen.values())

    @property
    def provisional(self) -> bool:
        return any(line.provisional for line in self.facts.lines)

    @property
    def total_fen(self) -> int:
        """All there is so far."""
        return sum(line.amount_fen for line in self.facts.lines) + sum(
            adjustment.amount_fen for adjustment in self.adjustments
        )

    def take_off(
        self, phase: Phase, rule_id: str, amount_fen: int, words: Words, line_ids: Iterable[str] | None = None
    ) -> None:
        """Take an amount off these lines (None: all), at most what is left of them, off each in proportion."""
        named = self.left_fen if line_ids is None else line_ids
        over = {line_id: self.left_fen[line_id] for line_id in named if line_id in self.left_fen}
        base_fen = sum(over.values())
        taken_fen = min(amount_fen, base_fen)
        if taken_fen <= 0:
            return
        by_line = {line_id: -part for line_id, part in allocate(taken_fen, over).items() if part}
        for line_id, part in by_line.items():
            self.left_fen[line_id] += part
        self._add(phase, rule_id, -taken_fen, base_fen, words, by_line)

    def charge(self, phase: Phase, rule_id: str, amount_fen: int, base_fen: int, words: Words) -> None:
        """Add an amount to the bill as a whole."""
        if amount_fen > 0:
            self._add(phase, rule_id, amount_fen, base_fen, words, {})

    def charge_boxes(self, rule_id: str, by_line: dict[str, int], words: Words) -> None:
        """Add what the packing of each line costs."""
        for line_id, part in by_line.items():
            self.boxes_fen[line_id] += part
        if amount_fen := sum(by_line.values()):
            self._add("boxes", rule_id, amount_fen, amount_fen, words, by_line)

    def take_off_total(self, rule_id: str, amount_fen: int, words: Words) -> None:
        """Take an amount off the end of the bill, at most all of it."""
        total_fen = self.total_fen
        if (taken_fen := min(amount_fen, total_fen)) > 0:
            self._add("rounding", rule_id, -taken_fen, total_fen, words, {})

    def _add(
        self,
        phase: Phase,
        rule_id: str,
        amount_fen: int,
        base_fen: int,
        words: Words,
        by_line: dict[str, int],
    ) -> None:
        self.adjustments.append(
            Adjustment(
                phase=phase,
                rule_id=rule_id,
                text=words[0],
                text_en=words[1],
                amount_fen=amount_fen,
                base_fen=base_fen,
                by_line=by_line,
            )
        )
