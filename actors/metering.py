"""Plain counters of one silo. No client library here: an exporter reads them (cluster/observability.py)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

BATCH_BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
SECONDS_BOUNDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Histogram:
    """Counts per upper bound (the last bucket is above all bounds), with sum and count."""

    __slots__ = ("bounds", "buckets", "count", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.buckets = [0] * (len(bounds) + 1)
        self.count = 0
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.buckets[bisect_left(self.bounds, value)] += 1
        self.count += 1
        self.sum += value


class Meter:
    """What a silo counts. ``commands`` is by (kind, outcome); ``rejected`` by code; ``bounced`` by reason."""

    def __init__(self) -> None:
        self.commands: Counter[tuple[str, str]] = Counter()
        self.rejected: Counter[str] = Counter()
        self.unserved: Counter[str] = Counter()
        self.events = 0
        self.reads = 0
        self.commit_documents = Histogram(BATCH_BOUNDS)
        self.commit_commands = Histogram(BATCH_BOUNDS)
        self.commit_seconds = Histogram(SECONDS_BOUNDS)
        self.activations = 0
        self.passivations = 0
        self.drops = 0
        self.fenced = 0
        self.doubts = 0
        self.seals = 0
        self.bounced = 0
        self.handovers = 0
        self.takeovers = 0
        self.sends_delivered = 0
        self.sends_parked = 0
        self.compensations = 0
        self.wakes = 0
        self.snapshots = 0
        self.quarantines = 0
        self.poisoned_turns = 0
        self.slow_turns = 0
        self.lane_batches = 0
        self.lane_messages = 0
        self.lane_failures = 0
        self.lease_renewals = 0
        self.lease_failures = 0
        self.suspensions = 0
