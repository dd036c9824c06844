"""What a counter's screen remembers."""

from __future__ import annotations

import msgspec

from store_runtime.live import LiveLog

ROWS_MAX = 1_000
KEPT_MS = 6 * 3_600_000
"""A number that nobody came for leaves the screen after so long."""


class Row(msgspec.Struct, kw_only=True):
    """One order. ``gone`` ones are kept a while, so that an older word about them is known as such."""

    number: str
    state: str
    seq: int
    noted_at: int
    ready_at: int = 0
    promised_at: int = 0
    calls: int = 0
    called_at: int = 0


class Screen(msgspec.Struct, kw_only=True):
    """Rows by order, in the order they were last noted."""

    rows: dict[str, Row] = {}
    live: LiveLog = msgspec.field(default_factory=LiveLog)
