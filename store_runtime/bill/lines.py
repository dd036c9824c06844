"""What happens to lines after they were ordered: off, on the house, weighed, taken back (O3, O4, D5, T8)."""

from __future__ import annotations

from collections.abc import Iterable

from store_runtime.bill.events import (
    LineComped,
    LineOff,
    LineRefunded,
    LinesBilled,
    LineWeighed,
)
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.rejections import (
    IllegalTransition,
    InvalidField,
    LineNotFound,
    LineUnconfirmed,
    OverRefund,
)
from store_runtime.bill.state import MILLI, BillLine, Portion, Share
from store_runtime.by import By
from store_runtime.store.orders.projections import PlacedLine

REFUNDED = "line_refunded"


def bill_lines(placed: Iterable[PlacedLine], round_no: int) -> tuple[BillLine, ...]:
    """Lines of a round as the bill keeps them."""
    return tuple(
        BillLine(
            line_id=line.line_id,
            round_no=round_no,
            dish_id=line.dish_id,
            name=line.name,
            name_en=line.name_en,
            options_text=line.options_text,
            quantity=line.quantity,
            unit_price_fen=line.unit_price_fen,
            box_fen=line.box_fen,
            provisional=line.provisional,
            market=line.market,
            divisible=line.divisible,
        )
        for line in placed
    )


def enter(ledger: Ledger, lines: tuple[BillLine, ...], *, own_share: bool = False) -> None:
    """A round stands on the bill. ``own_share``: it is paid by itself: pay-first (T5)."""
    share = None
    if own_share:
        portions = tuple(Portion(line_id=line.line_id) for line in lines)
        share = Share(share_id=ledger.next_share_id(), portions=portions)
    ledger.add(LinesBilled(lines=lines, share=share))
    # More dishes can make a bill cheaper, where they fill a minimum and a discount takes them off.
    ledger.settle_up()


def line_of(ledger: Ledger, line_id: str) -> BillLine:
    """A line of this bill."""
    line = ledger.bill.lines.get(line_id)
    if line is None:
        raise LineNotFound()
    return line


def take_off(ledger: Ledger, line_id: str, cancelled: int) -> None:
    """So many of it are cancelled by now; money that is over goes back. Heard twice it changes nothing."""
    line = ledger.bill.lines.get(line_id)
    if line is None or cancelled <= line.cancelled:
        return
    ledger.add(LineOff(line_id=line_id, cancelled=min(cancelled, line.quantity - line.refunded)))
    ledger.settle_up("cancelled")


def comp(ledger: Ledger, line_id: str, quantity: int, reason: str, by: By) -> int:
    """赠菜: so many of it cost nothing, stay sold, and count to no threshold (O3). What they cost until now."""
    line = line_of(ledger, line_id)
    if line.provisional:
        raise LineUnconfirmed(line_ids=[line_id])
    if quantity > line.charged:
        raise OverRefund(line_id=line_id, left=line.charged)
    ledger.add(LineComped(line_id=line_id, quantity=quantity, reason=reason, by=by))
    ledger.settle_up("comped", by)
    return line.amount_fen - ledger.bill.lines[line_id].amount_fen


def money_back_fen(ledger: Ledger, quantities: dict[str, int]) -> int:
    """So much would be over if so many of these lines were off: it goes back, now or when the bill is closed."""
    tried = Ledger(ledger.bill, ledger.owner_id, ledger.at)
    for line_id, quantity in quantities.items():
        line = line_of(tried, line_id)
        tried.add(LineOff(line_id=line_id, cancelled=line.cancelled + min(quantity, line.standing)))
    return max(0, -tried.due_fen) - max(0, -ledger.due_fen)


def weigh(ledger: Ledger, line_id: str, by: By, weight_milli: int = 0, unit_price_fen: int = 0) -> int:
    """Weight or price is known: the line can be paid (D5). Weighed again before anything is paid, it is corrected.

    Args:
        weight_milli: of the whole line, in thousandths of the dish's unit; 0: a market dish by the piece.
        unit_price_fen: of one unit, where the market makes it; 0: the price it was ordered at.

    Returns what that gives away, in fen: the price that was asked for less than the one that guests were shown.
    """
    line = line_of(ledger, line_id)
    if not line.provisional and (line.priced_fen is None or ledger.bill.applied):
        raise IllegalTransition(state="confirmed", allowed=["comp", "discount"])
    if unit_price_fen and not line.market:
        raise InvalidField(path="$.unit_price_fen", problem="only of a market dish: this one has its price")
    if not weight_milli and not line.market:
        raise InvalidField(path="$.weight_milli", problem="the weight of the whole line, above 0")
    if not weight_milli and not unit_price_fen:
        raise InvalidField(path="$.unit_price_fen", problem="the price of the day, above 0")
    price_fen = unit_price_fen or line.guide_price_fen
    whole_fen, shown_fen = (
        _of_weight(each_fen, weight_milli) if weight_milli else each_fen * line.quantity
        for each_fen in (price_fen, line.guide_price_fen)
    )
    ledger.add(
        LineWeighed(
            line_id=line_id,
            unit_price_fen=price_fen,
            priced_fen=whole_fen,
            weight_milli=weight_milli,
            by=by,
        )
    )
    ledger.settle_up("weighed", by)
    return max(0, shown_fen - whole_fen)


def _of_weight(price_fen: int, weight_milli: int) -> int:
    """Half a fen goes up."""
    return (price_fen * weight_milli + MILLI // 2) // MILLI


def take_as_shown(ledger: Ledger, by: By) -> None:
    """What nobody weighed counts as it was shown to guests: so that who gives it up is judged by something (T11)."""
    for line_id in ledger.bill.unconfirmed:
        line = ledger.bill.lines[line_id]
        as_shown = LineWeighed(
            line_id=line_id,
            unit_price_fen=line.unit_price_fen,
            priced_fen=line.unit_price_fen * line.quantity,
            by=by,
        )
        ledger.add(as_shown)


def refund(ledger: Ledger, line_id: str, quantity: int, reason: str, by: By) -> int:
    """So many of a paid line are taken back: old payable − new payable, at least 0 (O4): that much, in fen.

    It goes back as far as it was paid; the rest of it is no longer asked for.
    """
    line = line_of(ledger, line_id)
    if line.provisional:
        raise LineUnconfirmed(line_ids=[line_id])
    if not ledger.bill.applied_fen:
        raise IllegalTransition(state=ledger.bill.status(ledger.at), allowed=["cancel", "comp"])
    if quantity > line.charged:
        raise OverRefund(line_id=line_id, left=line.charged)
    before_fen = ledger.priced.total_fen
    taken_back = LineRefunded(line_id=line_id, quantity=quantity, reason=reason, by=by)
    tried = Ledger(ledger.bill, ledger.owner_id, ledger.at)
    tried.add(taken_back)
    # A threshold that is missed now may make the rest dearer: that is not asked for.
    forgiven_fen = max(0, tried.priced.total_fen - before_fen)
    ledger.add(
        LineRefunded(line_id=line_id, quantity=quantity, reason=reason, forgiven_fen=forgiven_fen, by=by)
    )
    ledger.settle_up(REFUNDED, by)
    return before_fen - ledger.priced.total_fen
