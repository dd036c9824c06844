"""A phone that follows: a WebSocket client that checks every rule of the stream as it reads."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from api.live.frames import CLOSE, PING, PONG, TEXT

WAIT_S = 10.0


class Refused(Exception):
    """The server answered in HTTP."""

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.head = head
        self.problem: dict[str, Any] = msgspec.json.decode(body) if body else {}


class Closed(Exception):
    """The server closed; ``code`` 1006 without a word."""

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def masked(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """A client's frame."""
    key, size = secrets.token_bytes(4), len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65_536:
        head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


class Phone:
    """One connection. ``seq`` is the newest it has seen; a gap, a repetition or a bad frame fails the test."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> None:
        self.reader = reader
        self.writer = writer
        self.head = head
        self.seq: int | None = None
        self.pings = 0

    async def frame(self) -> tuple[int, bytes]:
        """The next frame. Raises Closed."""
        try:
            async with asyncio.timeout(WAIT_S):
                first, second = await self.reader.readexactly(2)
                assert first & 0x80, "the server sends whole messages"
                assert not second & 0x80, "a server does not mask"
                size = second & 0x7F
                if size > 125:
                    size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
                return first & 0x0F, await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Closed(1006) from None

    async def next(self) -> dict[str, Any]:
        """The next event; answers pings on the way. Raises Closed."""
        while True:
            opcode, payload = await self.frame()
            if opcode == PING:
                self.pings += 1
                self.writer.write(masked(PONG, payload))
            elif opcode == CLOSE:
                self.writer.write(masked(CLOSE, payload[:2]))
                raise Closed(int.from_bytes(payload[:2], "big"), payload[2:].decode())
            else:
                assert opcode == TEXT, opcode
                event: dict[str, Any] = msgspec.json.decode(payload)
                if event["type"] != "reset" and self.seq is not None:
                    assert event["seq"] == self.seq + 1, f"{event} after {self.seq}"
                self.seq = event["seq"]
                return event

    async def until(self, seq: int) -> list[dict[str, Any]]:
        """All events up to this seq."""
        seen = []
        while self.seq is None or self.seq < seq:
            seen.append(await self.next())
        return seen

    async def closing(self) -> Closed:
        """How the server closes; whatever comes before is read."""
        try:
            while True:
                await self.next()
        except Closed as closed:
            return closed

    def leave(self) -> None:
        """Gone without a word."""
        self.writer.close()


async def dial(
    port: int,
    path: str,
    *,
    headers: dict[str, str] | None = None,
    since: int | None = None,
    raw: bytes | None = None,
) -> Phone:
    """Connect; raises Refused."""
    query = "" if since is None else f"?since={since}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = {
        "Host": "test",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        **(headers or {}),
    }
    request = f"GET {path}{query} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items())
    writer.write(raw or request.encode() + b"\r\n")
    async with asyncio.timeout(WAIT_S):
        head = await reader.readuntil(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            body = await reader.read()
            writer.close()
            raise Refused(status, head, body)
    phone = Phone(reader, writer, head)
    phone.seq = since
    return phone


@contextlib.asynccontextmanager
async def following(port: int, path: str, headers: dict[str, str], **how: Any) -> AsyncIterator[Phone]:
    """A phone, hung up at the end."""
    phone = await dial(port, path, headers=headers, **how)
    try:
        yield phone
    finally:
        phone.leave()
