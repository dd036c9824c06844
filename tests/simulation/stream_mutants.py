"""Bugs that only a stream can show, planted in the sending end of a lane."""

from __future__ import annotations

from collections import deque
from typing import Any

from actors.lanes import Landed, LaneTransport
from actors.on_stream.sending import SendingEnd
from actors.on_stream.transport import StreamTransport
from actors.silo import Silo
from actors.testing.simulation.streams import WatchedLanes


class _OnStreams(Silo):
    """In seeds whose lanes are streams, its sending ends are mutants."""

    end_class: type[SendingEnd]

    def __init__(self, *, transport: LaneTransport, **rest: Any) -> None:
        assert isinstance(transport, WatchedLanes)
        if isinstance(transport.inner, StreamTransport):
            transport.inner.end_class = self.end_class
        super().__init__(transport=transport, **rest)


# What was in flight at a break is taken as received: a stream has no answer per frame that could say otherwise.
class _TailReceived(SendingEnd):
    def _tell_lost(self, tail: deque[tuple[Landed, int, float]], why: str) -> None:
        for landed, _, _ in tail:
            landed(None)


class BreakCalledReceived(_OnStreams):
    end_class = _TailReceived


# What was in flight at a break is forgotten: its lane waits for it for ever.
class _TailForgotten(SendingEnd):
    def _tell_lost(self, tail: deque[tuple[Landed, int, float]], why: str) -> None:
        return


class BreakForgotten(_OnStreams):
    end_class = _TailForgotten


# An acknowledgement counts for the frame sent last, not for the one that was received.
class _NewestFirst(SendingEnd):
    def _count_up_to(self, received: int) -> None:
        self._in_flight.rotate(received - self.acknowledged)
        super()._count_up_to(received)


class AcknowledgesTheWrongFrame(_OnStreams):
    end_class = _NewestFirst


# A peer that is gone without a word is waited for.
class _Patient(SendingEnd):
    def _listen(self) -> None:
        return


class WaitsForASilentStream(_OnStreams):
    end_class = _Patient


STREAM_MUTANTS: dict[str, type[Silo]] = {
    "a stream's break is called received": BreakCalledReceived,
    "a stream's break is forgotten": BreakForgotten,
    "an acknowledgement counts for the wrong frame": AcknowledgesTheWrongFrame,
    "a silent stream is waited for": WaitsForASilentStream,
}
