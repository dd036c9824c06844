"""The waitlist (F4): strict order, the head gets the hold at once, nobody is skipped.

A head that needs 2 waits until 2 are free and blocks those behind it, as long as 2 can still become free: once too
much is sold for that, it is let go. Places are never reused; claims that leave from the middle stay in the list until
the head has passed them, so joining, leaving and serving cost the same whatever the length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from flash_sale.claim import ClaimState
from flash_sale.claims import Claims
from flash_sale.events import Offered

WAITLIST_MAX = 100_000
"""Claims that may wait at a time; further ones are refused with ``waitlist_full``."""

COMPACT_AFTER = 1_024
"""Passed places that are kept before the list is cut; bounds the snapshot, and makes the cut cheap on
average.
"""


class Waitlist(msgspec.Struct, kw_only=True, dict=True):
    """Claim ids in the order of joining. ``first`` is the head's index, ``cut`` the places no longer in
    the list.
    """

    claim_ids: list[str] = []
    first: int = 0
    cut: int = 0
    size: int = 0

    def join(self, claim_id: str, quantity: int) -> int:
        """Last in line; answers the place."""
        self.claim_ids.append(claim_id)
        self.size += 1
        self._count(quantity, 1)
        return self.cut + len(self.claim_ids)

    def leave(self, quantity: int) -> None:
        """One who wanted so many no longer waits."""
        self.size -= 1
        self._count(quantity, -1)

    def _count(self, quantity: int, change: int) -> None:
        counts: dict[int, int] | None = self.__dict__.get("counts")
        if counts is not None:
            counts[quantity] = counts.get(quantity, 0) + change

    def most_wanted(self, claims: Claims) -> int:
        """The largest quantity that one of those who wait wants; costs the same whatever the length."""
        counts: dict[int, int] | None = self.__dict__.get("counts")
        if counts is None:
            # Follows from the claims, so it is no part of what is stored.
            counts = self.__dict__["counts"] = Counter(quantity for _, quantity in self.in_line(claims))
        return max((quantity for quantity, number in counts.items() if number), default=0)

    @property
    def length(self) -> int:
        """Places from the head to the end of the line, those who left from the middle included."""
        return len(self.claim_ids) - self.first

    def ahead_max(self, place: int) -> int:
        """At most so many are served before ``place`` (those who left from the middle may still be
        counted).
        """
        return max(0, place - self.cut - self.first - 1)

    def trim(self, claims: Claims) -> None:
        """Pass those who no longer wait, so that the head is one who does."""
        ids = self.claim_ids
        while self.first < len(ids) and claims[ids[self.first]].state is not ClaimState.WAITING:
            self.first += 1
        if self.first >= COMPACT_AFTER and self.first * 2 > len(ids):
            del ids[: self.first]
            self.cut += self.first
            self.first = 0

    def in_line(self, claims: Claims) -> Iterator[tuple[str, int]]:
        """Those who wait, from the head, each with the quantity they want."""
        for index in range(self.first, len(self.claim_ids)):
            claim_id = self.claim_ids[index]
            claim = claims[claim_id]
            if claim.state is ClaimState.WAITING:
                yield claim_id, claim.quantity


def offers(line: Iterable[tuple[str, int]], free: int, expires_at: int) -> Iterator[Offered]:
    """Who gets ``free``: from the head, until one does not fit; those behind wait with it.

    >>> [offer.claim_id for offer in offers([("a", 1), ("b", 3), ("c", 1)], 2, expires_at=0)]
    ['a']
    """
    for claim_id, quantity in line:
        if quantity > free:
            return
        free -= quantity
        yield Offered(claim_id=claim_id, expires_at=expires_at)
