"""What a connection may do: uvicorn's HTTP protocol with the limits that it lacks.

uvicorn 0.54 with httptools reads heads of any size, and waits for a head or a body for ever. Here every
connection has a deadline: to begin a request (idle), to send its head, to send its body. A deadline is one number
per connection; the server looks at all of them twice a second (``server.py``), so a request pays for no timer.

uvicorn is pinned exactly; ``tests/api/test_protocol.py`` has a test per override.
"""

from __future__ import annotations

import asyncio
import enum
import socket
from typing import TYPE_CHECKING, Any, cast

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from actors.words import Rejection
from api.problems import MEDIA_TYPE, Problem
from api.rejections import HeadersTooLarge, MalformedRequest, RequestTimeout

if TYPE_CHECKING:
    from api.live.desk import Desk, Upgrade


class ConnectionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one connection, and of their number."""

    head_bytes_max: int = 32_768
    """Request line and headers. Larger: 431."""
    head_s: float = 10.0
    """From the first byte of a request to the end of its head. Longer: 408."""
    body_s: float = 30.0
    """From the end of the head to the end of the body. Longer: 408. 1 MB needs 270 kbit/s."""
    idle_s: float = 75.0
    """Between two requests, and before the first. Longer: closed without a word, as HTTP expects."""
    answer_s: float = 60.0
    """From the end of the body until the caller has read the answer. Longer: cut off; it is not reading."""
    drained_bytes_max: int = 8_000_000
    """What is read and dropped of a body that was answered early, so that the answer arrives before a reset."""
    connections_max: int = 30_000
    """Of one silo. More: 503 at once."""


CLOSING_S = 3.0
"""A connection that was ended and has not taken its last bytes by then is cut off."""

SLICE_BYTES = 8_192
"""The parser gets a read in pieces of this size, as long as no request waits in the pipeline: a read of 256 KB may
hold thousands of small requests, and each that waits is some KB of memory."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Phase(enum.Enum):
    """What the client is sending."""

    NOTHING = "nothing"
    HEAD = "head"
    BODY = "body"


