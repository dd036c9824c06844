"""Only who knows the cluster's secret, means this silo and is here now may send; only to such a one is sent."""

from __future__ import annotations

import asyncio
import os

import msgspec
import pytest

from actors.on_stream import Endpoint, StreamBounds
from actors.on_stream.handshake import RECEIVER, SENDER, VERSION, Challenge, Exchange, Hello, Welcome, prove
from tests.actors.on_stream.peers import KEY, OTHER_KEY, THEM, US, Peer, Receiver, Sender, until

pytestmark = pytest.mark.anyio


async def test_a_sender_without_the_secret_is_turned_away(path: str) -> None:
    """It is told nothing, sends nothing over the stream, and its batches go as calls."""
    receiver = Receiver()
    sender = Sender(await receiver.listen(Endpoint(path=path)), key=OTHER_KEY)

    sender.send(b"one")
    await until("it is turned away", lambda: receiver.meter.refused > 0)
    sender.send(b"two")
    await until("both have landed", lambda: not sender.in_flight())

    assert receiver.got == []
    assert sender.calls.carried == [b"one", b"two"]
    assert sender.meter.frames == 0
    sender.transport.close()
    receiver.close()


@pytest.mark.parametrize(
    "lie",
    [
        {"key": OTHER_KEY},
        {"receiver": "silo-1#3"},
        {"receiver": "silo-2#1"},
        {"role": RECEIVER},
        {"sender": ""},
    ],
    ids=["another secret", "an earlier incarnation", "another silo", "the other role", "nobody"],
)
async def test_a_false_proof_is_not_answered(path: str, lie: dict[str, str]) -> None:
    """The connection ends without a word; what came behind the proof is not read."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)

    await peer.prove(**lie)  # type: ignore[arg-type]
    peer.write(b"a batch")

    assert await peer.closed()
    assert receiver.got == []
    assert receiver.meter.refused == 1
    peer.close()
    receiver.close()


async def test_a_recorded_handshake_cannot_be_played_again(path: str) -> None:
    """The receiver's nonce is fresh in each connection."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    honest = await Peer.connect(path)
    await honest.prove()
    await honest.welcome()
    thief = await Peer.connect(path)
    await thief.read()

    thief.write(honest.hello)

    assert await thief.closed()
    assert list(receiver.intake.peers) == [US]
    honest.close()
    thief.close()
    receiver.close()


async def test_a_receiver_without_the_secret_gets_no_batch(path: str) -> None:
    """Somebody listens at the socket and accepts everything: he hears a proof of no use, and no batch."""
    heard: list[bytes] = []
    ended = asyncio.Event()

    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        peer.write(msgspec.msgpack.encode(Challenge(VERSION, os.urandom(32))))
        hello = msgspec.msgpack.decode(await peer.read(), type=Hello)
        exchange = Exchange(hello.sender, hello.receiver, hello.nonce, b"n" * 32, b"")
        peer.write(msgspec.msgpack.encode(Welcome(prove(OTHER_KEY, RECEIVER, exchange))))
        heard.append(await reader.read())
        ended.set()
        writer.close()

    server = await asyncio.start_unix_server(impostor, path)
    sender = Sender(Endpoint(path=path))

    sender.send(b"one")
    await asyncio.wait_for(ended.wait(), 20)
    sender.send(b"two")
    await until("both have landed", lambda: not sender.in_flight())

    assert heard[0] == b""
    assert sender.calls.carried == [b"one", b"two"]
    assert sender.meter.streams == 0
    sender.transport.close()
    server.close()


