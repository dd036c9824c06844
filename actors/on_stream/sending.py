"""The sending end of one connection: proves itself, writes frames, counts acknowledgements, tells of a lost tail."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

import msgspec

from actors.lanes import Landed, LaneDown
from actors.on_stream.bounds import StreamBounds
from actors.on_stream.frames import Frames, FrameTooLarge, framed
from actors.on_stream.handshake import (
    HANDSHAKE_BYTES_MAX,
    NONCE_BYTES,
    RECEIVER,
    SENDER,
    VERSION,
    Challenge,
    Exchange,
    Hello,
    Unproved,
    Welcome,
    channel_of,
    check,
    check_nonce,
    prove,
)

_encode = msgspec.msgpack.Encoder().encode
_challenge = msgspec.msgpack.Decoder(Challenge).decode
_welcome = msgspec.msgpack.Decoder(Welcome).decode
_count = msgspec.msgpack.Decoder(int).decode


class SendingEnd(asyncio.Protocol):
    """From ``sender`` to ``receiver`` (addresses). ``opened`` gets None when the peer has proved itself, or why not.

    The peer acknowledges with the number of frames that it has received so far. A stream is ordered, so a break
    loses a tail: for each frame without an acknowledgement ``landed`` gets LaneDown, received or not.
    """

    def __init__(
        self,
        sender: str,
        receiver: str,
        key: bytes,
        random: Callable[[int], bytes],
        bounds: StreamBounds,
        lost: Callable[[SendingEnd, str], None],
    ) -> None:
        self.sender = sender
        self.receiver = receiver
        self.opened: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.acknowledged = 0
        self.gone = False
        self._key = key
        self._random = random
        self._bounds = bounds
        self._lost = lost
        self._frames = Frames(HANDSHAKE_BYTES_MAX)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._in_flight: deque[tuple[Landed, int, float]] = deque()
        self._in_flight_bytes = 0
        self._silence: asyncio.TimerHandle | None = None
        self._why = "the peer has closed the stream"

    # --- the sender's side -----------------------------------------------------------------------------------

    def takes(self, size: int) -> bool:
        """Whether a batch of so many bytes may be sent now."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and size <= self._bounds.frame_bytes_max
            and len(self._in_flight) < self._bounds.in_flight_max
            and self._in_flight_bytes + size <= self._bounds.in_flight_bytes_max
        )

    def send(self, batch: bytes, landed: Landed) -> None:
        """One write. To be called only while it ``takes`` the batch."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._in_flight.append((landed, len(batch), loop.time()))
        self._in_flight_bytes += len(batch)
        self._transport.write(framed(batch))
        if self._silence is None:
            self._silence = loop.call_later(self._bounds.silence_s, self._listen)

    def abort(self, why: str) -> None:
        """End the connection; the tail is told when the loop gets to it."""
        self._why = why
        if self._transport is not None:
            self._transport.abort()

    def _listen(self) -> None:
        """One timer for all frames: is the oldest one waiting for too long?"""
        self._silence = None
        if not self._in_flight:
            return
        loop = asyncio.get_running_loop()
        left = self._in_flight[0][2] + self._bounds.silence_s - loop.time()
        if left <= 0:
            self.abort(f"no acknowledgement for {self._bounds.silence_s} s")
        else:
            self._silence = loop.call_later(left, self._listen)

    # --- what the loop tells ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.opened.done():
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        try:
            for body in self._frames.feed(data):
                if self.opened.done():
                    self._count_up_to(_count(body))
                elif self._exchange is None:
                    self._answer(_challenge(body))
                else:
                    self._welcomed(_welcome(body))
        except (FrameTooLarge, Unproved, msgspec.MsgspecError) as error:
            self.abort(str(error))

    def _answer(self, challenge: Challenge) -> None:
        assert self._transport is not None
        if challenge.version != VERSION:
            raise Unproved(f"version {challenge.version} of the lane")
        check_nonce(challenge.nonce)
        tls = self._transport.get_extra_info("ssl_object")
        self._exchange = Exchange(
            self.sender,
            self.receiver,
            self._random(NONCE_BYTES),
            challenge.nonce,
            channel_of(tls.getpeercert(True) if tls is not None else None),
        )
        proof = prove(self._key, SENDER, self._exchange)
        hello = Hello(self.sender, self.receiver, self._exchange.sender_nonce, proof)
        self._transport.write(framed(_encode(hello)))

    def _welcomed(self, welcome: Welcome) -> None:
        assert self._exchange is not None
        check(self._key, RECEIVER, self._exchange, welcome.proof)
        self.opened.set_result(None)

    def _count_up_to(self, received: int) -> None:
        if not 0 <= received - self.acknowledged <= len(self._in_flight):
            raise Unproved(f"{received} frames acknowledged, {self.acknowledged + len(self._in_flight)} sent")
        while self.acknowledged < received:
            self.acknowledged += 1
            landed, size, _ = self._in_flight.popleft()
            self._in_flight_bytes -= size
            landed(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True
        why = f"{type(error).__name__}: {error}" if error is not None else self._why
        if self._silence is not None:
            self._silence.cancel()
        if not self.opened.done():
            self.opened.set_result(why)
        tail, self._in_flight = self._in_flight, deque()
        self._lost(self, why)
        self._tell_lost(tail, why)

    def _tell_lost(self, tail: deque[tuple[Landed, int, float]], why: str) -> None:
        for landed, _, _ in tail:
            landed(LaneDown(f"{self.receiver}: {why}"))
