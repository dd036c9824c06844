"""What must always hold of a flash sale, whatever happened (F1, F2, F4, F10): for tests, simulation and
audit.

``violations`` looks at every claim; ``cheap_violations`` at the sums only, so that it can run after every
step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flash_sale.claim import ClaimState
from flash_sale.claims import ClaimRecord
from flash_sale.state import NUMBER_BITS, NUMBER_MASK, Sale, hold_entry

COUNTED_STATES = (
    ClaimState.ENTERED,
    ClaimState.WAITING,
    ClaimState.HELD,
    ClaimState.PAYING,
    ClaimState.SOLD,
)
"""States that count for the limit per diner."""


def cheap_violations(sale: Sale) -> list[str]:
    """What the sums contradict; empty when they hold. Costs the same whatever the number of claims."""
    return list(_sums(sale)) if sale.opened else []


def violations(sale: Sale) -> list[str]:
    """What the claims contradict; empty when all holds."""
    if not sale.opened:
        return ["claims in a sale that was never opened"] if len(sale.claims) else []
    return [*_sums(sale), *_counts(sale), *_diners(sale), *_line(sale), *_holds(sale)]


def _sums(sale: Sale) -> Iterator[str]:
    kept = sale.left + sale.held + sale.paying + sale.sold + sale.returned
    if kept != sale.stock:
        yield f"F1: left, held, paying, sold and returned are {kept} of {sale.stock}"
    for name in ("left", "held", "paying", "sold", "returned", "entered"):
        if getattr(sale, name) < 0:
            yield f"F1: {name} is {getattr(sale, name)}"
    if sale.waitlist.size < 0 or sale.waitlist.size > sale.waitlist.length:
        yield f"F4: {sale.waitlist.size} wait on {sale.waitlist.length} places"
    if sale.ended and (sale.left or sale.waiting or sale.entered):
        yield f"F10: ended with {sale.left} left, {sale.waiting} waiting, {sale.entered} entered"
    if sale.draw_open and (sale.waiting or sale.held or sale.paying or sale.sold):
        yield "F11: holds or waits before the draw"
    if sale.waiting and not sale.ended:
        head = sale.claims[sale.waitlist.claim_ids[sale.waitlist.first]]
        if head.state is not ClaimState.WAITING:
            yield f"F4: the head of the waitlist is {head.state.value}"


def _counts(sale: Sale) -> Iterator[str]:
    quantities: Counter[ClaimState] = Counter()
    claims: Counter[ClaimState] = Counter()
    for claim in sale.claims.values():
        quantities[claim.state] += claim.quantity
        claims[claim.state] += 1
    for name, counted in (
        ("held", quantities[ClaimState.HELD]),
        ("paying", quantities[ClaimState.PAYING]),
        ("sold", quantities[ClaimState.SOLD]),
        ("waiting", claims[ClaimState.WAITING]),
        ("entered", claims[ClaimState.ENTERED]),
    ):
        if getattr(sale, name) != counted:
            yield f"F1: {name} says {getattr(sale, name)}, the claims say {counted}"
    bought = [claim.order_id for claim in sale.claims.values() if claim.state is ClaimState.SOLD]
    if sale.refused.keys() & set(bought):
        yield f"F6: sold to orders that were refused: {sorted(sale.refused.keys() & set(bought))}"
    if len(bought) != len(set(bought)):
        yield "F1: one order bought two claims"
    if len(set(sale.claims)) != len(sale.claims):
        yield "F12: a claim stands in the sequence twice"


def _diners(sale: Sale) -> Iterator[str]:
    taken: Counter[str] = Counter()
    for claim in sale.claims.values():
        if claim.state in COUNTED_STATES:
            taken[claim.user_id] += claim.quantity
    counted = dict(sale.taken.items())
    if taken != counted:
        wrong = sorted(set(taken.items()) ^ set(counted.items()))
        yield f"F2: what diners have taken is counted wrongly: {wrong[:3]}"


def _line(sale: Sale) -> Iterator[str]:
    line = [sale.claims[claim_id] for claim_id, _ in sale.waitlist.in_line(sale.claims)]
    places = [claim.place for claim in line]
    if places != sorted(set(places)):
        yield "F4: the waitlist is out of order"
    if len(line) != sale.waiting:
        yield f"F4: {len(line)} stand in line, {sale.waiting} wait"
    most = sale.waitlist.most_wanted(sale.claims)
    if most != max((claim.quantity for claim in line), default=0):
        yield f"F4: the waitlist says that {most} is the most somebody waits for"
    if most > sale.unsold and not sale.ended:
        yield f"F4: somebody waits for {most}, and all that can come back is {sale.unsold}"
    if line and line[0].quantity <= sale.left:
        yield f"F4: the head waits for {line[0].quantity} while {sale.left} are left"


def _holds(sale: Sale) -> Iterator[str]:
    entries = set(sale.holds)
    for claim_id, claim in sale.claims.items():
        if claim.state in (ClaimState.HELD, ClaimState.PAYING):
            if hold_entry(claim.release_at, claim.number) not in entries:
                yield f"F4: the hold of {claim_id} would never run out"
            if claim.release_at < claim.expires_at + sale.grace_ms:
                yield f"F4: the hold of {claim_id} would run out before it was promised"
        elif claim.release_at:
            yield f"F4: {claim_id} is {claim.state.value} and has a hold"
    if any(sale.holds[(index - 1) // 2] > entry for index, entry in enumerate(sale.holds) if index):
        yield "F4: the heap of holds is out of order"
    if sale.holds and _next_hold(sale).release_at != sale.holds[0] >> NUMBER_BITS:
        yield "F4: the next hold to run out is one that was let go"


def overdue(sale: Sale, at: int, wake_lag_ms: int) -> list[str]:
    """Holds kept past their time although the reminder is not later than ``wake_lag_ms``."""
    if sale.holds and (release_at := sale.holds[0] >> NUMBER_BITS) + wake_lag_ms < at:
        late = sale.claims.id_of(_next_hold(sale))
        return [f"F4: the hold of {late} should have run out {at - release_at} ms ago"]
    return []


def _next_hold(sale: Sale) -> ClaimRecord:
    return sale.claims.at(sale.holds[0] & NUMBER_MASK)
