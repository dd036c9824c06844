"""How long a party will wait (T15): parties of a band take the tables that fit them, as these become free."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from store_runtime.waiting_queue.commands import Band, TableNow

MINUTE_MS = 60_000
OVERDUE_MS = 5 * MINUTE_MS
"""A table that is taken for longer than usual is expected to be free in this time."""


def eta_ms(band: Band, ahead: int, tables: Sequence[TableNow], at: int) -> int:
    """How long until a table is free for a party with so many before it; without tables, by the band's minutes alone.

    >>> two = Band(prefix="A", party_from=1, party_to=2, minutes=60)
    >>> taken = TableNow(seats=2, free=False, taken_at=0)
    >>> eta_ms(two, 0, [taken], at=20 * MINUTE_MS) // MINUTE_MS
    40
    >>> eta_ms(two, 1, [taken, TableNow(seats=2, free=True)], at=20 * MINUTE_MS) // MINUTE_MS
    40
    """
    sits = band.minutes * MINUTE_MS
    fits = [table for table in tables if table.seats >= band.party_from]
    if not fits:
        return (ahead + 1) * sits
    free_in = [
        0
        if table.free
        else max(OVERDUE_MS, table.taken_at + sits - at)
        if table.taken_at + sits <= at
        else table.taken_at + sits - at
        for table in fits
    ]
    heapq.heapify(free_in)
    for _ in range(ahead):
        heapq.heappush(free_in, heapq.heappop(free_in) + sits)
    return free_in[0]
