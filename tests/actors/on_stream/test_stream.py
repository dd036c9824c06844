"""A batch is received once and said to be, or its sender hears LaneDown; without a stream it goes as a call."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

import msgspec
import pytest

from actors.lanes import LaneDown
from actors.on_stream import Endpoint, listen
from actors.on_stream.handshake import RECEIVER, VERSION, Challenge, Exchange, Hello, Welcome, prove
from tests.actors.on_stream.peers import BOUNDS, KEY, THEM, Authority, Calls, Peer, Receiver, Sender, until

pytestmark = pytest.mark.anyio

CHILD = """
import asyncio, os, signal, sys
import uvloop
from actors.on_stream import Endpoint
from tests.actors.on_stream.peers import Receiver

async def main(path, dies_at):
    receiver = Receiver()
    take = receiver.receive

    def take_and_die(batch):
        take(batch)
        if len(receiver.got) == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    receiver.intake.receive = take_and_die
    await receiver.listen(Endpoint(path=path))
    print("listening", flush=True)
    await asyncio.sleep(600)

uvloop.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def start_child(path: str, dies_at: int) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CHILD, path, str(dies_at), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 30) == b"listening\n"
    return child


# --- received ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["unix", "tcp", "tls"])
async def test_batches_are_received_once_and_in_order(folder: Path, path: str, kind: str) -> None:
    """Small ones, an empty one, one of the largest size; each acknowledged."""
    authority = Authority(folder, "cluster") if kind == "tls" else None
    ours, theirs = (authority.tls("a"), authority.tls("b")) if authority else (None, None)
    receiver = Receiver()
    at = Endpoint(path=path) if kind == "unix" else Endpoint(host="127.0.0.1")
    sender = Sender(await receiver.listen(at, theirs), tls=ours)
    await sender.connect()
    receiver.got.clear()
    batches = [b"one", b"", os.urandom(BOUNDS.frame_bytes_max), *(b"%d" % n for n in range(10))]

    for batch in batches:
        sender.send(batch)
    await until("all have landed", lambda: not sender.in_flight())

    assert receiver.got == batches
    assert sender.down() == []
    assert sender.transport.kinds() == {THEM: "stream"}
    sender.transport.close()
    receiver.close()


async def test_bytes_that_come_one_by_one_are_frames(path: str) -> None:
    """Proof and batches cut everywhere; what is acknowledged is what is whole."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)
    await peer.prove()
    await peer.welcome()

    for number in range(1, 4):
        body = b"batch %d" % number
        for byte in len(body).to_bytes(4, "big") + body:
            assert len(receiver.got) == number - 1
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0)
        assert await peer.acknowledged() == number

    assert receiver.got == [b"batch 1", b"batch 2", b"batch 3"]
    peer.close()
    receiver.close()


async def test_one_read_has_one_acknowledgement(path: str) -> None:
    """A hundred frames that come together are answered by one count."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)
    await peer.prove()
    await peer.welcome()

    peer.writer.write(b"".join(b"\x00\x00\x00\x01x" for _ in range(100)))
    counts = [await peer.acknowledged()]
    while counts[-1] < 100:
        counts.append(await peer.acknowledged())

    assert len(receiver.got) == 100
    assert len(counts) < 10
    peer.close()
    receiver.close()


# --- bounds --------------------------------------------------------------------------------------------------


