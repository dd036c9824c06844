"""How much each station has to do, and when a dish would be ready (O7): a promise before anybody orders.

The work of a line is its make-minutes for every one of it, what is cooking less the time it has been; a station does
as many at once as it has cooks.
"""

from __future__ import annotations

from store_runtime.store.kitchen.state import Kitchen
from store_runtime.store.kitchen.terms import StationTerms
from store_runtime.store.kitchen.words import Cooking

MINUTE_MS = 60_000


class Load:
    """The work that waits at each station, at one moment. Promises are added to it as they are made."""

    def __init__(self, kitchen: Kitchen, at: int) -> None:
        self._kitchen = kitchen
        self._at = at
        self._work_ms: dict[str, int] = {}
        """By station, as far as it was asked for."""

    def wait_ms(self, station: str) -> int:
        """How long it takes until what waits now is made."""
        return self._waiting_ms(station) // self._terms(station).cooks

    def _waiting_ms(self, station: str) -> int:
        if station not in self._work_ms:
            self._work_ms[station] = self._counted_ms(station)
        return self._work_ms[station]

    def _counted_ms(self, station: str) -> int:
        work = self._kitchen.work.get(station)
        if work is None:
            return 0
        cooking = (self._kitchen.lines[line_id] for line_id in work.cooking)
        left = sum(
            max(0, line.cooking.make_minutes * line.quantity * MINUTE_MS - (self._at - line.started_at))
            for line in cooking
        )
        return work.queued_minutes * MINUTE_MS + left

    def _terms(self, station: str) -> StationTerms:
        return self._kitchen.terms.station(station)

    def too_much(self, cooking: Cooking, channel: str, at: int) -> bool:
        """Whether its station would have more to do than it may. An idle one always takes something."""
        terms = self._terms(cooking.station)
        waits = self.wait_ms(cooking.station)
        if not terms.minutes_max or not waits or (channel == "dine_in" and not terms.throttles_dine_in):
            return False
        if cooking.fire_at > at + waits:
            return False
        return waits + self._own_ms(cooking) > terms.minutes_max * MINUTE_MS

    def full(self, station: str) -> bool:
        """Whether it has as much to do as it may."""
        minutes_max = self._terms(station).minutes_max
        return 0 < minutes_max * MINUTE_MS <= self.wait_ms(station)

    def promise(self, cooking: Cooking, at: int) -> int:
        """When it will be ready if it is fired now; it is work for the next one then."""
        waits = self.wait_ms(cooking.station)
        self._work_ms[cooking.station] += cooking.make_minutes * cooking.quantity * MINUTE_MS
        return at + waits + max(self._own_ms(cooking), cooking.make_minutes * MINUTE_MS)

    def ready_in_minutes(self, station: str, make_minutes: int) -> int:
        """What a guest is told before ordering one (★8)."""
        return -(-self.wait_ms(station) // MINUTE_MS) + make_minutes

    def _own_ms(self, cooking: Cooking) -> int:
        cooks = self._terms(cooking.station).cooks
        return cooking.make_minutes * cooking.quantity * MINUTE_MS // cooks
