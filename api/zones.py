"""Time zones, as this machine knows them, turned into data for entities (``store_runtime/store/zone.py``)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

YEARS = 20
_STEP_MS = 7 * 86_400_000
"""No zone changes its clocks twice within a week and back."""


class UnknownZoneError(Exception):
    """This machine knows no such zone."""


def offsets_of(name: str, now_ms: int) -> tuple[tuple[int, int], ...]:
    """The offsets of a zone from a year ago on, for 20 years: (from that moment in ms, seconds east of UTC).

    Raises:
        UnknownZoneError: there is no such zone here.

    >>> offsets_of("Asia/Shanghai", 1_795_492_800_000)
    ((0, 28800),)
    """
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise UnknownZoneError(name) from unknown
    at = now_ms // 1_000 * 1_000 - 52 * _STEP_MS
    offsets = [(0, _east(zone, at))]
    for _ in range(YEARS * 52):
        following = at + _STEP_MS
        if _east(zone, following) != offsets[-1][1]:
            changes_at = _change(zone, at, following)
            offsets.append((changes_at, _east(zone, changes_at)))
        at = following
    return tuple(offsets)


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second of the new offset, by halving."""
    old = _east(zone, before)
    while after - before > 1_000:
        middle = (before + after) // 2_000 * 1_000
        if _east(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after


def _east(zone: ZoneInfo, at: int) -> int:
    offset = datetime.fromtimestamp(at // 1_000, UTC).astimezone(zone).utcoffset() or timedelta()
    return int(offset.total_seconds())
