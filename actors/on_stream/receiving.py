"""The receiving ends: who may send, and one acknowledgement for all frames that came with one read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec
import structlog

from actors.lanes import LaneDown
from actors.on_stream.bounds import StreamBounds, StreamMeter
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

log = structlog.get_logger("kaifan.lane")

_encode = msgspec.msgpack.Encoder().encode
_hello = msgspec.msgpack.Decoder(Hello).decode


class Intake:
    """All incoming streams of a silo. ``address`` is "" until the silo has one; ``receive`` may raise LaneDown.

    ``end()`` gives the protocol of a new connection; ``certificate`` is our own (DER) where that connection is TLS.
    """

    def __init__(
        self,
        *,
        address: Callable[[], str],
        receive: Callable[[bytes], None],
        key: bytes,
        random: Callable[[int], bytes],
        meter: StreamMeter,
        bounds: StreamBounds | None = None,
    ) -> None:
        self.address = address
        self.receive = receive
        self.key = key
        self.random = random
        self.meter = meter
        self.bounds = bounds or StreamBounds()
        self.peers: dict[str, ReceivingEnd] = {}
        self._strangers: set[ReceivingEnd] = set()

    def end(self, certificate: bytes | None = None) -> ReceivingEnd:
        return ReceivingEnd(self, channel_of(certificate))

    def admit(self, end: ReceivingEnd) -> bool:
        """A stranger may stay for as long as a handshake takes, if there are not too many."""
        if len(self._strangers) >= self.bounds.strangers_max:
            return False
        self._strangers.add(end)
        return True

    def proved(self, end: ReceivingEnd, sender: str) -> None:
        """One stream per sender: an earlier one is what a break that nobody saw has left. Raises Unproved."""
        earlier = self.peers.get(sender)
        if earlier is None and len(self.peers) >= self.bounds.connections_max:
            raise Unproved("too many silos are connected")
        self._strangers.discard(end)
        self.peers[sender] = end
        if earlier is not None:
            earlier.abort()

    def gone(self, end: ReceivingEnd) -> None:
        self._strangers.discard(end)
        if self.peers.get(end.peer) is end:
            del self.peers[end.peer]

    def close(self) -> None:
        for end in [*self._strangers, *self.peers.values()]:
            end.abort()


class ReceivingEnd(asyncio.Protocol):
    """One incoming connection. Nothing is decoded but the handshake until the peer has proved the secret."""

    def __init__(self, intake: Intake, channel: bytes) -> None:
        self.peer = ""
        self._intake = intake
        self._channel = channel
        self._nonce = intake.random(NONCE_BYTES)
        self._frames = Frames(HANDSHAKE_BYTES_MAX)
        self._received = 0
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._intake.admit(self):
            self._turn_away("too many strangers")
            return
        self._transport.write(framed(_encode(Challenge(VERSION, self._nonce))))
        self._patience = asyncio.get_running_loop().call_later(
            self._intake.bounds.handshake_s, self._turn_away, "no proof in time"
        )

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._transport.is_closing():
            return
        before = self._received
        try:
            for body in self._frames.feed(data):
                if self.peer:
                    self._intake.receive(body)
                    self._received += 1
                else:
                    self._prove(_hello(body))
        except (FrameTooLarge, Unproved, LaneDown, msgspec.MsgspecError) as error:
            self._turn_away(str(error))
        except Exception as error:
            # A fault of ours must not look like a lost batch: it is logged, and the sender told by the break.
            log.exception("lane_batch_failed", sender=self.peer)
            self._turn_away(repr(error))
        if self._received != before and not self._transport.is_closing():
            self._transport.write(framed(_encode(self._received)))

    def _prove(self, hello: Hello) -> None:
        assert self._transport is not None
        intake = self._intake
        check_nonce(hello.nonce)
        exchange = Exchange(hello.sender, hello.receiver, hello.nonce, self._nonce, self._channel)
        check(intake.key, SENDER, exchange, hello.proof)
        if not hello.sender or hello.receiver != intake.address():
            raise Unproved(f"{hello.receiver} is not here")
        intake.proved(self, hello.sender)
        self.peer = hello.sender
        self._frames.limit = intake.bounds.frame_bytes_max
        if self._patience is not None:
            self._patience.cancel()
        self._transport.write(framed(_encode(Welcome(prove(intake.key, RECEIVER, exchange)))))

    def pause_writing(self) -> None:
        """It does not read its acknowledgements: they would pile up here."""
        self._turn_away("acknowledgements are not read")

    def _turn_away(self, why: str) -> None:
        self._intake.meter.refused += 1
        log.warning("lane_turned_away", sender=self.peer or "a stranger", reason=why)
        self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        self._intake.gone(self)
