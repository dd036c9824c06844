"""打包盒费 and 配送费: what it costs to leave the house; not discounted, and refunded with its dish (T12, T19)."""

from __future__ import annotations

from pricing.texts import yuan
from pricing.workings import Workings


def charge_boxes(workings: Workings) -> None:
    """The boxes of the dishes, then the one of the order. A dish that was given (赠菜) costs no box either."""
    facts = workings.facts
    if not facts.packed:
        return
    by_line = {
        line.line_id: line.quantity * line.box_fen for line in facts.lines if line.quantity * line.box_fen
    }
    boxes = sum(line.quantity for line in facts.lines if line.box_fen)
    workings.charge_boxes("box", by_line, (f"打包盒 {boxes} 个", f"boxes: {boxes}"))
    if any(line.quantity for line in facts.lines):
        fen = facts.terms.box_per_order_fen
        workings.charge("boxes", "box_per_order", fen, fen, ("整单打包费", "packing of the order"))


def charge_delivery(workings: Workings) -> None:
    """What bringing it was quoted at."""
    fen = workings.facts.delivery_fen
    workings.charge("boxes", "delivery", fen, fen, (f"配送费 {yuan(fen)}", f"delivery: {yuan(fen)}"))
