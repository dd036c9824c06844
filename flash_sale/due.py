"""What is due at a moment, and where freed stock goes. Reads the sale and answers events; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.words import Event
from flash_sale.claim import ClaimState
from flash_sale.commands import QUANTITY_MAX
from flash_sale.draw import draw
from flash_sale.events import (
    DrawHeld,
    HoldExpired,
    Offered,
    SaleEnded,
    SaleStarted,
    StockReturned,
    WaitingLetGo,
)
from flash_sale.holds import run_out
from flash_sale.state import Sale
from flash_sale.waitlist import offers


def events(sale: Sale, at: int) -> Iterator[Event]:
    """The start, then the draw, the end, or holds that ran out; the deadline stays due while there is
    more.

    The end comes before holds that ran out with it: after a long silence nobody gets a hold in a sale
    that is over. A draw that was promised is held all the same, and its winners may pay.
    """
    if not sale.started and not sale.ended and at >= sale.starts_at:
        yield SaleStarted()
    if sale.draw_open and not sale.ended and at >= sale.draw_ends_at:
        yield DrawHeld(entries_digest=sale.sequence_hash)
    elif not sale.ended and at >= sale.ends_at:
        yield from ending(sale, SaleEnded(reason="time"))
    else:
        expired, freed = run_out(sale, at)
        yield from expired
        if freed:
            yield from free(sale, freed, at)


def let_go(sale: Sale, sold: int, at: int) -> Iterator[Event]:
    """Once ``sold`` more are sold, who waits for more than can still come back is let go, and who waited behind them
    gets what is left (F4), all in the decision that sells.
    """
    above = sale.unsold - sold
    if sale.waiting and sale.waitlist.most_wanted(sale.claims) > above:
        yield WaitingLetGo(above=above)
        yield from free(sale, 0, at, above=above)


def free(sale: Sale, quantity: int, at: int, leaving: str = "", above: int = QUANTITY_MAX) -> Iterator[Event]:
    """Stock that becomes free: to the waitlist in the same decision (F4); once over, back to the dish (F10).

    ``leaving`` gives up its place in the waitlist in this very decision, and so does who wants more than ``above``.
    """
    if sale.ended:
        if quantity:
            yield StockReturned(quantity=quantity)
    elif at >= sale.ends_at:
        yield from ending(sale, SaleEnded(reason="time"), quantity)
    elif sale.waiting:
        line = (
            (claim_id, wanted)
            for claim_id, wanted in sale.waitlist.in_line(sale.claims)
            if claim_id != leaving and wanted <= above
        )
        yield from offers(line, sale.left + quantity, sale.expires_at(at))


def ending(sale: Sale, ended: SaleEnded, freed: int = 0) -> Iterator[Event]:
    """The end, and what nobody holds goes back to the dish (F10)."""
    yield ended
    if sale.left + freed:
        yield StockReturned(quantity=sale.left + freed)


def outlook(sale: Sale, happened: Sequence[Event]) -> tuple[int, int, bool]:
    """What is left, how many wait, and whether claims are entries, once ``happened`` has happened to the
    sale.
    """
    left, waiting = sale.left, sale.waiting
    for event in happened:
        match event:
            case DrawHeld():
                drawn = draw(sale, event.entries_digest)
                held = [sale.claims[one.claim_id].quantity for one in drawn if one.state is ClaimState.HELD]
                waiting = sum(one.state is ClaimState.WAITING for one in drawn)
                return left - sum(held), waiting, False
            case HoldExpired():
                left += sale.claims[event.claim_id].quantity
            case Offered():
                left -= sale.claims[event.claim_id].quantity
                waiting -= 1
    return left, waiting, sale.draw_open
