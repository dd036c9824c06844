"""The published proof of a sale, and the check that anyone can run on it (F11, F12).

``proof_of`` makes a page of it, ``joined`` puts pages together, ``verify_proof`` checks the whole. The
check uses nothing but the proof: it can be repeated with any SHA-256 and HMAC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from flash_sale.claim import ClaimState
from flash_sale.claims import ClaimRecord
from flash_sale.draw import Entry, hand_out, in_drawn_order, seed_hash
from flash_sale.projections import Proof, ProofLine
from flash_sale.sequence import SEQUENCE_START, next_link
from flash_sale.state import Sale

HOW_TO_CHECK = (
    "Hashes and the seed are written in hex and stand for their bytes; texts are hashed as UTF-8. "
    "link 0 is 32 zero bytes; link n is SHA-256(link n-1 followed by "
    "'position|claim_id|quantity|wait|claimed_at_ms'), with wait as 0 or 1. "
    "The last link is sequence_hash, the link after the last entry is entries_digest. "
    "Draw: SHA-256(seed) is the seed_hash shown from the start. "
    "Of the first entries lines leave out those with rank 0: they were given back before the draw "
    "(status released), count for entries_digest and take no part. "
    "The others are ordered by HMAC-SHA256 with the seed as key over entries_digest followed by claim_id, "
    "smallest first: that is order, and rank is the place in it. In this order each gets a hold if nobody "
    "waits and enough of stock is left, else waits if it asked to, else is not_drawn. "
    "A page of the proof carries lines and the order of its own lines only: put all pages together first."
)


def proof_of(sale: Sale, flash_sale_id: str, at: int, after: int, limit: int) -> Proof:
    """What is public now: the seed's hash at once, the draw once held, the whole sequence after the end."""
    published = len(sale.claims) if sale.ended else sale.entries if sale.drawn else 0
    upto = min(after + limit, published)
    lines = list(_lines(sale, after, upto))
    drawn = [line for line in lines if line.rank]
    return Proof(
        flash_sale_id=flash_sale_id,
        policy="draw" if sale.draw else "fifo",
        phase=sale.phase(at),
        stock=sale.stock,
        claims=len(sale.claims),
        lines=lines,
        next_after=upto if upto < published else None,
        seed_hash=seed_hash(sale.seed) if sale.draw else None,
        seed=sale.seed.hex() if sale.drawn else None,
        entries=sale.entries if sale.drawn else None,
        entries_digest=sale.entries_digest.hex() if sale.drawn else None,
        order=[line.claim_id for line in sorted(drawn, key=_by_rank)] if sale.drawn else None,
        sequence_hash=sale.sequence_hash.hex() if sale.ended else None,
        how_to_check=HOW_TO_CHECK,
    )


def _by_rank(line: ProofLine) -> int:
    return line.rank


def _lines(sale: Sale, after: int, upto: int) -> Iterator[ProofLine]:
    for claim_id, claim in sale.claims.items(after, upto):
        yield _line(claim_id, claim)


def _line(claim_id: str, claim: ClaimRecord) -> ProofLine:
    return ProofLine(
        position=claim.position,
        claim_id=claim_id,
        quantity=claim.quantity,
        wait=claim.wait,
        claimed_at=claim.at,
        status=claim.state.value,
        rank=claim.rank,
    )


def joined(pages: Sequence[Proof]) -> Proof:
    """The whole proof from its pages, in their order."""
    lines = [line for page in pages for line in page.lines]
    drawn = sorted((line for line in lines if line.rank), key=_by_rank)
    order = None if pages[0].order is None else [line.claim_id for line in drawn]
    return msgspec.structs.replace(pages[-1], lines=lines, order=order, next_after=None)


def verify_proof(proof: Proof) -> list[str]:
    """What is wrong with a whole proof; empty when it is sound.

    Checks that the claims give the published hashes in this order, that the seed is the one promised,
    that the order of the draw follows from it, and that the draw handed out what this order deserves.
    """
    return [*_sequence_problems(proof), *_draw_problems(proof)]


def _sequence_problems(proof: Proof) -> Iterator[str]:
    link = SEQUENCE_START
    if proof.entries == 0 and proof.entries_digest != link.hex():
        yield "entries_digest is not the digest of no entries"
    for position, line in enumerate(proof.lines, start=1):
        if line.position != position:
            yield f"position {position} is missing; {line.claim_id} says it is at {line.position}"
            return
        link = next_link(link, position, line.claim_id, line.quantity, line.wait, line.claimed_at)
        if position == proof.entries and link.hex() != proof.entries_digest:
            yield f"the first {position} claims do not give entries_digest"
    if proof.entries is not None and len(proof.lines) < proof.entries:
        yield f"{proof.entries - len(proof.lines)} entries of the draw are not listed"
    if proof.sequence_hash is not None and link.hex() != proof.sequence_hash:
        yield "the claims do not give sequence_hash"


def _draw_problems(proof: Proof) -> Iterator[str]:
    if proof.seed is None or proof.entries_digest is None:
        return
    seed = bytes.fromhex(proof.seed)
    if hashlib.sha256(seed).hexdigest() != proof.seed_hash:
        yield "the seed is not the one whose hash was published"
    ranked = [line for line in proof.lines if line.rank]
    entries = [Entry(line.claim_id, line.quantity, line.wait) for line in ranked]
    in_order = in_drawn_order(entries, seed, bytes.fromhex(proof.entries_digest))
    if proof.order != [entry.claim_id for entry in in_order]:
        yield "the published order does not follow from seed and digest"
    by_id = {line.claim_id: line for line in ranked}
    for drawn in hand_out(in_order, proof.stock):
        line = by_id[drawn.claim_id]
        if line.rank != drawn.rank:
            yield f"{drawn.claim_id} was drawn at {drawn.rank}, not at {line.rank}"
        if (drawn.state is ClaimState.NOT_DRAWN) != (line.status == ClaimState.NOT_DRAWN.value):
            yield f"{drawn.claim_id} was to be {drawn.state.value}, and is {line.status}"
    for line in proof.lines[: proof.entries or 0]:
        if not line.rank and line.status != ClaimState.RELEASED.value:
            yield f"{line.claim_id} entered and took no part in the draw"
