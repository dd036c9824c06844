"""What clients saw: one line per request, kept apart from what the server says it did."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

_ACCEPTED = frozenset({200, 201, 202, 204})
_EPOCH_OFFSET_NS = time.time_ns() - time.monotonic_ns()


def moment_ms(monotonic_ns: int | None = None) -> float:
    """Milliseconds since the epoch by this process's own clock, which never jumps and never goes back.

    The wall clock is read once, at import, so that two moments of one history compare truly.
    """
    return ((time.monotonic_ns() if monotonic_ns is None else monotonic_ns) + _EPOCH_OFFSET_NS) / 1e6


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request as its client saw it.

    ``sent_at`` and ``answered_at`` are ms since the epoch. ``status`` is ``None`` when no whole answer came:
    the connection broke or the client stopped waiting, so the request may or may not have been done. A retry
    is a second attempt with the same ``user`` and ``key``. A release names the claim it gives back in
    ``claim_id``.
    """

    key: str
    user: str = ""
    act: Literal["claim", "release"] = "claim"
    claim_id: str = ""
    quantity: int = 1
    wait: bool = False
    entry_token: str = ""
    sent_at: float
    answered_at: float | None = None
    status: int | None = None
    body: dict[str, Any] = {}

    @property
    def accepted(self) -> bool:
        """The server said yes."""
        return self.status in _ACCEPTED

    @property
    def refused(self) -> bool:
        """The server said a definite no: this attempt changed nothing (4xx; a 5xx decides nothing)."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def code(self) -> str:
        """The stable code of a problem answer, or ''."""
        return str(self.body.get("code", ""))


_encode = msgspec.json.Encoder().encode


def write_history(path: Path, history: Iterable[Attempt]) -> None:
    """Keep a history as JSON lines, so that a failed run can be checked again by hand."""
    with path.open("wb") as file:
        file.writelines(_encode(attempt) + b"\n" for attempt in history)


def read_history(path: Path) -> list[Attempt]:
    """The history that :func:`write_history` kept, in the same order."""
    decoder = msgspec.json.Decoder(Attempt)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
