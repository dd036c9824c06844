"""Plain counters of the ingress, and their Prometheus text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from actors.metering import SECONDS_BOUNDS, Histogram


class HttpMeter:
    """Requests by (method, route, status), problems by code, seconds by route. Labels are closed lists."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        self.problems: Counter[str] = Counter()
        self.seconds: dict[str, Histogram] = {}

    def count(self, method: str, route: str, status: int, code: str, seconds: float) -> None:
        """One answered request; ``code`` is empty for a yes."""
        self.requests[method, route, status] += 1
        if code:
            self.problems[code] += 1
        histogram = self.seconds.get(route)
        if histogram is None:
            histogram = self.seconds[route] = Histogram(SECONDS_BOUNDS)
        histogram.observe(seconds)

    def text(self) -> str:
        """Everything in Prometheus text form."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "# HELP kaifan_http_requests_total Requests answered."
        yield "# TYPE kaifan_http_requests_total counter"
        for (method, route, status), count in sorted(self.requests.items()):
            yield f'kaifan_http_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
        yield "# HELP kaifan_http_problems_total Requests answered with a problem, by its code."
        yield "# TYPE kaifan_http_problems_total counter"
        for code, count in sorted(self.problems.items()):
            yield f'kaifan_http_problems_total{{code="{code}"}} {count}'
        yield "# HELP kaifan_http_request_seconds From the first handler to the last byte handed on."
        yield "# TYPE kaifan_http_request_seconds histogram"
        for route, histogram in sorted(self.seconds.items()):
            yield from _histogram_lines("kaifan_http_request_seconds", f'route="{route}"', histogram)


def _histogram_lines(name: str, label: str, histogram: Histogram) -> Iterator[str]:
    below = 0
    for bound, count in zip(histogram.bounds, histogram.buckets, strict=False):
        below += count
        yield f'{name}_bucket{{{label},le="{bound}"}} {below}'
    yield f'{name}_bucket{{{label},le="+Inf"}} {histogram.count}'
    yield f"{name}_sum{{{label}}} {histogram.sum}"
    yield f"{name}_count{{{label}}} {histogram.count}"
