"""The fast road: hot routes answered by the HTTP protocol, without an ASGI scope, a task or a message.

A peak consists of very few routes. Their handlers await nothing (``operations.HotHandler``), so a request can be
decided in the parser's own callback and answered in the callback of its reply. What is unusual about a request (a
query, HTTP/1.0, a chunked or large body, Expect, Upgrade, an escaped address) sends it to FastAPI, which takes the
same steps with the same endpoint: same bytes, same answer.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from http import HTTPStatus
from time import perf_counter
from typing import Protocol

from api.call import Call
from api.door import Door
from api.endpoint import Endpoint, body_of
from api.ids import ID_PATTERN, NOT_FOUND
from api.operations import Answer, Operation

BODY_DIGITS_MAX = 5
"""A Content-Length of more digits is not for the fast road; the largest hot body has some hundred bytes."""

_PARAMETER = re.compile(r"{(\w+)}")
_ID = ID_PATTERN.strip("^$")
_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class HotRoute:
    """One operation of the road, and where its parameters stand in the match of its method's pattern."""

    __slots__ = ("endpoint", "groups")

    def __init__(self, endpoint: Endpoint, groups: list[tuple[str, int]]) -> None:
        self.endpoint = endpoint
        self.groups = groups


class FastRoad:
    """All hot operations of one silo."""

    def __init__(self, door: Door, operations: Iterable[Operation]) -> None:
        self.door = door
        hot: dict[bytes, list[Operation]] = {}
        for operation in operations:
            if operation.hot:
                assert operation.query is None, f"{operation.path}: a query is for the other road"
                hot.setdefault(operation.method.encode(), []).append(operation)
        self._tables = {method: _table(door, entries) for method, entries in hot.items()}
        self._head: tuple[object, bytes] = (None, b"")
        self._outbox: list[tuple[asyncio.Transport, bytes]] = []

    def find(self, method: bytes, url: bytes) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint of a request line, and the parameters in its address; None for the other road."""
        table = self._tables.get(method)
        if table is None:
            return None
        pattern, routes = table
        match = pattern.fullmatch(url)
        if match is None:
            return None
        route = routes[match.lastindex or 0]
        return route.endpoint, {name: match[group].decode() for name, group in route.groups}

    def default_head(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """uvicorn's default headers and the silo's own as lines; built anew when the date in them has changed."""
        if self._head[0] is not headers:
            lines = [b"%b: %b\r\n" % header for header in (*headers, self.door.silo_header)]
            self._head = (headers, b"".join(lines))
        return self._head[1]

    def post(self, transport: asyncio.Transport, raw: bytes) -> None:
        """Write with all other answers of this turn of the loop.

        A write that wakes the client costs three times as much as one to a client that is awake; of many in a row
        only the first one wakes it.
        """
        self._outbox.append((transport, raw))
        if len(self._outbox) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Now, because something else is to be written behind it, or because the turn is over."""
        outbox, self._outbox = self._outbox, []
        for transport, raw in outbox:
            transport.write(raw)


def _table(door: Door, operations: list[Operation]) -> tuple[re.Pattern[bytes], dict[int, HotRoute]]:
    """One pattern for all addresses of a method; the outer group that matched names the route."""
    parts: list[str] = []
    routes: dict[int, HotRoute] = {}
    group = 1
    for operation in operations:
        names = _PARAMETER.findall(operation.path)
        assert set(names) <= set(NOT_FOUND), f"{operation.path}: only ids can be read from raw bytes"
        literals = [re.escape(literal) for literal in _PARAMETER.split(operation.path)[::2]]
        parts.append(f"({f'({_ID})'.join(literals)})")
        groups = [(name, group + number) for number, name in enumerate(names, 1)]
        routes[group] = HotRoute(Endpoint(door, operation), groups)
        group += 1 + len(names)
    return re.compile("|".join(parts).encode()), routes


class Connection(Protocol):
    """What a request needs of the connection that it came on (``fast_protocol.py``)."""

    def default_head(self) -> bytes:
        """Header lines of every answer."""
        ...

    def answer_hot(self, cycle: HotCycle, raw: bytes) -> None:
        """Write the whole answer now, or when the client reads again."""
        ...


class _Nobody:
    """Stands where uvicorn wakes a task that reads a body; here nothing waits."""

    def set(self) -> None:
        """Nobody to wake."""


class HotCycle:
    """One request on the fast road: stands in for uvicorn's RequestResponseCycle."""

    __slots__ = (
        "_admitted",
        "_began",
        "_connection",
        "body",
        "call",
        "disconnected",
        "endpoint",
        "keep_alive",
        "more_body",
        "response_complete",
        "response_started",
    )

    message_event = _Nobody()

    def __init__(self, connection: Connection, endpoint: Endpoint, call: Call, keep_alive: bool) -> None:
        self._connection = connection
        self._began = perf_counter()
        self._admitted = False
        self.endpoint = endpoint
        self.call = call
        self.keep_alive = keep_alive
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False

    def start(self) -> None:
        """Its turn has come: earlier requests of the connection are answered."""
        call, endpoint = self.call, self.endpoint
        try:
            staff = endpoint.door.admit(call)
            if staff is None:
                self._let_in()
            else:  # roles are read from an entity, so this one request has a task
                endpoint.door.start(endpoint.door.admit_staff(call, staff), self._let_in, self.done)
        except Exception as error:
            self.done(error)

    def _let_in(self) -> None:
        """The caller may; as soon as the body is here it is decided."""
        self.endpoint.check_key(self.call)  # its ids have their form: the road's pattern has matched them
        self._admitted = True
        if not (self.more_body and self.endpoint.takes_body):
            self._decide()

    def body_is_whole(self) -> None:
        """The parser has seen its end."""
        self.more_body = False
        if self._admitted and not self.response_started and self.endpoint.takes_body:
            self._decide()

    def _decide(self) -> None:
        try:
            if self.endpoint.takes_body:
                self.endpoint.read(self.call, self.body)
            self.endpoint.decide(self.call, self.done)
        except Exception as error:
            self.done(error)

    def done(self, outcome: Answer | Exception) -> None:
        """The outcome is there, once; the client may be gone."""
        if self.response_started:
            return
        self.response_started = True
        call = self.call
        answer, code = self.endpoint.settle(call, outcome)
        self._connection.answer_hot(self, self._raw(answer, call.request_id))
        self.endpoint.count(call, answer.status, code, perf_counter() - self._began)

    def _raw(self, answer: Answer, request_id: str) -> bytes:
        body = body_of(answer)
        more = b"".join([b"%b: %b\r\n" % header for header in answer.headers]) if answer.headers else b""
        if answer.status in (204, 304):  # without a body, and without a word about one
            return b"%b%bx-request-id: %b\r\n%b%b\r\n" % (
                _STATUS_LINES[answer.status],
                self._connection.default_head(),
                request_id.encode(),
                more,
                b"" if self.keep_alive else b"connection: close\r\n",
            )
        return b"%b%bx-request-id: %b\r\n%b%bcontent-type: %b\r\ncontent-length: %d\r\n\r\n%b" % (
            _STATUS_LINES[answer.status],
            self._connection.default_head(),
            request_id.encode(),
            more,
            b"" if self.keep_alive else b"connection: close\r\n",
            answer.content_type,
            len(body),
            body,
        )
