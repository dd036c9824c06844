"""A store's own time: what its clock on the wall shows, and which business day it is (§ 0).

Which zones exist and when their clocks change is the machine's knowledge, and two machines may differ; so a store
is told its offsets as data, and every replay reads the same ones.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

_EPOCH = date(1970, 1, 1)
MINUTE_MS = 60_000
DAY_MS = 86_400_000
OFFSETS_MAX = 200

OffsetSeconds = Annotated[int, Meta(ge=-86_400, le=86_400)]
Offsets = Annotated[tuple[tuple[int, OffsetSeconds], ...], Meta(min_length=1, max_length=OFFSETS_MAX)]
"""(from that moment in ms, seconds east of UTC), earliest first; the first one also holds before it."""

SHANGHAI: tuple[tuple[int, int], ...] = ((0, 28_800),)


class LocalTime(msgspec.Struct, frozen=True):
    """What the clock on the wall shows. ``weekday`` 1 is Monday; ``minute`` since midnight."""

    weekday: int
    minute: int


def offset_ms(offsets: Offsets, at: int) -> int:
    """How far the store is east of UTC at a moment.

    >>> offset_ms(SHANGHAI, 1_795_492_800_000)
    28800000
    """
    seconds = offsets[0][1]
    for begins, east in offsets:
        if at < begins:
            break
        seconds = east
    return seconds * 1_000


def local_time(offsets: Offsets, at: int) -> LocalTime:
    """The clock on the wall at a moment.

    >>> local_time(SHANGHAI, 1_795_492_800_000)  # a Tuesday, noon
    LocalTime(weekday=2, minute=720)
    """
    day, ms = divmod(at + offset_ms(offsets, at), DAY_MS)
    # 1970-01-01 was a Thursday.
    return LocalTime((day + 3) % 7 + 1, ms // MINUTE_MS)


def business_day(offsets: Offsets, cutoff: str, at: int) -> int:
    """The number of the business day (days since 1970) that a moment belongs to: it begins at ``cutoff``.

    >>> business_day(SHANGHAI, "04:00", 1_795_492_800_000)
    20781
    """
    return (at + offset_ms(offsets, at) - _cutoff_ms(cutoff)) // DAY_MS


def day_text(day: int) -> str:
    """A business day by its date.

    >>> day_text(20781)
    '2026-11-24'
    """
    return (_EPOCH + timedelta(days=day)).isoformat()


def day_ends_at(offsets: Offsets, cutoff: str, at: int) -> int:
    """The first moment of the business day after the one that ``at`` belongs to."""
    ends = (business_day(offsets, cutoff, at) + 1) * DAY_MS + _cutoff_ms(cutoff)
    # The offset that holds then may be another one than now, so it is asked of the moment itself.
    guess = ends - offset_ms(offsets, at)
    return max(at + 1, ends - offset_ms(offsets, guess))


def _cutoff_ms(cutoff: str) -> int:
    return (int(cutoff[:2]) * 60 + int(cutoff[3:])) * MINUTE_MS
