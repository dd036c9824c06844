"""Holds that run out (F4): a heap by the moment their stock becomes free, read here without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

from flash_sale.claim import ClaimState
from flash_sale.claims import ClaimRecord
from flash_sale.events import CloseAsked, HoldExpired
from flash_sale.state import NUMBER_BITS, NUMBER_MASK, Sale

EVENTS_MAX = 200
"""Events of one reminder, some 8 ms; if more is due, the sale is woken again at once."""

CLOSE_WAIT_MS = 60_000
"""How long a claim at checkout keeps its stock while its order closes the payment.

Channels can refuse a close, and a payment may be on its way: the hold is released once the order
confirms. After this time it is released without, and money that still comes is late (F6).
"""


def due(sale: Sale, at: int) -> Iterator[ClaimRecord]:
    """Claims whose hold has run out (grace included), the earliest first."""
    holds = sale.holds
    frontier = [(holds[0], 0)] if holds else []
    while frontier:
        entry, index = heappop(frontier)
        release_at = entry >> NUMBER_BITS
        if release_at > at:
            return
        for child in (2 * index + 1, 2 * index + 2):
            if child < len(holds):
                heappush(frontier, (holds[child], child))
        claim = sale.claims.at(entry & NUMBER_MASK)
        if claim.release_at == release_at:
            yield claim


def run_out(sale: Sale, at: int) -> tuple[list[HoldExpired | CloseAsked], int]:
    """The events of the holds that have run out, and the stock they free.

    A claim at checkout first has its order asked to close the payment; it frees nothing yet. Stops while
    there is room for the waitlist's offers: whatever is freed is offered in the same decision.
    """
    events: list[HoldExpired | CloseAsked] = []
    freed = 0
    for claim in due(sale, at):
        if len(events) + freed + claim.quantity >= EVENTS_MAX:
            break
        claim_id = sale.claims.id_of(claim)
        if claim.state is ClaimState.PAYING and not claim.closing:
            events.append(CloseAsked(claim_id=claim_id, release_at=at + CLOSE_WAIT_MS))
        else:
            events.append(HoldExpired(claim_id=claim_id))
            freed += claim.quantity
    return events, freed
