"""How what is due falls on shares (T7). Pure arithmetic; Σ shares = what is due, to the fen.

First the amounts that were named, then the portions of lines, then what is left, by weight. A share that is paid is
frozen, and one that is being paid keeps the amount of its payment; whatever changes on the bill changes only what is
left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import lcm

from pricing.shares import allocate
from pricing.workings import PricedBill
from store_runtime.bill.state import Bill, Share

REST = "rest"
"""The share of what nobody has taken: it exists as long as something is in it."""

_POOL = "~"  # sorts behind every share id


def share_amounts(bill: Bill, priced: PricedBill) -> dict[str, int]:
    """What every share comes to now, in fen; with REST when something is due that is nobody's."""
    frozen = {share.share_id: share.paid_fen for share in bill.shares.values() if share.paid_by}
    in_payment = {
        payment.share_id: payment.amount_fen for payment in bill.pending if payment.share_id not in frozen
    }
    in_payment.pop("", None)
    due_fen = priced.total_fen - bill.applied_fen - sum(in_payment.values())
    open_shares = [share for share in bill.shares.values() if share.share_id not in frozen | in_payment]
    pieces, unclaimed_fen = line_pieces(bill.shares.values(), priced)
    amounts = _divide(max(0, due_fen), open_shares, pieces, unclaimed_fen)
    return {**{key: (frozen | in_payment | amounts)[key] for key in bill.shares}, **_rest(amounts)}


def _rest(amounts: Mapping[str, int]) -> dict[str, int]:
    return {REST: amounts[REST]} if amounts.get(REST) else {}


def _divide(
    due_fen: int, shares: list[Share], pieces: Mapping[str, int], unclaimed_fen: int
) -> dict[str, int]:
    fixed = {share.share_id: share.fixed_fen for share in shares if share.fixed_fen}
    fixed_fen = sum(fixed.values())
    if fixed_fen > due_fen:
        # More was named than is due: everybody pays in proportion, and nothing is left.
        zeros = dict.fromkeys((share.share_id for share in shares), 0)
        return {**zeros, **allocate(due_fen, fixed)}
    due_fen -= fixed_fen
    by_line = {share.share_id: pieces[share.share_id] for share in shares if share.portions}
    pool_fen = due_fen
    if by_line:
        weights = {**by_line, _POOL: max(0, unclaimed_fen - fixed_fen)}
        if not any(weights.values()):
            weights = {**dict.fromkeys(by_line, 0), _POOL: 1}
        by_line = allocate(due_fen, weights)
        pool_fen = by_line.pop(_POOL)
    weighted = {share.share_id: share.weight for share in shares if share.weight}
    pool = allocate(pool_fen, weighted) if weighted else {REST: pool_fen}
    return {**fixed, **by_line, **pool}


def line_pieces(shares: Iterable[Share], priced: PricedBill) -> tuple[dict[str, int], int]:
    """What each share's portions of lines cost, and what of the lines is in no portion."""
    payable = {line.line_id: line.payable_fen for line in priced.lines}
    pieces = {share.share_id: 0 for share in shares}
    claims: dict[str, dict[str, tuple[int, int]]] = {}
    for share in shares:
        for portion in share.portions:
            claims.setdefault(portion.line_id, {})[share.share_id] = (portion.part, portion.of)
    unclaimed_fen = sum(payable.values())
    for line_id, parts in claims.items():
        if line_id not in payable:
            continue
        whole = lcm(*(of for _, of in parts.values()))
        weights = {share_id: part * whole // of for share_id, (part, of) in parts.items()}
        left = max(0, whole - sum(weights.values()))
        for share_id, fen in allocate(payable[line_id], {**weights, _POOL: left}).items():
            if share_id != _POOL:
                pieces[share_id] += fen
                unclaimed_fen -= fen
    return pieces, unclaimed_fen
