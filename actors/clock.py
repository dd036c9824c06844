"""Time as the runtime sees it: a monotonic clock for leases and deadlines, cluster time for decisions."""

from __future__ import annotations

import time
from functools import partial
from typing import Protocol

SLEW_PER_SECOND = 0.05
"""Cluster time runs at most 5 % fast or slow while it approaches the primary's clock: slewed, never stepped."""

DRIFT_ALARM_MS = 2_000


class Clock(Protocol):
    """What the host asks for time."""

    def monotonic(self) -> float:
        """Seconds that never go back and count suspended time too (CLOCK_BOOTTIME)."""
        ...

    def now_ms(self) -> int:
        """Cluster time in ms since the epoch."""
        ...


class ClusterClock:
    """The primary's clock plus our own monotonic delta, measured at each lease renewal.

    Until the first measurement it is the machine's wall clock. A later measurement is approached at
    SLEW_PER_SECOND, so decisions never see time jump.
    """

    monotonic = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    """No function of ours around the clock's own: it is read half a dozen times per request."""

    def __init__(self) -> None:
        self._base_monotonic = self.monotonic()
        self._base_ms = time.time() * 1000
        self._target_offset_ms = 0.0
        self._measured = False

    def now_ms(self) -> int:
        return int(self._now(time.clock_gettime(time.CLOCK_BOOTTIME)))

    def _now(self, monotonic: float) -> float:
        elapsed = monotonic - self._base_monotonic
        slew_max = elapsed * SLEW_PER_SECOND * 1000
        slewed = self._target_offset_ms
        if slewed > slew_max:
            slewed = slew_max
        elif slewed < -slew_max:
            slewed = -slew_max
        return self._base_ms + elapsed * 1000 + slewed

    def measured(self, primary_ms: int, sent_at: float, answered_at: float) -> None:
        """The primary said ``primary_ms`` somewhere between two of our monotonic moments."""
        middle = (sent_at + answered_at) / 2
        ours = self._now(middle)
        now = self._now(answered_at)
        if not self._measured:
            now += primary_ms - ours
            ours = primary_ms
            self._measured = True
        self._base_monotonic, self._base_ms = answered_at, now
        self._target_offset_ms = primary_ms - ours

    def drift_ms(self) -> float:
        """Cluster time less this machine's wall clock; beyond DRIFT_ALARM_MS is an alarm."""
        return self._now(self.monotonic()) - time.time() * 1000
