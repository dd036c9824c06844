"""Real sockets under a lane: where a silo listens, how another finds it, and TLS between machines."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from actors.membership import Member

UNIX_PATH_BYTES_MAX = 107
BACKLOG = 64
UNIX_FACT, TCP_FACT = "lane_unix", "lane_tcp"
KEEPALIVE_IDLE_S, KEEPALIVE_EVERY_S, KEEPALIVE_TRIES = 20, 5, 3


class Endpoint(msgspec.Struct, frozen=True):
    """``path`` of a unix socket, or ``host`` and ``port`` (0: any)."""

    path: str = ""
    host: str = ""
    port: int = 0


class Tls:
    """Both ends show a certificate that ``ca`` has signed. Files in PEM; raises OSError or ssl.SSLError."""

    def __init__(self, certificate: Path, key: Path, ca: Path) -> None:
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # Silos are found by address, not by name; the handshake binds the address to this very certificate.
        self.client.check_hostname = False
        for context in (self.server, self.client):
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(certificate, key)
            context.load_verify_locations(ca)
        first, mark, _ = certificate.read_text().partition("-----END CERTIFICATE-----")
        self.certificate = ssl.PEM_cert_to_DER_cert(first[first.index("-----BEGIN") :] + mark)


def endpoints_of(member: Member, node: str) -> list[Endpoint]:
    """How ``node`` reaches that silo, the best way first; empty when only calls do."""
    ways = []
    if member.node == node and (path := member.facts.get(UNIX_FACT)):
        ways.append(Endpoint(path=path))
    if at := member.facts.get(TCP_FACT):
        host, _, port = at.rpartition(":")
        ways.append(Endpoint(host=host, port=int(port)))
    return ways


async def listen(
    endpoint: Endpoint, make_end: Callable[[bytes | None], asyncio.Protocol], tls: Tls | None = None
) -> tuple[asyncio.AbstractServer, str]:
    """The server and where it listens (path, or ``host:port``). Raises OSError. The caller keeps the server:
    uvloop closes one that nobody holds."""
    loop = asyncio.get_running_loop()
    if endpoint.path:
        server = await loop.create_unix_server(lambda: make_end(None), sock=_bound_path(endpoint.path))
        return server, endpoint.path
    listening = _bound_port(endpoint)
    certificate = tls.certificate if tls is not None else None
    server = await loop.create_server(
        lambda: make_end(certificate), sock=listening, ssl=tls.server if tls is not None else None
    )
    return server, f"{endpoint.host}:{listening.getsockname()[1]}"


def _bound_path(path: str) -> socket.socket:
    if len(path.encode()) > UNIX_PATH_BYTES_MAX:
        raise OSError(f"{path} is too long for a unix socket")
    # What an earlier process of this seat left; two living ones cannot have the same seat.
    Path(path).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(path)
        Path(path).chmod(0o600)
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _bound_port(endpoint: Endpoint) -> socket.socket:
    listening = socket.socket(_family(endpoint.host), socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What it accepts inherits this: a machine that is gone without a word does not keep its place for ever.
        _keep_alive(listening)
        listening.bind((endpoint.host, endpoint.port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_EVERY_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_TRIES)


class Dialer:
    """Connects to a silo by its address: ``find`` gives its endpoints, which are tried in turn."""

    def __init__(self, find: Callable[[str], Sequence[Endpoint]], tls: Tls | None = None) -> None:
        self._find = find
        self._tls = tls

    async def __call__(self, receiver: str, make_end: Callable[[], asyncio.Protocol]) -> None:
        """Raises OSError."""
        failure = OSError("it has no address for a stream")
        for endpoint in self._find(receiver):
            try:
                await self._connect(endpoint, make_end)
                return
            except OSError as error:
                failure = error
        raise failure

    async def _connect(self, endpoint: Endpoint, make_end: Callable[[], asyncio.Protocol]) -> None:
        loop = asyncio.get_running_loop()
        if endpoint.path:
            await loop.create_unix_connection(make_end, endpoint.path)
            return
        context = self._tls.client if self._tls is not None else None
        transport, _ = await loop.create_connection(
            make_end,
            endpoint.host,
            endpoint.port,
            ssl=context,
            server_hostname=endpoint.host if context is not None else None,
        )
        _keep_alive(transport.get_extra_info("socket"))
