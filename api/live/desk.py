"""What all sockets of a silo share: the way in, the bounds, and the hub behind them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
import re
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any, Protocol

import structlog

from actors.live import Hub
from actors.words import Rejection
from api import ids
from api.bodies import parse_query
from api.call import Call
from api.door import Door
from api.live import frames
from api.live.frames import accept_of
from api.live.routes import NOTHING_SEEN, SUBJECTS, Since, Subject
from api.live.socket import LiveSocket
from api.live.words import news_of, reset_frame
from api.operations import Operation
from api.problems import Problem
from api.rejections import Forbidden, TooManySockets, Unauthenticated, UpgradeRequired
from api.tokens import Staff
from store_runtime.live import Delta

BEARER = b"kaifan.bearer."
PROTOCOL = b"kaifan.live"
RECHECK_S = 30.0
VERSION = b"13"

log = structlog.get_logger("kaifan.live")


class Connection(Protocol):
    """The HTTP connection that becomes a socket (``api/protocol.py``)."""

    transport: asyncio.Transport
    connections: set[Any]
    draining: bool

    def refuse_upgrade(self, reason: Rejection | Problem) -> None:
        """Answer, and close."""
        ...


class LiveMeter:
    """What is counted of sockets."""

    def __init__(self) -> None:
        self.opened = 0
        self.refused = 0
        self.dropped = 0
        self.closed: Counter[int] = Counter()


class Place:
    """Where a socket looks, and on whose word."""

    __slots__ = ("call", "entity", "subject")

    def __init__(self, call: Call, subject: Subject) -> None:
        self.call = call
        self.subject = subject
        self.entity = subject.entity(call)

    @property
    def user(self) -> str:
        """Whose bound it counts against."""
        assert self.call.principal is not None, "admitted"
        return self.call.principal.caller

    def reset_frame(self, seq: int) -> bytes:
        """Read the view."""
        return reset_frame(seq, self.subject.view_of(self.entity))


class Route:
    """An address that can be followed."""

    def __init__(self, operation: Operation, subject: Subject) -> None:
        self.operation = operation
        self.subject = subject
        parts = re.split(r"{(\w+)}", operation.path)
        self._pattern = re.compile("([^/?]*)".join(map(re.escape, parts[::2])).encode() + rb"(?:\?(.*))?")
        self._name = parts[1]

    def match(self, url: bytes) -> tuple[dict[str, str], bytes] | None:
        """Parameters and query string."""
        found = self._pattern.fullmatch(url)
        if found is None:
            return None
        return {self._name: found[1].decode("latin-1")}, found[2] or b""


class Upgrade:
    """A request to become a socket."""

    __slots__ = ("call", "query", "subject")

    def __init__(self, call: Call, subject: Subject, query: bytes) -> None:
        self.call = call
        self.subject = subject
        self.query = query


class Desk:
    """One silo's sockets. Belongs to the silo's one loop."""

    def __init__(self, door: Door, hub: Hub, operations: list[Operation]) -> None:
        self.door = door
        self.hub = hub
        self.meter = LiveMeter()
        self.sockets: dict[LiveSocket, None] = {}
        self._per_user: Counter[str] = Counter()
        self._routes = [Route(one, SUBJECTS[one.name]) for one in operations if one.name in SUBJECTS]
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def recheck_s(self) -> float:
        """In so long the next look whether somebody still may; spread, so that not all are looked at together."""
        return RECHECK_S * (0.75 + random.random() / 2)

    def now(self) -> float:
        """Seconds of the loop, as the server's."""
        return asyncio.get_running_loop().time()

    def find(
        self, method: bytes, url: bytes, headers: list[tuple[bytes, bytes]], peer: str
    ) -> Upgrade | None:
        """The request if it asks for a WebSocket at an address that can be followed."""
        by_name = dict(headers)
        if method != b"GET" or by_name.get(b"upgrade", b"").lower() != b"websocket":
            return None
        for route in self._routes:
            found = route.match(url)
            if found is not None:
                _authorize(by_name)
                call = Call(self.door, route.operation, headers, by_name, found[0], peer)
                return Upgrade(call, route.subject, found[1])
        return None

    def open(self, connection: Connection, upgrade: Upgrade) -> None:
        """Let the caller in or tell them why not; the connection is not HTTP any more."""
        self._start(self._open(connection, upgrade))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, connection: Connection, upgrade: Upgrade) -> None:
        try:
            delta = await self._admit(connection, upgrade)
        except (Problem, Rejection) as no:
            self.meter.refused += 1
            connection.refuse_upgrade(no)
        except Exception:
            log.exception("socket_not_opened")
            connection.refuse_upgrade(Problem(500, "internal_error", "A mistake of ours; it was logged."))
        else:
            if not connection.transport.is_closing():
                self._seat(connection, upgrade, delta)

    async def _admit(self, connection: Connection, upgrade: Upgrade) -> Delta:
        call = upgrade.call
        staff = self.door.admit(call)
        if staff is not None:
            await self.door.admit_staff(call, staff)
        ids.check(call.params)
        since = parse_query(upgrade.query, Since).since
        if call.headers.get(b"sec-websocket-version") != VERSION or not _is_key(call.headers):
            raise UpgradeRequired()
        if connection.draining:
            raise Problem(503, "unavailable", "This silo restarts; another takes the connection.")
        assert call.principal is not None, "no public place can be followed"
        if len(self.sockets) >= self.door.settings.sockets_max:
            raise Problem(503, "overloaded", "This silo has all the sockets it can hold.")
        if self._per_user[call.principal.caller] >= self.door.settings.sockets_per_user:
            raise TooManySockets(sockets_max=self.door.settings.sockets_per_user)
        return await upgrade.subject.delta(call, NOTHING_SEEN if since is None else since)

    def _seat(self, connection: Connection, upgrade: Upgrade, delta: Delta) -> None:
        place = Place(upgrade.call, upgrade.subject)
        transport = connection.transport
        transport.write(_switching(upgrade.call.headers, self.door.silo_header))
        socket = LiveSocket(self, place, transport, delta.seq, connection.connections)
        self.sockets[socket] = None
        self._per_user[place.user] += 1
        self.meter.opened += 1
        connection.connections.discard(connection)
        transport.set_protocol(socket)
        if delta.reset:
            socket.reset(delta.seq)
        elif delta.events:
            socket.tell(b"".join(news_of(delta).pieces))
        self.hub.follow(place.entity, socket)
        transport.resume_reading()

    def left(self, socket: LiveSocket) -> None:
        """Its connection is gone."""
        if self.sockets.pop(socket, socket) is None:
            self.hub.unfollow(socket.place.entity, socket)
            user = socket.place.user
            self._per_user[user] -= 1
            if not self._per_user[user]:
                del self._per_user[user]

    def check_again(self, socket: LiveSocket) -> None:
        """Tokens end, roles are taken away, and guests leave."""
        self._start(self._check_again(socket))

    async def _check_again(self, socket: LiveSocket) -> None:
        call = socket.place.call
        try:
            call.principal = self.door.tokens.principal(
                call.headers[b"authorization"], self.door.clock.now_ms()
            )
            if isinstance(call.principal, Staff):
                await self.door.admit_staff(call, call.principal)
            await socket.place.subject.delta(call, socket.seq)
        except Unauthenticated:
            socket.close(frames.UNAUTHENTICATED, "the token has ended")
        except Forbidden:
            socket.close(frames.FORBIDDEN, "forbidden")
        except Problem as problem:
            if problem.status < 429:
                socket.close(frames.FORBIDDEN, problem.code)
        except Exception:
            log.exception("socket_not_checked")

    def metrics(self) -> Iterator[str]:
        """In Prometheus text form."""
        yield "# HELP kaifan_live_sockets WebSockets that are open."
        yield "# TYPE kaifan_live_sockets gauge"
        yield f"kaifan_live_sockets {len(self.sockets)}"
        yield "# HELP kaifan_live_feeds Entities that are followed here, or wanted elsewhere."
        yield "# TYPE kaifan_live_feeds gauge"
        yield f"kaifan_live_feeds {len(self.hub.feeds)}"
        for name, help, value in (
            ("opened", "WebSockets opened.", self.meter.opened),
            ("refused", "WebSockets refused.", self.meter.refused),
            ("slow", "WebSockets closed because their client did not read.", self.meter.dropped),
            ("asked", "Questions to entities for what happened.", self.hub.asked),
            ("told", "Writes to followers.", self.hub.told),
        ):
            yield f"# HELP kaifan_live_{name}_total {help}"
            yield f"# TYPE kaifan_live_{name}_total counter"
            yield f"kaifan_live_{name}_total {value}"
        yield "# HELP kaifan_live_closed_total WebSockets closed by us, by code."
        yield "# TYPE kaifan_live_closed_total counter"
        for code, count in sorted(self.meter.closed.items()):
            yield f'kaifan_live_closed_total{{code="{code}"}} {count}'