async def test_an_oversized_frame_ends_the_connection_at_its_head(path: str) -> None:
    """Also of a peer with the secret: nothing of it is read, nothing of it is kept."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)
    await peer.prove()
    await peer.welcome()
    peer.write(b"small")
    assert await peer.acknowledged() == 1

    peer.writer.write((BOUNDS.frame_bytes_max + 1).to_bytes(4, "big") + b"x")

    assert await peer.closed()
    assert receiver.got == [b"small"]
    await until("it is forgotten", lambda: not receiver.intake.peers)
    peer.close()
    receiver.close()


async def test_what_does_not_fit_goes_as_a_call(path: str) -> None:
    """A batch above the size of a frame, and one above the frames or bytes in flight; the stream stays."""
    receiver = Receiver()
    bounds = msgspec.structs.replace(BOUNDS, in_flight_max=2, in_flight_bytes_max=150_000)
    sender = Sender(await receiver.listen(Endpoint(path=path)), bounds=bounds)
    await sender.connect()
    carried = len(sender.calls.carried)

    sender.send(b"x" * 100_001)
    await until("it has landed", lambda: not sender.in_flight())
    sender.send(b"a" * 80_000)
    sender.send(b"b" * 80_000)
    sender.send(b"c")
    sender.send(b"d")
    await until("all have landed", lambda: not sender.in_flight())

    assert [batch[:1] for batch in sender.calls.carried[carried:]] == [b"x", b"b", b"d"]
    assert [batch[:1] for batch in receiver.got[-2:]] == [b"a", b"c"]
    assert sender.meter.streams == 1
    sender.transport.close()
    receiver.close()


async def test_a_path_too_long_for_a_socket_is_said(folder: Path) -> None:
    """107 bytes; the silo then has no unix socket, and is reached in other ways."""
    receiver = Receiver()
    with pytest.raises(OSError, match="too long"):
        await listen(Endpoint(path=str(folder / ("x" * 107))), receiver.intake.end)


async def test_a_socket_is_its_owners_and_takes_the_place_of_an_old_one(path: str) -> None:
    """What a killed process left at the path is no obstacle; others on the machine cannot connect."""
    os.close(os.open(path, os.O_CREAT))
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))

    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    receiver.close()


# --- breaks --------------------------------------------------------------------------------------------------


async def half_open(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Proves itself, reads, and never says a word again."""
    peer = Peer(reader, writer)
    nonce = os.urandom(32)
    peer.write(msgspec.msgpack.encode(Challenge(VERSION, nonce)))
    hello = msgspec.msgpack.decode(await peer.read(), type=Hello)
    exchange = Exchange(hello.sender, hello.receiver, hello.nonce, nonce, b"")
    peer.write(msgspec.msgpack.encode(Welcome(prove(KEY, RECEIVER, exchange))))
    await reader.read()
    writer.close()


async def test_a_peer_that_has_gone_silent_is_given_up(path: str) -> None:
    """Its frames count as lost, the next ones go as calls, and a new stream is tried."""
    server = await asyncio.start_unix_server(half_open, path)
    sender = Sender(Endpoint(path=path))
    await sender.connect()

    assert b"knock" in sender.down()
    assert sender.meter.breaks >= 1
    sender.send(b"one")
    await until("it has landed", lambda: not sender.in_flight())
    assert sender.landed[-1] == (b"one", None)
    sender.transport.close()
    server.close()


