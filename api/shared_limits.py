"""Limits across silos: each tells Redis in the background what it let through, and hears what others did.

A request never waits for this. Redis away: each silo counts for itself until it is back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.limits import Buckets
from api.settings import DoorClock

SYNC_EVERY_S = 0.5
AWAY_EVERY_S = 5.0
TIMEOUT_S = 1.0
KEYS_MAX = 512
WINDOW_S = 30
"""A counter starts anew after so long; what it had counted has refilled by then."""

log = structlog.get_logger("kaifan.api")


class SharedLimits:
    """Runs :meth:`run` on the silo's loop for as long as the ingress lives."""

    def __init__(self, redis: Redis, buckets: Sequence[Buckets], clock: DoorClock) -> None:
        self._redis = redis
        self._buckets = buckets
        self._clock = clock
        self._totals: dict[str, int] = {}
        self.away = False

    async def run(self) -> None:
        """Share for ever; cancelled at the end."""
        while True:
            await asyncio.sleep(AWAY_EVERY_S if self.away else SYNC_EVERY_S)
            await self.share()

    async def share(self) -> None:
        """One exchange; an outage is logged once and ends nothing."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                for buckets in self._buckets:
                    await self._exchange(buckets)
        except (RedisError, OSError, TimeoutError) as error:
            if not self.away:
                log.warning("limits_not_shared", error=type(error).__name__)
            self.away = True
        else:
            if self.away:
                log.info("limits_shared_again")
            self.away = False

    async def _exchange(self, buckets: Buckets) -> None:
        taken = buckets.taken_since_last(KEYS_MAX)
        if not taken:
            return
        names = {key: f"kaifan:limit:{buckets.name}:{key}" for key in taken}
        async with self._redis.pipeline(transaction=False) as pipeline:
            for key, count in taken.items():
                pipeline.incrby(names[key], count)
                pipeline.expire(names[key], WINDOW_S, nx=True)
            results = await pipeline.execute()
        totals = dict(zip(taken, results[::2], strict=True))
        buckets.taken_elsewhere(
            ((key, self._others(names[key], total, taken[key])) for key, total in totals.items()),
            self._clock.monotonic(),
        )

    def _others(self, name: str, total: int, ours: int) -> int:
        """What others added since we last looked; the whole of it at first sight or in a new window."""
        before = self._totals.pop(name, 0)
        self._totals[name] = total
        if len(self._totals) > 10 * KEYS_MAX:
            del self._totals[next(iter(self._totals))]
        return total - ours - before if total >= before + ours else total - ours
