"""What a connection may do: uvicorn's HTTP protocol with the limits that it lacks.

uvicorn 0.54 with httptools reads heads of any size, and waits for a head or a body for ever. Here every
connection has a deadline: to begin a request (idle), to send its head, to send its body. A deadline is one number
per connection; the server looks at all of them twice a second (``server.py``), so a request pays for no timer.

uvicorn is pinned exactly; ``tests/api/test_protocol.py`` has a test per override.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from actors.words import Rejection
from api.problems import MEDIA_TYPE, Problem
from api.rejections import HeadersTooLarge, MalformedRequest, RequestTimeout


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


CLOSING_S = 5.0
"""A connection that was closed and has not taken its last bytes by then is cut off."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection. Runs on the silo's loop; only its transport and the server call it."""

    limits = ConnectionLimits()
    draining = False

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._in_head = False
        self._in_body = False
        self._began_now = False
        self._head_fields_bytes = 0
        self._head_fed_bytes = 0
        self._drained_bytes = 0
        self.deadline = 0.0

    # --- from the transport --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.deadline = self.loop.time() + self.limits.idle_s
        if len(self.connections) > self.limits.connections_max:
            self._refuse(Problem(503, "overloaded", "This silo has all the connections it can hold."))

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._began_now = False
        super().data_received(data)
        if self._in_head and not self._began_now:
            # The parser keeps an unfinished header to itself, so what it was fed is counted too. What comes in the
            # same read as the beginning is not; that is one read at most.
            self._head_fed_bytes += len(data)
            self._check_head()

    # --- from the parser -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._began_now = True
        self._head_fields_bytes = 0
        self._head_fed_bytes = 0
        self.deadline = self.loop.time() + self.limits.head_s

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._head_fields_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # later ones are a chunked body's trailers, which nobody reads
            super().on_header(name, value)
            self._head_fields_bytes += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        self._check_head()
        self._in_head = False
        self._in_body = True
        self._drained_bytes = 0
        self.deadline = self.loop.time() + self.limits.body_s
        if self.transport.is_closing():
            return
        super().on_headers_complete()
        if self.draining and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        super().on_body(body)
        if self.cycle.response_complete:
            self._drained_bytes += len(body)
            if self._drained_bytes > self.limits.drained_bytes_max:
                self._close()

    def on_message_complete(self) -> None:
        self._in_body = False
        if self.transport.is_closing():
            return
        super().on_message_complete()
        limits = self.limits
        self.deadline = self.loop.time() + (
            limits.idle_s if self.cycle.response_complete else limits.answer_s
        )

    # --- from the answer -----------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """As uvicorn's, without its keep-alive timer: ``idle_s`` is kept here."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            self.deadline = self.loop.time() + self.limits.answer_s
        elif not self._in_head and not self._in_body:
            self.deadline = self.loop.time() + self.limits.idle_s

    def send_400_response(self, msg: str) -> None:
        self._refuse(MalformedRequest())

    # --- from the server -----------------------------------------------------------------------------------

    def drain(self) -> None:
        """The answer that is being made is the last one on this connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def check(self, now: float) -> None:
        """Close what is over its deadline; with a 408 when a request was under way and nothing else is."""
        if now < self.deadline:
            return
        if self.transport.is_closing():
            self.transport.abort()
        elif self._in_head or self._in_body:
            if self.flow.read_paused or self.pipeline or (self._in_head and self._answering):
                # We are the ones who do not read, or an earlier answer is still ours to give.
                self.deadline = now + (self.limits.head_s if self._in_head else self.limits.body_s)
            else:
                self._refuse(RequestTimeout())
        elif self._answering:
            self.transport.abort()
        else:
            self._close()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _check_head(self) -> None:
        head_bytes = max(self._head_fields_bytes, self._head_fed_bytes)
        if head_bytes > self.limits.head_bytes_max and not self.transport.is_closing():
            self._refuse(HeadersTooLarge(size_bytes_max=self.limits.head_bytes_max))

    def _refuse(self, reason: Rejection | Problem) -> None:
        """Answer and close. In the middle of another answer there is no place for one: then only close."""
        if self.transport.is_closing():
            return
        # A head under way belongs to no cycle yet; the last cycle is then of an earlier request.
        earlier = self._in_head and self._answering
        started = self._in_body and self.cycle is not None and self.cycle.response_started
        if not earlier and not started and not self.pipeline:
            self.transport.write(self._problem_bytes(reason))
        self._close()

    def _close(self) -> None:
        self.transport.close()
        self.deadline = self.loop.time() + CLOSING_S

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
