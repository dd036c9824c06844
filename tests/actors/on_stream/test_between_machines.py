"""Over TCP with TLS: certificates of one authority at both ends, and the proofs name the receiver's."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from actors.membership import Member
from actors.on_stream import TCP_FACT, UNIX_FACT, Endpoint, StreamBounds, Tls, endpoints_of
from tests.actors.on_stream.peers import THEM, Authority, Receiver, Sender, until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("wrong", ["another authority", "no TLS"])
async def test_a_receiver_with_tls_takes_only_who_shows_a_certificate(folder: Path, wrong: str) -> None:
    """The secret is not enough where certificates are asked for; nothing is received."""
    receiver = Receiver()
    at = await receiver.listen(Endpoint(host="127.0.0.1"), Authority(folder, "cluster").tls("a"))
    tls: Tls | None = Authority(folder, "others").tls("b") if wrong == "another authority" else None
    sender = Sender(at, tls=tls)

    for _ in range(3):
        sender.send(b"one")
        await until("it has landed", lambda: not sender.in_flight())
        await until("the attempt has ended", lambda: sender.transport.kinds() == {THEM: "calls"})

    assert receiver.got == []
    assert sender.meter.frames == 0
    sender.transport.close()
    receiver.close()


async def test_who_stands_in_between_with_a_good_certificate_is_noticed(folder: Path) -> None:
    """Decrypts and passes on every byte, with a certificate of the same authority: the proofs name the receiver's."""
    authority = Authority(folder, "cluster")
    receiver = Receiver()
    behind = await receiver.listen(Endpoint(host="127.0.0.1"), authority.tls("b"))
    middle = authority.tls("middle")
    passed: list[bytes] = []

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward = await asyncio.open_connection(
            behind.host, behind.port, ssl=middle.client, server_hostname=behind.host
        )

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65_536):
                passed.append(data)
                sink.write(data)
            sink.close()

        await asyncio.gather(pump(reader, onward), pump(onward_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=middle.server)
    port = server.sockets[0].getsockname()[1]
    sender = Sender(Endpoint(host="127.0.0.1", port=port), tls=authority.tls("a"))

    sender.send(b"one")
    await until("it is turned away", lambda: receiver.meter.refused > 0)

    assert passed
    assert sender.meter.streams == 0
    sender.transport.close()
    server.close()
    receiver.close()


def test_a_silo_is_found_by_its_socket_here_and_its_port_elsewhere() -> None:
    """The unix socket first, on the same machine only."""
    facts = {UNIX_FACT: "/tmp/x.sock", TCP_FACT: "10.0.0.5:7001"}
    member = Member(name="silo-1", incarnation=4, node="here", facts=facts)

    assert endpoints_of(member, "here") == [
        Endpoint(path="/tmp/x.sock"),
        Endpoint(host="10.0.0.5", port=7001),
    ]
    assert endpoints_of(member, "there") == [Endpoint(host="10.0.0.5", port=7001)]
    assert endpoints_of(Member(name="silo-1", incarnation=4), "here") == []
    assert StreamBounds().frame_bytes_max <= StreamBounds().in_flight_bytes_max
