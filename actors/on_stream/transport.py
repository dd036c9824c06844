"""The lane a silo uses: a stream where there is one, calls where there is none, and back to the stream later."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import structlog

from actors.lanes import Landed, LaneTransport
from actors.on_stream.bounds import StreamBounds, StreamMeter
from actors.on_stream.sending import SendingEnd

log = structlog.get_logger("kaifan.lane")

Dial = Callable[[str, Callable[[], asyncio.Protocol]], Awaitable[object]]
"""Connects the protocol to a silo, by its address. Raises OSError when it cannot be reached in this way."""

STREAM, CALLS = "stream", "calls"


class _Way:
    """To one incarnation of a silo."""

    __slots__ = ("dialling", "end", "failures", "not_before")

    def __init__(self) -> None:
        self.end: SendingEnd | None = None
        self.dialling: asyncio.Task[None] | None = None
        self.failures = 0
        self.not_before = 0.0


class StreamTransport:
    """A :class:`actors.lanes.LaneTransport` on the loop of its silo. ``calls`` is the lane behind it.

    Nothing waits for a stream: while there is none, batches go as calls, and each of them may start an attempt to
    connect. Batches are independent of each other, so their order over the two does not matter.
    """

    end_class = SendingEnd

    def __init__(
        self,
        *,
        address: Callable[[], str],
        key: bytes,
        dial: Dial,
        calls: LaneTransport,
        random: Callable[[int], bytes],
        meter: StreamMeter,
        bounds: StreamBounds | None = None,
    ) -> None:
        self.meter = meter
        self.calls = calls
        self._address = address
        self._key = key
        self._dial = dial
        self._random = random
        self._bounds = bounds or StreamBounds()
        self._ways: dict[str, _Way] = {}

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        way = self._ways.get(receiver)
        if way is None:
            way = self._ways[receiver] = _Way()
        if way.end is not None and way.end.takes(len(batch)):
            self.meter.frames += 1
            way.end.send(batch, landed)
            return
        self.meter.fallbacks += 1
        self._connect_soon(receiver, way)
        self.calls.send(receiver, batch, landed)

    def forget(self, receiver: str) -> None:
        way = self._ways.pop(receiver, None)
        if way is not None:
            self._close(way, "the silo has ended")
        self.calls.forget(receiver)

    def close(self) -> None:
        for way in self._ways.values():
            self._close(way, "this silo stops")

    def kinds(self) -> dict[str, str]:
        """Address of each silo that was sent to → what would carry the next batch: ``stream`` or ``calls``."""
        return {receiver: STREAM if way.end is not None else CALLS for receiver, way in self._ways.items()}

    # --- streams come and go -----------------------------------------------------------------------------------

    def _connect_soon(self, receiver: str, way: _Way) -> None:
        loop = asyncio.get_running_loop()
        if way.end is None and way.dialling is None and loop.time() >= way.not_before:
            way.dialling = loop.create_task(self._connect(receiver, way))

    async def _connect(self, receiver: str, way: _Way) -> None:
        """Runs as ``way.dialling``."""
        lost = functools.partial(self._lost, way)
        end = self.end_class(self._address(), receiver, self._key, self._random, self._bounds, lost)
        try:
            async with asyncio.timeout(self._bounds.handshake_s):
                await self._dial(receiver, lambda: end)
                why = await end.opened
        except (OSError, TimeoutError) as error:
            why = f"{type(error).__name__}: {error}"
        except asyncio.CancelledError:
            end.abort("not wanted any more")
            raise
        finally:
            way.dialling = None
        if why is None and end.gone:
            why = "lost at once"
        if why is None:
            way.end = end
            self.meter.streams += 1
            log.info("lane_stream_opened", to=receiver)
            return
        end.abort(why)
        self._wait(way)
        log.info("lane_stream_not_opened", to=receiver, reason=why)

    def _wait(self, way: _Way) -> None:
        bounds = self._bounds
        delay = min(bounds.retry_first_s * 2**way.failures, bounds.retry_max_s)
        way.failures = min(way.failures + 1, 10)
        way.not_before = asyncio.get_running_loop().time() + delay

    def _lost(self, way: _Way, end: SendingEnd, why: str) -> None:
        if way.end is not end:
            return
        way.end = None
        self.meter.breaks += 1
        if end.acknowledged:
            way.failures = 0
        self._wait(way)
        log.warning("lane_stream_lost", to=end.receiver, reason=why)

    def _close(self, way: _Way, why: str) -> None:
        if way.dialling is not None:
            way.dialling.cancel()
        if way.end is not None:
            way.end.abort(why)
