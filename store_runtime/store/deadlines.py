"""Many moments of which the first one is asked for after every turn.

A heap whose overtaken entries are dropped when they come to its top: a moment that is set, moved or dropped costs
log n, however many orders are held unpaid.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec


class Deadlines(msgspec.Struct, kw_only=True):
    """Key → moment (ms). Part of a state: changed by evolve only."""

    moments: dict[str, int] = {}
    heap: list[tuple[int, str]] = []

    def set(self, key: str, at: int) -> None:
        """Something happens to ``key`` at that moment; 0: nothing does."""
        if self.moments.get(key, 0) != at:
            if at:
                self.moments[key] = at
                heapq.heappush(self.heap, (at, key))
            else:
                del self.moments[key]
        while self.heap and self.moments.get(self.heap[0][1]) != self.heap[0][0]:
            heapq.heappop(self.heap)

    def first(self) -> int:
        """The first of them; 0: none."""
        return self.heap[0][0] if self.heap else 0

    def due(self, at: int) -> Iterator[str]:
        """Keys whose moment has come, in the order in which they were first set."""
        return (key for key, moment in self.moments.items() if moment <= at)
