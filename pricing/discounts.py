"""人工优惠: what staff take off by hand, a line's first, then the whole bill's (M7)."""

from __future__ import annotations

from pricing.facts import Discount
from pricing.texts import percent, yuan
from pricing.workings import Words, Workings


def discount_lines(workings: Workings) -> None:
    """Off single lines."""
    names = {line.line_id: (line.name, line.name_en) for line in workings.facts.lines}
    for discount in workings.facts.discounts:
        if discount.line_id in names:
            of = workings.left_fen[discount.line_id]
            words = _words(discount, *names[discount.line_id])
            workings.take_off(
                "manual", discount.discount_id, _amount_fen(discount, of), words, [discount.line_id]
            )


def discount_bill(workings: Workings) -> None:
    """Off all dishes, each in proportion."""
    for discount in workings.facts.discounts:
        if not discount.line_id:
            amount_fen = _amount_fen(discount, workings.due_fen)
            workings.take_off("manual", discount.discount_id, amount_fen, _words(discount, "整单", "bill"))


def _amount_fen(discount: Discount, of_fen: int) -> int:
    """An amount as it is; a share rounded down, so that nobody is given more than was allowed."""
    return discount.amount_fen + of_fen * discount.permille // 1_000


def _words(discount: Discount, what: str, what_en: str) -> Words:
    much = percent(discount.permille) if discount.permille else yuan(discount.amount_fen)
    return f"{what}优惠 {much}（{discount.reason}）", f"{what_en}: {much} off ({discount.reason})"
