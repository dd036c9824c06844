"""What a flash sale shows. Moments are ms since the epoch, amounts fen. Nothing here names a diner but
their own.
"""

from __future__ import annotations

import msgspec

from flash_sale.claim import ClaimState, Reason
from flash_sale.claims import ClaimRecord
from flash_sale.draw import seed_hash
from flash_sale.state import Sale
from store_runtime.takeout.commands import PlaceOrder


class SaleView(msgspec.Struct, frozen=True, kw_only=True):
    """The sale as anyone may see it.

    ``phase``: upcoming, open, sold_out, ended, by the sale's own clock (``server_time``). ``left`` is
    stock that nobody holds; with a waitlist it belongs to its head, and the phase is sold_out. ``seq``
    counts the changes of this view. ``seed_hash`` (draw only) is the hex SHA-256 of the seed (F11).
    """

    flash_sale_id: str
    store_id: str
    dish_id: str
    dish_name: str
    title: str
    price_fen: int
    phase: str
    server_time: int
    starts_at: int
    ends_at: int
    stock: int
    left: int
    waiting: int
    claims: int
    per_user_limit: int
    hold_seconds: int
    policy: str
    entry_required: bool
    seq: int
    draw_window_ms: int | None = None
    result_at: int | None = None
    seed_hash: str | None = None


class ClaimView(msgspec.Struct, frozen=True, kw_only=True):
    """One claim, for the diner who made it.

    ``status``: entered, not_drawn, waiting, held, paying, sold, expired, released. ``position`` is its
    place in the sale's sequence of claims, from 1 and for ever (F12); ``reason`` says why it stands where
    it stands. ``ahead_max`` (waiting only): at most so many are served before it.
    """

    claim_id: str
    flash_sale_id: str
    status: str
    quantity: int
    position: int
    reason: str
    claimed_at: int
    expires_at: int | None = None
    result_at: int | None = None
    ahead_max: int | None = None
    order_id: str | None = None


class CheckoutAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of Checkout.

    Whoever asked can ask ``takeout/{order_id}`` the same ``place_order`` under ``derived_id(command_id,
    "order")`` and answer with what it gets: whichever arrives first places the order.
    """

    order_id: str
    place_order: PlaceOrder


class SoldOutNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What the edge may say on its own for ``valid_ms`` (F9).

    ``users`` are 8-byte hashes of the diners of the claims that follow the first ``after``, as many as one notice
    carries; ``claims`` is how many there are.
    """

    sold_out: bool
    left: int
    waiting: int
    per_user_limit: int
    valid_ms: int
    claims: int
    after: int
    users: bytes


class ProofLine(msgspec.Struct, frozen=True, kw_only=True):
    """One claim of the sequence, without its diner. ``rank`` is its place in the draw, from 1; 0 = not in
    it.
    """

    position: int
    claim_id: str
    quantity: int
    wait: bool
    claimed_at: int
    status: str
    rank: int = 0


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What can be checked by anyone with ``flash_sale.proof.verify_proof`` (F11, F12).

    Draw: ``seed_hash`` from the beginning; ``seed``, ``entries_digest`` and ``order`` once it was held.
    After the end: ``sequence_hash`` over all claims. ``lines`` start after the position asked for;
    ``next_after`` is None on the last page. Hashes and seed are hex.
    """

    flash_sale_id: str
    policy: str
    phase: str
    stock: int
    claims: int
    lines: list[ProofLine]
    next_after: int | None = None
    seed_hash: str | None = None
    seed: str | None = None
    entries: int | None = None
    entries_digest: str | None = None
    order: list[str] | None = None
    sequence_hash: str | None = None
    how_to_check: str = ""


def sale_view(sale: Sale, flash_sale_id: str, at: int) -> SaleView:
    """The sale as it stands at ``at``."""
    return SaleView(
        flash_sale_id=flash_sale_id,
        store_id=sale.store_id,
        dish_id=sale.dish_id,
        dish_name=sale.dish_name,
        title=sale.title,
        price_fen=sale.price_fen,
        phase=sale.phase(at),
        server_time=at,
        starts_at=sale.starts_at,
        ends_at=sale.ends_at,
        stock=sale.stock,
        left=sale.left,
        waiting=sale.waiting,
        claims=len(sale.claims),
        per_user_limit=sale.per_user_limit,
        hold_seconds=sale.hold_ms // 1_000,
        policy="draw" if sale.draw else "fifo",
        entry_required=sale.entry_required,
        seq=sale.seq,
        draw_window_ms=sale.draw_window_ms if sale.draw else None,
        result_at=sale.draw_ends_at if sale.draw else None,
        seed_hash=seed_hash(sale.seed) if sale.draw else None,
    )


def claim_view(sale: Sale, flash_sale_id: str, claim_id: str, claim: ClaimRecord) -> ClaimView:
    """A claim as it stands."""
    state = claim.state
    return ClaimView(
        claim_id=claim_id,
        flash_sale_id=flash_sale_id,
        status=state.value,
        quantity=claim.quantity,
        position=claim.position,
        reason=claim.reason.value,
        claimed_at=claim.at,
        expires_at=claim.expires_at if state in (ClaimState.HELD, ClaimState.PAYING) else None,
        result_at=sale.draw_ends_at if state is ClaimState.ENTERED else None,
        ahead_max=sale.waitlist.ahead_max(claim.place) if state is ClaimState.WAITING else None,
        order_id=claim.order_id or None,
    )


FIRST_STATUS = {Reason.IN_ORDER: "held", Reason.NOTHING_LEFT: "waiting", Reason.IN_DRAW: "entered"}


def new_claim_view(
    sale: Sale,
    flash_sale_id: str,
    claim_id: str,
    quantity: int,
    at: int,
    reason: Reason,
    *,
    expires_at: int | None = None,
    result_at: int | None = None,
    ahead_max: int | None = None,
) -> ClaimView:
    """The answer to a claim, made before its event is applied."""
    return ClaimView(
        claim_id=claim_id,
        flash_sale_id=flash_sale_id,
        status=FIRST_STATUS[reason],
        quantity=quantity,
        position=len(sale.claims) + 1,
        reason=reason.value,
        claimed_at=at,
        expires_at=expires_at,
        result_at=result_at,
        ahead_max=ahead_max,
    )


def over_claim_view(
    flash_sale_id: str, claim_id: str, claim: ClaimRecord, state: ClaimState, reason: Reason, order_id: str
) -> ClaimView:
    """The answer that a claim is sold or given back, made before its event is applied."""
    return ClaimView(
        claim_id=claim_id,
        flash_sale_id=flash_sale_id,
        status=state.value,
        quantity=claim.quantity,
        position=claim.position,
        reason=reason.value,
        claimed_at=claim.at,
        order_id=order_id or None,
    )
