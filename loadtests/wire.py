"""HTTP/1.1 from the client's side, small and exact: one request at a time on a kept connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httptools
import msgspec

CONNECT_SECONDS_MAX = 5.0


class ConnectionBroken(Exception):
    """No whole answer came: refused, reset, cut off, or not in time. The request may have been done."""


class Answer(msgspec.Struct, frozen=True):
    """A whole HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as an object; an empty or foreign body is ``{}``, for the status tells the story."""
        try:
            decoded = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}
        return decoded if isinstance(decoded, dict) else {}


def request_bytes(method: str, path: str, host: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """One request as it goes over the wire, ``Host`` and ``Content-Length`` included."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in ("GET", "DELETE"):
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


class HttpConnection:
    """A kept connection to one server, opened when first needed and again after it broke.

    One request at a time: a second one while the first is out is a mistake of the caller. Use as an async
    context manager, or call :meth:`close`.
    """

    def __init__(self, base_url: str) -> None:
        split = urlsplit(base_url)
        self._host, self._port = (
            split.hostname or "127.0.0.1",
            split.port or (443 if split.scheme == "https" else 80),
        )
        self._tls = ssl.create_default_context() if split.scheme == "https" else None
        self._authority = f"{self._host}:{self._port}"
        self._open: _Exchange | None = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        seconds: float = 10.0,
    ) -> Answer:
        """Send one request and wait for its whole answer.

        Args:
            body: anything msgspec can make JSON of; ``None`` sends no body, ``bytes`` go out as they are.
            seconds: how long to wait in all, connecting included.
        Raises:
            ConnectionBroken: no whole answer came; the next request opens a new connection.
        """
        payload = b"" if body is None else body if isinstance(body, bytes) else msgspec.json.encode(body)
        data = request_bytes(method, path, self._authority, headers or {}, payload)
        try:
            async with asyncio.timeout(seconds):
                exchange = await self._connected()
                answer = await exchange.ask(data)
        except TimeoutError as late:
            self.close()
            raise ConnectionBroken(f"no answer within {seconds} s") from late
        except OSError as broken:
            self.close()
            raise ConnectionBroken(str(broken)) from broken
        except BaseException:
            self.close()
            raise
        if not exchange.reusable:
            self.close()
        return answer

    def close(self) -> None:
        """Drop the connection at once; what is under way is lost."""
        if self._open is not None:
            self._open.drop()
            self._open = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _connected(self) -> _Exchange:
        if self._open is None or not self._open.reusable:
            self.close()
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                _, self._open = await loop.create_connection(_Exchange, self._host, self._port, ssl=self._tls)
        return self._open


class _Exchange(asyncio.Protocol):
    """Bytes of one connection to answers; httptools calls the ``on_`` methods while it parses."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self.reusable = False
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    async def ask(self, data: bytes) -> Answer:
        """Send one request; wait for its answer."""
        assert self._transport is not None
        assert self._waiting is None, "one request at a time on a connection"
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        try:
            return await self._waiting
        finally:
            self._waiting = None

    def drop(self) -> None:
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.reusable = True

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as broken:
            self._fail(f"not HTTP: {broken}")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(str(error) if error else "the server closed the connection")

    def _fail(self, because: str) -> None:
        self.reusable = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionBroken(because))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        answer = Answer(status, self._headers, b"".join(self._body))
        self._headers, self._body = {}, []
        if status < 200:  # 100 Continue and the like: the real answer follows
            return
        self.reusable = self.reusable and self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)
