"""Token buckets: how often a caller may ask. One float per bucket, and a bound on their number."""

from __future__ import annotations

from collections.abc import Iterable

from api.settings import Rate

SHARED_FROM = 0.25
"""A bucket is shared with the other silos once a quarter of its burst is gone; most never are."""


class Buckets:
    """Buckets of one rate, by key.

    A bucket is kept as the moment at which it will be full again (GCRA), so a full one need not be kept at all.
    Times are monotonic seconds and come in as arguments.
    """

    def __init__(self, name: str, rate: Rate, buckets_max: int) -> None:
        self.name = name
        self.rate = rate
        self._interval_s = 1 / rate.per_second
        self._depth_s = rate.burst / rate.per_second
        self._max = buckets_max
        self._full_at: dict[str, float] = {}
        self._taken: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> float:
        """Take one token. Returns 0.0, or the seconds until there is one (then nothing is taken)."""
        full_at = self._full_at.get(key, 0.0)
        if full_at < now:
            full_at = now
        full_at += self._interval_s
        late = full_at - now - self._depth_s
        if late > 1e-9:
            return late
        if key not in self._full_at and len(self._full_at) >= self._max:
            self._make_room(now)
        self._full_at[key] = full_at
        if full_at - now > self._depth_s * SHARED_FROM:
            self._taken[key] = self._taken.get(key, 0) + 1
        return 0.0

    def give_back(self, key: str) -> None:
        """Undo one ``take``: it turned out not to count."""
        full_at = self._full_at.get(key)
        if full_at is not None:
            self._full_at[key] = full_at - self._interval_s
            if self._taken.get(key):
                self._taken[key] -= 1

    def taken_since_last(self, keys_max: int) -> dict[str, int]:
        """Tokens taken from the busiest buckets since the last call, for the other silos to know."""
        taken, self._taken = self._taken, {}
        if len(taken) <= keys_max:
            return taken
        return dict(sorted(taken.items(), key=lambda entry: -entry[1])[:keys_max])

    def taken_elsewhere(self, taken: Iterable[tuple[str, int]], now: float) -> None:
        """Other silos took these too. A bucket is never emptied further than empty."""
        for key, count in taken:
            full_at = max(self._full_at.get(key, 0.0), now) + count * self._interval_s
            if key in self._full_at or len(self._full_at) < self._max:
                self._full_at[key] = min(full_at, now + self._depth_s)

    def _make_room(self, now: float) -> None:
        """Forget full buckets; if there are none, the tenth that was made first. Amortised over many takes."""
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        over = len(self._full_at) - self._max * 9 // 10
        for key in list(self._full_at)[: max(0, over)]:
            del self._full_at[key]
