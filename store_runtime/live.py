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
"""Events that a delta can reach back over, as far as they fit into KEPT_BYTES_MAX."""

KEPT_BYTES_MAX = 16_384


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
    """Part of the state of an entity that can be followed. Changed by evolve only.

    Events are kept as they are stored: as objects they took ten times the memory of the entity they belong to.
    """

    seq: int = 0
    rows: list[bytes] = []

    def add(self, type: str, at: int, **data: Any) -> None:
        """One more thing happened."""
        self.seq += 1
        self.rows.append(_encode(LiveEvent(seq=self.seq, type=type, at=at, data=data)))
        size_bytes = sum(map(len, self.rows))
        while len(self.rows) > KEPT_MAX or (size_bytes > KEPT_BYTES_MAX and len(self.rows) > 1):
            size_bytes -= len(self.rows.pop(0))

    @property
    def kept(self) -> list[LiveEvent]:
        """The newest events, oldest first."""
        return [_decode(row) for row in self.rows]

    def since(self, seq: int) -> Delta:
        """What a client that has seen ``seq`` has missed. One from the future has seen another history: reset."""
        missed = self.seq - seq
        if not 0 <= missed <= len(self.rows):
            return Delta(seq=self.seq, reset=True)
        return Delta(seq=self.seq, events=[_decode(row) for row in self.rows[len(self.rows) - missed :]])


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LiveEvent).decode
