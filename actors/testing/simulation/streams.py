"""Streams between simulated silos: the real ends, on a network whose connections break and stall as the seed says.

A stream has other fates than a call: what arrives is in order; a break loses the tail of what was written, part of
which may have arrived, whole frames or half of one; a stalled stream loses everything and says nothing.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import xxhash

from actors.lanes import Landed, LaneDown, LaneTransport
from actors.on_stream.bounds import StreamBounds, StreamMeter
from actors.on_stream.receiving import Intake
from actors.on_stream.transport import StreamTransport
from actors.testing.simulation.ports import CALL_TIMEOUT_S, SimLanes

if TYPE_CHECKING:
    from actors.silo import Silo
    from actors.testing.simulation.loop import SimLoop
    from actors.testing.simulation.world import Seat, World

BOUNDS = StreamBounds(
    in_flight_max=3,
    frame_bytes_max=4_000,
    handshake_s=CALL_TIMEOUT_S,
    silence_s=CALL_TIMEOUT_S,
    retry_first_s=0.02,
    retry_max_s=0.2,
)
"""Small, so that frames do not fit and calls carry them now and then."""
KEY = b"the secret of a simulated cluster"


class SimEnd:
    """One end of a connection, as a protocol sees it: asyncio's transport on virtual time."""

    def __init__(self, world: World, loop: SimLoop, protocol: asyncio.Protocol) -> None:
        self._world = world
        self.loop = loop
        self._protocol = protocol
        self._arrives_at = 0.0
        self._closing = False
        self._lost = False
        self.peer: SimEnd
        self.stalled = False

    # --- what a protocol asks of its transport ---------------------------------------------------------------

    def write(self, data: bytes) -> None:
        if self._closing or self.stalled:
            return
        match self._world.fate():
            case "lost":
                self._world.say("a stream stalls")
                self.stalled = self.peer.stalled = True
            case "late":
                # The kernel took all of it, the network a part.
                self._carry(data[: self._world.rng.randint(0, len(data))])
                self._break()
            case "answer lost":
                self._carry(data)
                self._break()
            case _:
                self._carry(data)

    def abort(self) -> None:
        if not self._closing:
            self._closing = True
            self.loop.call_soon(self.lose)
            self._world.after(self._world.latency(), self.peer.hear_end)

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    # --- the network -----------------------------------------------------------------------------------------

    def _carry(self, data: bytes) -> None:
        """In order, in one piece or cut anywhere."""
        world = self._world
        cut = world.rng.randint(0, len(data)) if world.rng.random() < 0.3 else 0
        for piece in (data[:cut], data[cut:]):
            if piece:
                self._arrives_at = max(self._arrives_at, world.now + world.latency())
                world.at(self._arrives_at, functools.partial(self.peer.arrive, piece))

    def _break(self) -> None:
        world = self._world
        world.say("a stream breaks")
        # Not before what was carried has arrived; each side hears of it in its own time.
        world.at(self._arrives_at + world.latency(), self.peer.hear_end)
        world.at(self._arrives_at + world.latency() * world.rng.choice((1, 50)), self.hear_end)
        self.stalled = self.peer.stalled = True

    def made(self) -> None:
        self.loop.call_soon(self._protocol.connection_made, self)

    def arrive(self, piece: bytes) -> None:
        """Bytes for a dead process come back as a reset."""
        if self.loop.dead:
            self._world.after(self._world.latency(), self.peer.hear_end)
        else:
            self.loop.call_soon(self._read, piece)

    def _read(self, piece: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(piece)

    def hear_end(self) -> None:
        """After what has arrived before it."""
        if not self.loop.dead:
            self.loop.call_soon(self.lose)

    def lose(self) -> None:
        if not self._lost:
            self._closing = self._lost = True
            self._protocol.connection_lost(None)


class SimNetwork:
    """Who can be connected to, and which batches have been received. One per world; the seed chooses its lanes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._streams = world.rng.random() < 0.5
        self._intakes: dict[SimLoop, Intake] = {}
        self._ends: list[SimEnd] = []
        self._received: set[int] = set()

    def lanes(self, seat: Seat, random: Callable[[int], bytes]) -> LaneTransport:
        """The lane of a seat's new silo: calls, or streams with calls behind them."""
        calls = SimLanes(self._world)
        return WatchedLanes(self._world, self._over_streams(seat, random, calls) if self._streams else calls)

    def _over_streams(
        self, seat: Seat, random: Callable[[int], bytes], calls: LaneTransport
    ) -> LaneTransport:
        assert seat.loop is not None
        meter = StreamMeter()

        def silo() -> Silo:
            assert seat.silo is not None
            return seat.silo

        def address() -> str:
            return getattr(silo(), "address", "")

        def receive(batch: bytes) -> None:
            self.receive(silo(), batch)

        self._intakes[seat.loop] = Intake(
            address=address, receive=receive, key=KEY, random=random, meter=meter, bounds=BOUNDS
        )
        return StreamTransport(
            address=address, key=KEY, dial=self._dial, calls=calls, random=random, meter=meter, bounds=BOUNDS
        )

    async def _dial(self, receiver: str, make_end: Callable[[], asyncio.Protocol]) -> None:
        world = self._world
        if world.fate() != "ok":
            raise OSError("not reached")
        there = world.loop_of(receiver)
        if there is None or there.dead:
            raise OSError("refused")
        here = cast("SimLoop", asyncio.get_running_loop())
        ours = SimEnd(world, here, make_end())
        theirs = SimEnd(world, there, self._intakes[there].end())
        ours.peer, theirs.peer = theirs, ours
        self._ends = [end for end in self._ends if not end.is_closing()] + [ours, theirs]
        ours.made()
        theirs.made()

    def receive(self, silo: Silo, batch: bytes) -> None:
        """A batch reaches a silo. Raises LaneDown."""
        silo.receive(batch)
        self._received.add(_mark(silo.address, batch))

    def has_received(self, receiver: str, batch: bytes) -> bool:
        return _mark(receiver, batch) in self._received

    def ended(self, loop: SimLoop) -> None:
        """A process was killed: the kernel closes its connections."""
        for end in self._ends:
            if end.loop is loop:
                self._world.after(self._world.latency(), end.peer.hear_end)


def _mark(receiver: str, batch: bytes) -> int:
    return int(xxhash.xxh3_64_intdigest(batch, int(xxhash.xxh32_intdigest(receiver.encode()))))


class WatchedLanes:
    """Judges the lane of a silo: each batch lands once, and *received* means that its receiver had it."""

    def __init__(self, world: World, lanes: LaneTransport) -> None:
        self._world = world
        self.inner = lanes

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        landings = 0

        def judge(down: LaneDown | None) -> None:
            nonlocal landings
            landings += 1
            if landings > 1:
                self._world.violate("a batch landed twice")
            if down is None and not self._world.network.has_received(receiver, batch):
                self._world.violate(f"a batch for {receiver} counts as received, and was not")
            landed(down)

        self.inner.send(receiver, batch, judge)

    def forget(self, receiver: str) -> None:
        self.inner.forget(receiver)