async def test_a_peer_that_counts_what_was_not_sent_is_given_up(path: str) -> None:
    """An acknowledgement for nothing is no acknowledgement."""

    async def liar(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        nonce = os.urandom(32)
        peer.write(msgspec.msgpack.encode(Challenge(VERSION, nonce)))
        hello = msgspec.msgpack.decode(await peer.read(), type=Hello)
        exchange = Exchange(hello.sender, hello.receiver, hello.nonce, nonce, b"")
        peer.write(msgspec.msgpack.encode(Welcome(prove(KEY, RECEIVER, exchange))))
        await peer.read()
        peer.write(msgspec.msgpack.encode(7))
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(liar, path)
    sender = Sender(Endpoint(path=path))
    await sender.connect()

    assert b"knock" in sender.down()
    sender.transport.close()
    server.close()


async def test_a_silo_that_has_stopped_refuses_what_comes(path: str) -> None:
    """Its stream ends: the batch is not received, and its sender is told."""
    receiver = Receiver()
    sender = Sender(await receiver.listen(Endpoint(path=path)))
    await sender.connect()
    receiver.got.clear()
    receiver.stopped = True

    sender.send(b"late")
    await until("it has landed", lambda: not sender.in_flight())

    assert sender.down() == [b"late"]
    assert receiver.got == []
    sender.transport.close()
    receiver.close()


async def test_a_fault_of_the_receiver_ends_the_stream_and_is_told(path: str) -> None:
    """Whatever receiving raises: the sender must not take the batch for received."""
    receiver = Receiver()
    sender = Sender(await receiver.listen(Endpoint(path=path)))
    await sender.connect()

    def faulty(batch: bytes) -> None:
        raise ZeroDivisionError

    receiver.intake.receive = faulty
    sender.send(b"one")
    await until("it has landed", lambda: not sender.in_flight())

    assert sender.down() == [b"one"]
    sender.transport.close()
    receiver.close()


async def test_a_kill_in_the_middle_loses_nothing_unsaid(path: str) -> None:
    """kill -9 after the fourth batch: each is received or down; calls carry on; the successor has a stream again."""
    child = await start_child(path, dies_at=4)
    sender = Sender(Endpoint(path=path))
    await sender.connect()

    for number in range(10):
        sender.send(b"%d" % number)
    await until("all have landed", lambda: not sender.in_flight())

    assert await asyncio.wait_for(child.wait(), 30) == -signal.SIGKILL
    assert sender.down()
    assert all(isinstance(down, LaneDown) for _, down in sender.landed if down is not None)
    # A stream is ordered: what was received is a beginning, what is down is the tail. A break that is seen while the
    # ten are being sent lets the rest of them go as calls.
    by_stream = sorted(landed for landed in sender.landed[-10:] if landed[0] not in sender.calls.carried)
    order = [down is not None for _, down in by_stream]
    assert order == sorted(order)
    sender.send(b"meanwhile")
    await until("it has landed", lambda: not sender.in_flight())
    assert sender.calls.carried[-1] == b"meanwhile"

    successor = await start_child(path, dies_at=10**9)
    await sender.connect()
    assert sender.meter.streams == 2
    successor.kill()
    await successor.wait()
    sender.transport.close()


async def test_without_a_stream_calls_carry_and_the_stream_comes_back(path: str) -> None:
    """No one listens; then one does; then he closes; then he listens again. No batch waits, none is lost."""
    receiver = Receiver()
    sender = Sender(Endpoint(path=path), calls=Calls(receiver))
    sender.send(b"nobody")
    await until("it has landed", lambda: not sender.in_flight())
    assert sender.transport.kinds() == {THEM: "calls"}

    await receiver.listen(Endpoint(path=path))
    await sender.connect()
    assert sender.transport.kinds() == {THEM: "stream"}
    receiver.close()
    await until("the break is seen", lambda: sender.transport.kinds() == {THEM: "calls"})
    sender.send(b"again nobody")
    await until("it has landed", lambda: not sender.in_flight())
    await receiver.listen(Endpoint(path=path))
    await sender.connect()

    assert sender.down() == []
    assert sorted(receiver.got) == sorted(batch for batch, _ in sender.landed)
    assert (sender.meter.streams, sender.meter.breaks) == (2, 1)
    sender.transport.close()
    receiver.close()


async def test_an_ended_silo_is_forgotten(path: str) -> None:
    """Its stream is closed and what was in flight is told; a transport does not collect incarnations."""
    server = await asyncio.start_unix_server(half_open, path)
    patient = msgspec.structs.replace(BOUNDS, silence_s=600.0)
    sender = Sender(Endpoint(path=path), bounds=patient)

    def over_the_stream() -> bool:
        sender.send(b"knock")
        return sender.meter.frames > 0

    await until("a batch goes over the stream", over_the_stream)

    sender.transport.forget(THEM)
    await until("it has landed", lambda: not sender.in_flight())

    assert sender.transport.kinds() == {}
    assert sender.down() == [b"knock"]
    server.close()


async def test_a_connection_under_way_is_given_up_with_its_silo(path: str) -> None:
    """Forgotten while it is being connected to: no stream, no error that nobody reads."""
    receiver = Receiver()
    sender = Sender(await receiver.listen(Endpoint(path=path)))
    sender.send(b"one")

    sender.transport.forget(THEM)
    await until("it has landed", lambda: not sender.in_flight())
    await asyncio.sleep(0)

    assert sender.transport.kinds() == {}
    sender.transport.close()
    receiver.close()
