"""One line per request, in the form of all other log lines, written many at a time.

A line through structlog costs as much as a claim's decision; here it is one formatted string, kept until the next
write. What a kill takes with it is at most the lines of the last FLUSH_S.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec

FLUSH_S = 0.2
LINES_MAX = 1_000

_encode = msgspec.json.Encoder().encode


class AccessLog:
    """The lines of one silo. ``write`` takes whole lines, each with its line feed."""

    def __init__(self, write: Callable[[str], object], share: float) -> None:
        self._write = write
        self._share = share
        self._unlogged = 0.0
        self._lines: list[str] = []
        self._stamp = _Stamp()

    def line(self, method: str, route: str, status: int, code: str, seconds: float, request_id: str) -> None:
        """One answered request: a line for the share that is asked for, and for every server error.

        ``request_id`` and ``code`` have the forms that the door gives them and need no escape.
        """
        self._unlogged += self._share
        if self._unlogged < 1 and status < 500:
            return
        self._unlogged = 0.0 if self._unlogged < 1 else self._unlogged - 1
        level = "error" if status >= 500 and status != 503 else "info"
        self._lines.append(
            f'{{"event": "request", "level": "{level}", "timestamp": "{self._stamp.now()}", '
            f'"request_id": "{request_id}", "method": "{method}", "route": "{route}", '
            f'"status": {status}, "code": "{code}", "ms": {seconds * 1_000:.2f}}}\n'
        )
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(FLUSH_S, self.flush)
        elif len(self._lines) >= LINES_MAX:
            self.flush()

    def flush(self) -> None:
        """Write what has come together."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._write("".join(lines))


class _Stamp:
    """The moment as text; all but the fraction is made once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._text = ""

    def now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((now - second) * 1_000_000):06d}Z"