def _authorize(headers: dict[bytes, bytes]) -> None:
    """A browser's token comes as a subprotocol, since it cannot send the header."""
    if b"authorization" not in headers:
        for offered in headers.get(b"sec-websocket-protocol", b"").split(b","):
            if (name := offered.strip()).startswith(BEARER):
                headers[b"authorization"] = b"Bearer " + name[len(BEARER) :]


def _is_key(headers: dict[bytes, bytes]) -> bool:
    try:
        return len(base64.b64decode(headers.get(b"sec-websocket-key", b""), validate=True)) == 16
    except binascii.Error:
        return False


def _switching(headers: dict[bytes, bytes], silo_header: tuple[bytes, bytes]) -> bytes:
    offered = [name.strip() for name in headers.get(b"sec-websocket-protocol", b"").split(b",")]
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"upgrade: websocket",
        b"connection: Upgrade",
        b"sec-websocket-accept: " + accept_of(headers[b"sec-websocket-key"]),
        b"%b: %b" % silo_header,
    ]
    # A browser that offered protocols wants one of them back; the token only if nothing else was offered.
    if PROTOCOL in offered:
        lines.append(b"sec-websocket-protocol: " + PROTOCOL)
    elif bearers := [name for name in offered if name.startswith(BEARER)]:
        lines.append(b"sec-websocket-protocol: " + bearers[0])
    return b"\r\n".join([*lines, b"", b""])
