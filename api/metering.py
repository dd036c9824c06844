"""Plain counters of the ingress, and their Prometheus text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actors.metering import SECONDS_BOUNDS, Histogram


class Tally:
    """Answered requests of one operation: how many by status, and the seconds of its route."""

    __slots__ = ("_problems", "_seconds", "statuses")

    def __init__(self, problems: Counter[str], seconds: Histogram) -> None:
        self.statuses: Counter[int] = Counter()
        self._problems = problems
        self._seconds = seconds

    def count(self, status: int, code: str, seconds: float) -> None:
        """One more; ``code`` is empty for a yes."""
        self.statuses[status] += 1
        if code:
            self._problems[code] += 1
        self._seconds.observe(seconds)


class HttpMeter:
    """Requests by (method, route, status), problems by code, seconds by route. Labels are closed lists."""

    def __init__(self) -> None:
        self.problems: Counter[str] = Counter()
        self._tallies: dict[tuple[str, str], Tally] = {}
        self._seconds: dict[str, Histogram] = {}

    def tally(self, method: str, route: str) -> Tally:
        """Where the requests of one operation are counted."""
        tally = self._tallies.get((method, route))
        if tally is None:
            seconds = self._seconds.setdefault(route, Histogram(SECONDS_BOUNDS))
            tally = self._tallies[method, route] = Tally(self.problems, seconds)
        return tally

    @property
    def requests(self) -> dict[tuple[str, str, int], int]:
        """Answered requests by (method, route, status)."""
        return {
            (*operation, status): count
            for operation, tally in sorted(self._tallies.items())
            for status, count in sorted(tally.statuses.items())
        }

    def text(self) -> str:
        """Everything in Prometheus text form."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "# HELP kaifan_http_requests_total Requests answered."
        yield "# TYPE kaifan_http_requests_total counter"
        for (method, route, status), count in self.requests.items():
            yield f'kaifan_http_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
        yield "# HELP kaifan_http_problems_total Requests answered with a problem, by its code."
        yield "# TYPE kaifan_http_problems_total counter"
        for code, count in sorted(self.problems.items()):
            yield f'kaifan_http_problems_total{{code="{code}"}} {count}'
        yield "# HELP kaifan_http_request_seconds From the first handler to the last byte handed on."
        yield "# TYPE kaifan_http_request_seconds histogram"
        for route, histogram in sorted(self._seconds.items()):
            if histogram.count:
                yield from _histogram_lines("kaifan_http_request_seconds", f'route="{route}"', histogram)


def _histogram_lines(name: str, label: str, histogram: Histogram) -> Iterator[str]:
    below = 0
    for bound, count in zip(histogram.bounds, histogram.buckets, strict=False):
        below += count
        yield f'{name}_bucket{{{label},le="{bound}"}} {below}'
    yield f'{name}_bucket{{{label},le="+Inf"}} {histogram.count}'
    yield f"{name}_sum{{{label}}} {histogram.sum}"
    yield f"{name}_count{{{label}}} {histogram.count}"
