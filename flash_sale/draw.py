"""The draw (F11): claims of the first minutes are entries, and chance decides their order.

Seed: 32 bytes made when the sale opens; its SHA-256 stands in the sale from then on, so it cannot be
chosen later. Digest: the running hash of all claims (``sequence.py``) when the draw is held, so the seed
alone cannot be aimed at anybody. Order: by HMAC-SHA256(seed, digest ‖ claim_id). From there on the rule
is the same as without a draw: in this order, each gets a hold if nobody waits and enough is left, else
waits if it asked to.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator

import msgspec

from flash_sale.claim import ClaimState
from flash_sale.state import Sale

ENTRIES_MAX = 50_000
"""Entries of one draw; further claims are refused with ``draw_full``. Drawing them all takes about 0.3 s."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One claim that takes part."""

    claim_id: str
    quantity: int
    wait: bool


class Drawn(msgspec.Struct, frozen=True, gc=False):
    """What the draw made of an entry; ``rank`` from 1."""

    claim_id: str
    rank: int
    state: ClaimState


def seed_hash(seed: bytes) -> str:
    """What is shown of the seed before the draw: its SHA-256 in hex."""
    return hashlib.sha256(seed).hexdigest()


def lot(seed: bytes, digest: bytes, claim_id: str) -> bytes:
    """The number that decides a claim's place; the smallest comes first."""
    return hmac.digest(seed, digest + claim_id.encode(), "sha256")


def in_drawn_order(entries: Iterable[Entry], seed: bytes, digest: bytes) -> list[Entry]:
    """The entries by their lots."""
    return sorted(entries, key=lambda entry: lot(seed, digest, entry.claim_id))


def hand_out(entries: Iterable[Entry], left: int) -> Iterator[Drawn]:
    """Who gets a hold, who waits, who gets nothing: the rule of an ordinary claim, in the given order."""
    waits = False
    for rank, entry in enumerate(entries, start=1):
        if not waits and entry.quantity <= left:
            left -= entry.quantity
            yield Drawn(entry.claim_id, rank, ClaimState.HELD)
        elif entry.wait:
            waits = True
            yield Drawn(entry.claim_id, rank, ClaimState.WAITING)
        else:
            yield Drawn(entry.claim_id, rank, ClaimState.NOT_DRAWN)


def entries_of(sale: Sale) -> Iterator[Entry]:
    """The claims that take part: all that were entered and not given back."""
    for claim_id, claim in sale.claims.items():
        if claim.state is ClaimState.ENTERED:
            yield Entry(claim_id, claim.quantity, claim.wait)


def draw(sale: Sale, digest: bytes) -> list[Drawn]:
    """The outcome, in drawn order. Reads the sale only."""
    return list(hand_out(in_drawn_order(entries_of(sale), sale.seed, digest), sale.left))
