"""What screens follow: events with a gap-free ``seq`` of their own (T2, X1).

``seq`` counts what one view shows, is part of the entity's state, and survives restart and transfer. The newest
events are kept, so that a client that missed some fetches the delta; one that missed more starts from the view.
Every entity that can be followed answers ``GetDelta``.
"""

from __future__ import annotations

from typing import Any

import msgspec
import zstandard

from actors.words import Query

KEPT_MAX = 256
"""Events that a delta can reach back over, as far as they fit into PACKED_BYTES_MAX."""

PACK_FROM_BYTES = 6_144
"""So much is packed together: neighbours resemble each other, and take a quarter. Less packs worse and costs more."""

PACKED_BYTES_MAX = 10_240

LEVEL = 1


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


class Pack(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """``count`` events as they are stored, compressed together."""

    count: int
    packed: bytes

    @property
    def rows(self) -> list[bytes]:
        return _decode_rows(zstandard.decompress(self.packed))


class LiveLog(msgspec.Struct, kw_only=True):
    """Part of the state of an entity that can be followed. Changed by evolve only.

    Events are kept as they are stored, the newest as ``rows``, all before them in ``packs``: as objects they took ten
    times the memory of the entity they belong to.
    """

    seq: int = 0
    packs: list[Pack] = []
    rows: list[bytes] = []

    def add(self, type: str, at: int, **data: Any) -> None:
        """One more thing happened."""
        self.seq += 1
        self.rows.append(_encode(LiveEvent(seq=self.seq, type=type, at=at, data=data)))
        if sum(map(len, self.rows)) >= PACK_FROM_BYTES:
            self._pack()

    def _pack(self) -> None:
        packed = zstandard.compress(_encode(self.rows), LEVEL)
        # A copy: what the compressor returns keeps the room that it could have needed.
        self.packs.append(Pack(len(self.rows), bytes(memoryview(packed))))
        self.rows = []
        size_bytes = sum(len(pack.packed) for pack in self.packs)
        while len(self.packs) > 1 and (size_bytes > PACKED_BYTES_MAX or self.count > KEPT_MAX):
            size_bytes -= len(self.packs.pop(0).packed)

    @property
    def count(self) -> int:
        """So many events are kept."""
        return sum(pack.count for pack in self.packs) + len(self.rows)

    @property
    def kept(self) -> list[LiveEvent]:
        """All of them, oldest first."""
        return self._newest(self.count)

    def since(self, seq: int) -> Delta:
        """What a client that has seen ``seq`` has missed. One from the future has seen another history: reset."""
        missed = self.seq - seq
        if not 0 <= missed <= self.count:
            return Delta(seq=self.seq, reset=True)
        return Delta(seq=self.seq, events=self._newest(missed))

    def _newest(self, count: int) -> list[LiveEvent]:
        rows = self.rows
        for pack in reversed(self.packs):
            if len(rows) >= count:
                break
            rows = pack.rows + rows
        return [_decode(row) for row in rows[len(rows) - count :]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LiveEvent).decode
_decode_rows = msgspec.msgpack.Decoder(list[bytes]).decode
