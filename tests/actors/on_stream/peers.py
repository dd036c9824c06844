"""Two silos' ends of a lane over real sockets, a peer who speaks the bytes himself, and certificates made here."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from actors.lanes import Landed, LaneDown
from actors.on_stream import (
    Dialer,
    Endpoint,
    Intake,
    StreamBounds,
    StreamMeter,
    StreamTransport,
    Tls,
    lane_key,
    listen,
)
from actors.on_stream.frames import framed
from actors.on_stream.handshake import SENDER, Challenge, Exchange, Hello, Welcome, prove

KEY = lane_key(b"the cluster's secret, 32 bytes at least")
OTHER_KEY = lane_key(b"somebody else's secret, as long as ours")
BOUNDS = StreamBounds(
    frame_bytes_max=100_000, handshake_s=0.5, silence_s=0.3, retry_first_s=0.01, retry_max_s=0.05
)
PATIENCE_S = 20.0
US, THEM = "silo-0#1", "silo-1#4"


async def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S:.0f} s for: {what}"
        await asyncio.sleep(0.005)


class Receiver:
    """A silo's intake that keeps what it received; it may refuse, as one that has stopped does."""

    def __init__(self, *, key: bytes = KEY, address: str = THEM, bounds: StreamBounds = BOUNDS) -> None:
        self.got: list[bytes] = []
        self.stopped = False
        self.meter = StreamMeter()
        self.intake = Intake(
            address=lambda: address,
            receive=self.receive,
            key=key,
            random=os.urandom,
            meter=self.meter,
            bounds=bounds,
        )
        self._servers: list[asyncio.AbstractServer] = []

    def receive(self, batch: bytes) -> None:
        if self.stopped:
            raise LaneDown("stopped")
        self.got.append(batch)

    async def listen(self, endpoint: Endpoint, tls: Tls | None = None) -> Endpoint:
        server, at = await listen(endpoint, self.intake.end, tls)
        self._servers.append(server)
        return endpoint if endpoint.path else Endpoint(host=endpoint.host, port=int(at.rpartition(":")[2]))

    def close(self) -> None:
        for server in self._servers:
            server.close()
        self.intake.close()


class Calls:
    """The lane behind the stream: what goes this way is counted, and received by ``to`` if it is given."""

    def __init__(self, to: Receiver | None = None) -> None:
        self.to = to
        self.carried: list[bytes] = []

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        self.carried.append(batch)
        if self.to is not None:
            self.to.receive(batch)
        asyncio.get_running_loop().call_soon(landed, None)

    def forget(self, receiver: str) -> None:
        """Nothing to close."""


class Sender:
    """A silo's transport, and what became of each batch."""

    def __init__(
        self,
        at: Endpoint,
        *,
        key: bytes = KEY,
        calls: Calls | None = None,
        tls: Tls | None = None,
        bounds: StreamBounds = BOUNDS,
    ) -> None:
        self.at = [at]
        self.calls = calls or Calls()
        self.meter = StreamMeter()
        self.landed: list[tuple[bytes, LaneDown | None]] = []
        self.transport = StreamTransport(
            address=lambda: US,
            key=key,
            dial=Dialer(lambda receiver: self.at, tls),
            calls=self.calls,
            random=os.urandom,
            meter=self.meter,
            bounds=bounds,
        )

    def send(self, batch: bytes, receiver: str = THEM) -> None:
        self.transport.send(receiver, batch, lambda down: self.landed.append((batch, down)))

    async def connect(self) -> None:
        """Send until the stream carries it."""
        frames = self.meter.frames

        def over_the_stream() -> bool:
            self.send(b"knock")
            return self.meter.frames > frames

        await until("a batch goes over the stream", over_the_stream)
        await until("everything has landed", lambda: not self.in_flight())

    def in_flight(self) -> int:
        return self.meter.frames + self.meter.fallbacks - len(self.landed)

    def down(self) -> list[bytes]:
        return [batch for batch, down in self.landed if down is not None]


class Peer:
    """Speaks the bytes himself. ``hello`` is what he sent to prove himself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.hello = b""

    @classmethod
    async def connect(cls, path: str) -> Peer:
        return cls(*await asyncio.open_unix_connection(path))

    async def read(self) -> bytes:
        size = int.from_bytes(await asyncio.wait_for(self.reader.readexactly(4), PATIENCE_S), "big")
        return await asyncio.wait_for(self.reader.readexactly(size), PATIENCE_S)

    def write(self, body: bytes) -> None:
        self.writer.write(framed(body))

    async def prove(
        self, *, key: bytes = KEY, receiver: str = THEM, role: str = SENDER, sender: str = US
    ) -> None:
        challenge = msgspec.msgpack.decode(await self.read(), type=Challenge)
        exchange = Exchange(sender, receiver, os.urandom(32), challenge.nonce, b"")
        proof = prove(key, role, exchange)
        self.hello = msgspec.msgpack.encode(Hello(sender, receiver, exchange.sender_nonce, proof))
        self.write(self.hello)

    async def welcome(self) -> None:
        msgspec.msgpack.decode(await self.read(), type=Welcome)

    async def acknowledged(self) -> int:
        return int(msgspec.msgpack.decode(await self.read(), type=int))

    async def closed(self) -> bool:
        """Waits for the end; True if nothing came before it."""
        try:
            return await asyncio.wait_for(self.reader.read(), PATIENCE_S) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self.writer.close()


class Authority:
    """Signs certificates for loopback."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(self._signed(self._subject, self._key.public_key(), ca=True))

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, ca: bool) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
            )
            .sign(self._key, hashes.SHA256())
        )
        return built.public_bytes(serialization.Encoding.PEM)

    def tls(self, machine: str) -> Tls:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, machine)])
        certificate = self._folder / f"{self._name}-{machine}.crt"
        certificate.write_bytes(self._signed(subject, key.public_key(), ca=False))
        key_file = certificate.with_suffix(".key")
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return Tls(certificate, key_file, self.ca)
