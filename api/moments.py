"""Moments between entities (ms since the epoch) and JSON (RFC 3339 with offset, in UTC)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)

MomentText = Annotated[
    str,
    Meta(
        description="A moment, RFC 3339 with offset.",
        examples=["2026-11-24T12:00:00.000+00:00"],
        extra_json_schema={"format": "date-time"},
    ),
]
"""A moment as an answer carries it."""

MomentField = Annotated[datetime, Meta(tz=True, description="A moment, RFC 3339 with offset.")]
"""A moment as a body carries it; msgspec refuses one without an offset."""


def rfc3339(at: int) -> str:
    """A moment in ms as RFC 3339 in UTC, to the millisecond.

    >>> rfc3339(1_795_492_800_123)
    '2026-11-24T04:00:00.123+00:00'
    """
    seconds, ms = divmod(at, 1_000)
    return f"{_second(seconds)}.{ms:03d}+00:00"


def maybe_rfc3339(at: int | None) -> str | None:
    """``rfc3339``, or None for None."""
    return None if at is None else rfc3339(at)


@lru_cache(maxsize=4_096)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def to_ms(moment: datetime) -> int:
    """An aware moment in ms since the epoch, rounded down; negative before 1970.

    >>> to_ms(datetime.fromisoformat("2026-11-24T12:00:00+08:00"))
    1795492800000
    """
    return (moment - _EPOCH) // _MS
