"""What a counter's screen shows."""

from __future__ import annotations

import msgspec

from store_runtime.pickup_screen.state import KEPT_MS, Row, Screen


class ScreenRow(msgspec.Struct, frozen=True, kw_only=True):
    """One number. Moments are ms; 0 is none."""

    number: str
    promised_at: int
    ready_at: int
    calls: int
    called_at: int


class ScreenView(msgspec.Struct, frozen=True, kw_only=True):
    """``ready`` with the one called last first; ``preparing`` with the one promised first."""

    seq: int
    preparing: list[ScreenRow]
    ready: list[ScreenRow]


def screen_view(screen: Screen, at: int) -> ScreenView:
    """What is on the screen now."""
    rows = [row for row in screen.rows.values() if row.noted_at > at - KEPT_MS]
    preparing = sorted(
        (row for row in rows if row.state == "preparing"), key=lambda row: (row.promised_at, row.number)
    )
    ready = sorted(
        (row for row in rows if row.state == "ready"),
        key=lambda row: (-(row.called_at or row.ready_at), row.number),
    )
    return ScreenView(
        seq=screen.live.seq, preparing=[_row(one) for one in preparing], ready=[_row(one) for one in ready]
    )


def _row(row: Row) -> ScreenRow:
    return ScreenRow(
        number=row.number,
        promised_at=row.promised_at,
        ready_at=row.ready_at,
        calls=row.calls,
        called_at=row.called_at,
    )