async def test_a_proof_sent_back_proves_nothing(path: str) -> None:
    """A reflection: the sender's own proof returned as the receiver's."""
    returned = asyncio.Event()

    async def mirror(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        peer.write(msgspec.msgpack.encode(Challenge(VERSION, os.urandom(32))))
        hello = msgspec.msgpack.decode(await peer.read(), type=Hello)
        peer.write(msgspec.msgpack.encode(Welcome(hello.proof)))
        assert await reader.read() == b""
        returned.set()
        writer.close()

    server = await asyncio.start_unix_server(mirror, path)
    sender = Sender(Endpoint(path=path))

    sender.send(b"one")
    await asyncio.wait_for(returned.wait(), 20)

    assert sender.meter.streams == 0
    sender.transport.close()
    server.close()


async def test_a_stranger_may_not_announce_much(path: str) -> None:
    """512 bytes before the proof: nothing larger is waited for."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)
    await peer.read()

    peer.writer.write((513).to_bytes(4, "big"))

    assert await peer.closed()
    peer.close()
    receiver.close()


@pytest.mark.parametrize("said", [b"", b"\x00", b"\x00\x00\x00\x10half"], ids=["nothing", "a byte", "half"])
async def test_a_stranger_who_does_not_finish_is_closed(path: str, said: bytes) -> None:
    """A handshake has a time."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)
    await peer.read()

    peer.writer.write(said)

    assert await peer.closed()
    assert receiver.meter.refused == 1
    peer.close()
    receiver.close()


@pytest.mark.parametrize(
    "garbage", [b"", b"\xc1", b"GET / HTTP/1.1\r\n", b"\x94\xa1a\xa1b\xc4\x01x\xc4\x01y"]
)
async def test_garbage_is_not_a_proof(path: str, garbage: bytes) -> None:
    """What is no Hello, or one without randomness of its own, ends the connection."""
    receiver = Receiver()
    await receiver.listen(Endpoint(path=path))
    peer = await Peer.connect(path)
    await peer.read()

    peer.write(garbage)

    assert await peer.closed()
    assert receiver.got == []
    peer.close()
    receiver.close()


async def test_strangers_are_few(path: str) -> None:
    """Who comes while too many have not proved themselves is closed at once; a place is free again later."""
    receiver = Receiver(bounds=StreamBounds(strangers_max=2, handshake_s=30))
    await receiver.listen(Endpoint(path=path))
    first, second = await Peer.connect(path), await Peer.connect(path)
    await first.read()
    await second.read()
    third = await Peer.connect(path)
    assert await third.closed()

    second.close()
    await until("its place is free", lambda: len(receiver.intake._strangers) == 1)
    fourth = await Peer.connect(path)
    await fourth.prove()
    await fourth.welcome()

    for peer in (first, third, fourth):
        peer.close()
    receiver.close()


async def test_there_is_one_stream_per_sender_the_newest(path: str) -> None:
    """What a break that nobody saw has left must not keep a place, nor be counted as another silo."""
    receiver = Receiver(bounds=StreamBounds(connections_max=1))
    await receiver.listen(Endpoint(path=path))
    old, new, other = [await Peer.connect(path) for _ in range(3)]
    for peer in (old, new):
        await peer.prove()
        await peer.welcome()

    assert await old.closed()
    new.write(b"a batch")
    assert await new.acknowledged() == 1
    await other.prove(sender="silo-7#1")
    assert await other.closed()
    for peer in (old, new, other):
        peer.close()
    receiver.close()


def test_roles_addresses_nonces_and_channel_all_count() -> None:
    """Two exchanges that differ in anything have different proofs, also where their texts run together."""
    base = Exchange(US, THEM, b"a" * 32, b"b" * 32, b"")
    others = [
        msgspec.structs.replace(base, sender=US + "s", receiver=THEM[1:]),
        msgspec.structs.replace(base, receiver="silo-1#5"),
        msgspec.structs.replace(base, sender_nonce=b"c" * 32),
        msgspec.structs.replace(base, receiver_nonce=b"c" * 32),
        msgspec.structs.replace(base, channel=b"c" * 32),
    ]
    proofs = {prove(KEY, SENDER, exchange) for exchange in [base, *others]} | {prove(KEY, RECEIVER, base)}

    assert len(proofs) == len(others) + 2
