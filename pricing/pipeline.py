"""(facts) → bill. The phases of M5 in their order; each is a list of functions that write on the workings.

A phase without functions is a seam: what fills it adds its functions to the list and its facts to BillFacts, and
changes nothing else here. Everything is pure: the same facts make the same bill, to the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pricing.boxes import charge_boxes, charge_delivery
from pricing.discounts import discount_bill, discount_lines
from pricing.facts import BillFacts, LineFacts
from pricing.fees import charge_fees
from pricing.rounding import forgive, round_down
from pricing.texts import thousandths, yuan
from pricing.workings import Phase, PricedBill, PricedLine, Workings

Step = Callable[[Workings], None]


def fix_item_prices(workings: Workings) -> None:
    """From here on thresholds look at what the dishes come to now, so that a coupon never raises a bill (M5)."""
    workings.thresholds_fen = workings.due_fen


PHASES: tuple[tuple[Phase, tuple[Step, ...]], ...] = (
    ("activity", ()),  # the price of a flash sale or a group, which goes with nothing else
    (
        "item_promotion",
        (fix_item_prices,),
    ),  # before it: the best of member price and item promotion, per line
    ("order_promotion", ()),  # 满减
    ("manual", (discount_lines, discount_bill)),
    ("coupon", ()),
    ("points", ()),
    ("fees", (charge_fees,)),
    ("boxes", (charge_boxes, charge_delivery)),
    ("rounding", (round_down, forgive)),
)


def work_out(facts: BillFacts, phases: Sequence[tuple[Phase, Sequence[Step]]] = PHASES) -> Workings:
    """The sums alone, without the words of the lines: for whoever asks only what is due."""
    workings = Workings(facts)
    for _, steps in phases:
        for step in steps:
            step(workings)
    return workings


def price_bill(facts: BillFacts, phases: Sequence[tuple[Phase, Sequence[Step]]] = PHASES) -> PricedBill:
    """The bill that follows from the facts."""
    workings = work_out(facts, phases)
    return PricedBill(
        lines=tuple(_line(workings, line) for line in facts.lines),
        adjustments=tuple(workings.adjustments),
        dishes_fen=workings.thresholds_fen,
        total_fen=workings.total_fen,
        provisional=workings.provisional,
    )


def _line(workings: Workings, line: LineFacts) -> PricedLine:
    left_fen, box_fen = workings.left_fen[line.line_id], workings.boxes_fen[line.line_id]
    much = thousandths(line.weight_milli) if line.weight_milli else line.quantity
    text = f"{line.name} {much} × {yuan(line.unit_price_fen)}"
    text_en = f"{line.name_en}: {much} × {yuan(line.unit_price_fen)}"
    if line.comped:
        text, text_en = f"{text}，赠 {line.comped}", f"{text_en}, {line.comped} on the house"
    if line.provisional:
        text, text_en = f"{text}（待确认）", f"{text_en} (to be confirmed)"
    return PricedLine(
        line_id=line.line_id,
        amount_fen=line.amount_fen,
        discount_fen=line.amount_fen - left_fen,
        box_fen=box_fen,
        payable_fen=left_fen + box_fen,
        text=text,
        text_en=text_en,
    )