class Outlet:
    """What a cycle writes to in place of the transport. Head and body of an answer leave as one piece, which saves
    a system call per request; and the end of a connection is the protocol's to choose.
    """

    __slots__ = ("_head", "_protocol", "_transport", "_wants_head", "is_closing")

    def __init__(self, protocol: LimitedProtocol, transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        self._head = b""
        self._wants_head = True
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """A head waits for the first piece of its body."""
        if self._head:
            self._transport.write(self._head + data)
            self._head = b""
        elif self._wants_head and data != _CONTINUE:
            self._wants_head = False
            self._head = data
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """A head that has no body leaves alone; the next write is a head again."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""
        self._wants_head = True

    def close(self) -> None:
        """After this answer the connection ends."""
        self.flush()
        self._protocol.end()


class Flow(FlowControl):
    """Reads on only when nothing that was read waits. uvicorn would read on after each answer, so that a client which
    sends faster than it is answered fills the memory."""

    def __init__(self, transport: asyncio.Transport, protocol: LimitedProtocol) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        """Unless requests, or bytes that may be some, wait for their turn."""
        if not self._protocol.pipeline and not self._protocol.unparsed:
            super().resume_reading()


class LimitedProtocol(HttpToolsProtocol):
    """One connection. Runs on the silo's loop; only its transport, its parser and the server call it."""

    limits = ConnectionLimits()
    draining = False
    live: Desk | None = None
    """Where WebSockets are let in."""
    outlet: Outlet

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.unparsed = b""
        """Read, and not given to the parser yet."""
        self._read_too_much = False
        self._phase = Phase.NOTHING
        self._began_now = False
        self._read_bytes = 0
        self._head_read_bytes = 0
        self._drained_bytes = 0
        self._heard_enough = False
        self._ended = False
        self._patient_until = 0.0
        self._upgrade: Upgrade | None = None
        self.deadline = 0.0

    # --- from the transport --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = Flow(transport, self)
        self.outlet = Outlet(self, transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            # asyncio does this only for sockets that it made itself: of one that was handed over it does not know
            # that it speaks TCP. Without it head and body of an answer are 40 ms apart (Nagle, delayed ACK).
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.deadline = self.loop.time() + self.limits.idle_s
        if len(self.connections) > self.limits.connections_max:
            self._refuse(Problem(503, "overloaded", "This silo has all the connections it can hold."))

    def data_received(self, data: bytes) -> None:
        if self.unparsed or len(data) > SLICE_BYTES:
            self.unparsed += data
            self._parse_more()
        else:
            self._parse(data)

    def _parse_more(self) -> None:
        """As much of what was read as can be answered soon."""
        while self.unparsed and not self.pipeline:
            if self._heard_enough or self.transport.is_closing():
                self.unparsed = b""
                return
            data, self.unparsed = self.unparsed[:SLICE_BYTES], self.unparsed[SLICE_BYTES:]
            self._parse(data)
        if self.unparsed:
            self._read_too_much = True
            self.flow.pause_reading()
        elif self._read_too_much:
            self._read_too_much = False
            self.flow.resume_reading()

    def _parse(self, data: bytes) -> None:
        if self._heard_enough or self.transport.is_closing():
            return
        self._began_now = False
        self._read_bytes = len(data)
        super().data_received(data)
        if self._phase is Phase.HEAD:
            # The parser keeps an unfinished header to itself, so after the first read what it was fed is counted.
            self._head_read_bytes = (
                self._fields_bytes() if self._began_now else self._head_read_bytes + len(data)
            )
            self._check_head(self._head_read_bytes)

    # --- from the parser -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        # As uvicorn's, but the scope waits until it is known who needs one.
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._phase = Phase.HEAD
        self._began_now = True
        self._head_read_bytes = 0
        self._patient_until = 0.0
        self.deadline = self.loop.time() + self.limits.head_s

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is Phase.HEAD:  # later ones are a chunked body's trailers, which nobody reads
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if not self._began_now or self._read_bytes > self.limits.head_bytes_max:
            # A head within one small read is small; most are.
            self._check_head(self._fields_bytes())
        self._check_version_and_host()
        if self._heard_enough or self.transport.is_closing():
            return
        if self._upgrades():
            self._phase = Phase.NOTHING
            return
        self._drained_bytes = 0
        self.deadline = self.loop.time() + self.limits.body_s
        self.on_good_head()

    def _upgrades(self) -> bool:
        """Whether the connection is to become a WebSocket; not while an earlier answer is under way on it."""
        if self.live is None or self._answering or not self.parser.should_upgrade():
            return False
        peer = self.client[0] if self.client else ""
        self._upgrade = self.live.find(self.parser.get_method(), self.url, self.headers, peer)
        return self._upgrade is not None

    def on_good_head(self) -> None:
        """A request within all bounds: it gets a scope and a task of its own, or its place in the pipeline."""
        headers, url = self.headers, self.url
        super().on_message_begin()
        self.scope["headers"] = self.headers = headers
        self.url = url
        self.expect_100_continue = any(
            name == b"expect" and value.lower() == b"100-continue" for name, value in headers
        )
        super().on_headers_complete()
        # From here on the request has a cycle of its own; before, the last cycle is an earlier request's.
        self._phase = Phase.BODY
        self.cycle.transport = cast(asyncio.Transport, self.outlet)
        if self.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if self._phase is not Phase.BODY or self.transport.is_closing():
            return
        super().on_body(body)
        if self.cycle.response_complete:
            self.drop(body)

    def drop(self, body: bytes) -> None:
        """A body that nobody waits for any more, up to its bound."""
        self._drained_bytes += len(body)
        if self._drained_bytes > self.limits.drained_bytes_max:
            self.transport.close()

    def on_message_complete(self) -> None:
        if self._phase is not Phase.BODY or self.transport.is_closing():
            return
        self._phase = Phase.NOTHING
        self.on_whole_message()
        limits = self.limits
        self.deadline = self.loop.time() + (limits.answer_s if self._answering else limits.idle_s)

    def on_whole_message(self) -> None:
        """The request is here to its last byte."""
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """The request is answered in HTTP/1.1; what follows it on this connection cannot be read."""
        self._heard_enough = True
        if self._upgrade is not None and self.live is not None:
            # It stays among the connections until the socket has taken its place, with a deadline for that.
            self.deadline = self.loop.time() + self.limits.answer_s
            self.transport.pause_reading()
            self.live.open(self, self._upgrade)
            return
        if self._answering:
            self.cycle.keep_alive = False
        else:
            self.end()

    def refuse_upgrade(self, reason: Rejection | Problem) -> None:
        """No WebSocket, and why."""
        if not self.transport.is_closing():
            self.write_problem(self._problem_bytes(reason))
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedRequest())

    # --- from the answer -----------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """As uvicorn's, without its keep-alive timer: ``idle_s`` is kept here."""
        self.outlet.flush()
        self.answered()

    def answered(self) -> None:
        """The answer is written: what waits behind it has its turn."""
        self.server_state.total_requests += 1
        if self._ended or self.transport.is_closing():
            return
        self._patient_until = 0.0
        if self.unparsed and len(self.pipeline) <= 1:
            self.loop.call_soon(self._parse_more)
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self.start_next()
            self.deadline = self.loop.time() + self.limits.answer_s
        elif self._phase is Phase.NOTHING:
            self.deadline = self.loop.time() + self.limits.idle_s

    def start_next(self) -> None:
        """The turn of the request that has waited longest in the pipeline."""
        cycle, app = self.pipeline.pop()
        self._start_asgi_task(cycle, app)

    # --- from the server -----------------------------------------------------------------------------------

    def drain(self) -> None:
        """The answer that is being made is the last one on this connection."""
        if self._answering:
            self.cycle.keep_alive = False

    def check(self, now: float) -> None:
        """Close what is over its deadline; with a 408 when a request was under way and nothing else is."""
        if now < self.deadline:
            return
        if self.transport.is_closing() or (self._phase is Phase.NOTHING and self._answering):
            self.transport.abort()
        elif self._phase is Phase.NOTHING:
            self.end()
        elif self.flow.read_paused or self.pipeline or (self._phase is Phase.HEAD and self._answering):
            # We are the ones who do not read, or an earlier answer is still ours to give: but not for ever.
            self._patient_until = self._patient_until or now + self.limits.answer_s
            if now >= self._patient_until:
                self.transport.abort()
            self.deadline = min(now + self.limits.head_s, self._patient_until)
        else:
            self._refuse(RequestTimeout())

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _fields_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _check_head(self, size_bytes: int) -> None:
        if size_bytes > self.limits.head_bytes_max:
            self._refuse(HeadersTooLarge(size_bytes_max=self.limits.head_bytes_max))

    def _check_version_and_host(self) -> None:
        """The parser takes HTTP/2.0 on a request line, and does not ask for the Host that RFC 9112, 3.2 wants."""
        version = self.parser.get_http_version()
        hosts = [name for name, _ in self.headers].count(b"host")
        right = hosts == 1 if version == "1.1" else hosts < 2 and version == "1.0"
        if not right:
            self._refuse(MalformedRequest())

    def _refuse(self, reason: Rejection | Problem) -> None:
        """Answer and close. An earlier answer that is under way is given first, and is then the last one."""
        if self._heard_enough or self.transport.is_closing():
            return
        self._heard_enough = True
        if self._phase is Phase.HEAD and self._answering:
            self.cycle.keep_alive = False
            return
        started = self._phase is Phase.BODY and self.cycle.response_started
        if not started and not self.pipeline:
            self.write_problem(self._problem_bytes(reason))
        self.end()

    def write_problem(self, raw: bytes) -> None:
        """Behind all earlier answers."""
        self.transport.write(raw)

    def end(self) -> None:
        """Close once everything is sent. If the client may still be sending, let it, for a moment, and drop that:
        to close with bytes unread resets the connection, and the answer with it.
        """
        if self._ended:
            return
        self._ended = True
        self.deadline = self.loop.time() + CLOSING_S
        sending = self._phase is not Phase.NOTHING or self._heard_enough
        self._heard_enough = True
        if sending and self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
            self.flow.resume_reading()
            if self._answering:  # whoever waits for the rest of this body waits in vain
                self.cycle.disconnected = True
                self.cycle.message_event.set()
        else:
            self.transport.close()

    def _problem_bytes(self, reason: Rejection | Problem) -> bytes:
        problem = reason if isinstance(reason, Problem) else Problem.of(reason)
        body = problem.body("")
        headers = [
            *self.server_state.default_headers,
            (b"content-type", MEDIA_TYPE),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *problem.all_headers,
        ]
        lines = [b"%s: %s\r\n" % header for header in headers]
        return b"".join((STATUS_LINE[problem.status], *lines, b"\r\n", body))
