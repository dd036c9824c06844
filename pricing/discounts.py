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
            _take_off(workings, discount, *names[discount.line_id], [discount.line_id])


def discount_bill(workings: Workings) -> None:
    """Off all dishes, each in proportion."""
    for discount in workings.facts.discounts:
        if not discount.line_id:
            _take_off(workings, discount, "整单", "bill", list(workings.left_fen))


def _take_off(workings: Workings, discount: Discount, what: str, what_en: str, line_ids: list[str]) -> None:
    """An amount as it is; a share rounded down. Neither takes more than when it was given: that was allowed."""
    of_fen = sum(workings.left_fen[line_id] for line_id in line_ids)
    amount_fen = discount.amount_fen + of_fen * discount.permille // 1_000
    most_fen = amount_fen if discount.most_fen is None else discount.most_fen
    words = _words(discount, what, what_en, most_fen if most_fen < min(amount_fen, of_fen) else None)
    workings.take_off("manual", discount.discount_id, min(amount_fen, most_fen), words, line_ids)


def _words(discount: Discount, what: str, what_en: str, most_fen: int | None) -> Words:
    much = much_en = percent(discount.permille) if discount.permille else yuan(discount.amount_fen)
    if most_fen is not None:
        much, much_en = f"{much}，至多 {yuan(most_fen)}", f"{much_en}, at most {yuan(most_fen)},"
    return f"{what}优惠 {much}（{discount.reason}）", f"{what_en}: {much_en} off ({discount.reason})"
