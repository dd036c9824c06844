"""What screens follow: events with a gap-free ``seq`` of their own (T2, X1).

``seq`` counts what one view shows, is part of the entity's state, and survives restart and transfer. The newest
events are kept, so that a client that missed some fetches the delta; one that missed more starts from the view.
Every entity that can be followed answers ``GetDelta``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from actors.words import Query

KEPT_MAX = 128
"""Events that a delta can reach back over."""


class LiveEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened, as a screen is told. ``data`` has the fields of ``type`` as they appear in the view."""

    seq: int
    type: str
    at: int
    data: dict[str, Any]


class GetDelta(Query, frozen=True, kw_only=True):
    """What happened after ``since``: Delta. ``who`` is the guest or staff who asks, as the entity's views take it."""

    since: int
    who: str = ""


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """``events`` after ``since``, gap-free up to ``seq``; with ``reset`` they are no longer kept: read the view."""

    seq: int
    events: list[LiveEvent] = []
    reset: bool = False


class LiveLog(msgspec.Struct, kw_only=True):
    """Part of the state of an entity that can be followed. Changed by evolve only."""

    seq: int = 0
    kept: list[LiveEvent] = []

    def add(self, type: str, at: int, **data: Any) -> None:
        """One more thing happened."""
        self.seq += 1
        self.kept.append(LiveEvent(seq=self.seq, type=type, at=at, data=data))
        if len(self.kept) > KEPT_MAX:
            del self.kept[: len(self.kept) - KEPT_MAX]

    def since(self, seq: int) -> Delta:
        """What a client that has seen ``seq`` has missed. One from the future has seen another history: reset."""
        missed = self.seq - seq
        if not 0 <= missed <= len(self.kept):
            return Delta(seq=self.seq, reset=True)
        return Delta(seq=self.seq, events=self.kept[len(self.kept) - missed :])
