"""One WebSocket, as the transport's protocol: no task per message, no timer, and no queue of its own.

What it is told is written at once. While the client does not read (the transport's buffer is over its mark) it is
told nothing; when it reads again, the hub brings what it missed. One that stays behind is closed and can resume.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from actors.words import Rejected
from api.live import frames
from api.live.frames import BadFrame, Frames, close_frame, frame

if TYPE_CHECKING:
    from api.live.desk import Desk, Place

PING_S = 20.0
"""Silence after which the client is asked for a sign of life; after as much again it is given up."""

BEHIND_S = 10.0
CLOSING_S = 3.0
BUFFER_BYTES_MAX = 65_536
MESSAGES_MAX = 60
"""Of a client within PING_S. It has nothing to say, but some libraries send heartbeats of their own."""

_PING = frame(frames.PING, b"")


class LiveSocket(asyncio.Protocol):
    """A screen of one entity. Runs on the silo's loop."""

    def __init__(
        self, desk: Desk, place: Place, transport: asyncio.Transport, seq: int, connections: set[Any]
    ) -> None:
        self._connections = connections
        connections.add(self)
        self.desk = desk
        self.place = place
        self.transport = transport
        self.seq = seq
        self.ready = True
        self._frames = Frames()
        now = desk.now()
        self._heard_at = now
        self._pinged = False
        self._behind_since = 0.0
        self._messages = 0
        self._closing_until = 0.0
        self.check_again_at = now + desk.recheck_s
        transport.set_write_buffer_limits(high=BUFFER_BYTES_MAX)

    # --- from the hub --------------------------------------------------------------------------------------

    def tell(self, pieces: bytes) -> None:
        """Ready frames, in order."""
        self.transport.write(pieces)

    def reset(self, seq: int) -> None:
        """The pieces in between are not kept any more."""
        self.transport.write(self.place.reset_frame(seq))

    def gone(self, no: Rejected) -> None:
        """The entity says no."""
        self.close(frames.NOT_FOUND, no.code)

    # --- from the transport --------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.desk.now()
        self._pinged = False
        try:
            for opcode, payload in self._frames.feed(data):
                self._take(opcode, payload)
        except BadFrame as bad:
            if self._closing_until:
                self.transport.abort()
            else:
                self.close(bad.code, bad.reason)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.CLOSE:
            if not self._closing_until:
                self.transport.write(frame(frames.CLOSE, payload[:2]))
            self.transport.close()
            return
        self._messages += 1
        if self._messages > MESSAGES_MAX:
            raise BadFrame(frames.POLICY, "nothing is to be said here, and this was much")
        if opcode == frames.PING and self.ready and not self._closing_until:
            self.transport.write(frame(frames.PONG, payload))

    def pause_writing(self) -> None:
        self.ready = False
        self._behind_since = self.desk.now()

    def resume_writing(self) -> None:
        self.ready = True
        self._behind_since = 0.0
        if not self._closing_until:
            self.desk.hub.resume(self.place.entity, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self.desk.left(self)

    def eof_received(self) -> bool:
        return False

    # --- from the server -----------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """Looked at twice a second: who is silent, who does not read, who may not see it any more."""
        if self._closing_until:
            if now >= self._closing_until:
                self.transport.abort()
        elif self._behind_since and now - self._behind_since >= BEHIND_S:
            self.desk.meter.dropped += 1
            self.close(frames.TOO_SLOW, "too slow; come again with since")
        elif now - self._heard_at >= 2 * PING_S:
            self.close(frames.GOING_AWAY, "no sign of life")
        elif now - self._heard_at >= PING_S and not self._pinged:
            self._pinged = True
            self._messages = 0
            if self.ready:
                self.transport.write(_PING)
        elif now >= self.check_again_at:
            self.check_again_at = now + self.desk.recheck_s
            self.desk.check_again(self)

    def close(self, code: int, reason: str) -> None:
        """Say why, and end when that is read or after a moment."""
        if self._closing_until or self.transport.is_closing():
            return
        self._closing_until = self.desk.now() + CLOSING_S
        self.desk.meter.closed[code] += 1
        self.desk.hub.unfollow(self.place.entity, self)
        self.transport.write(close_frame(code, reason))

    def drain(self) -> None:
        """The silo leaves; another takes over at once."""
        self.close(frames.RESTARTING, "this silo restarts; come again with since")

    def shutdown(self) -> None:
        """The server ends: uvicorn asks every connection."""
        self.drain()
        self.transport.close()
