"""Phones at tables, for the benchmark of live updates: each follows, some order, and every frame is counted.

One protocol for three servers; what differs is how to say hello, how an op is sent, and how its answer looks.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import cast

from api.live.frames import PONG, TEXT

_SEQ = re.compile(rb'"seq":(\d+)')


def masked(opcode: int, payload: bytes) -> bytes:
    """A client's frame, under a mask of zeros: allowed, and cheap for whoever makes the load."""
    size = len(payload)
    head = (
        bytes((0x80 | opcode, 0x80 | size))
        if size < 126
        else bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2, "big")
    )
    return head + bytes(4) + payload


class Seen:
    """What the phones of one table saw: how many of each seq, and when the last one did."""

    def __init__(self, phones: int) -> None:
        self.phones = phones
        self.counts: dict[int, int] = {}
        self.complete_at: dict[int, float] = {}
        self.sent_at: dict[int, float] = {}
        self.reordered = 0

    def saw(self, seq: int, now: float) -> None:
        count = self.counts[seq] = self.counts.get(seq, 0) + 1
        if count == self.phones:
            self.complete_at[seq] = now


class Socket(asyncio.Protocol):
    """A phone's WebSocket. ``on_text`` gets what is no event."""

    def __init__(self, seen: Seen, hello: bytes, on_text: Callable[[bytes], None]) -> None:
        self.seen = seen
        self.hello = hello
        self.on_text = on_text
        self.buffer = b""
        self.open = False
        self.newest = 0
        self.lost = False
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        transport.write(self.hello)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        at = 0
        if not self.open:
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                self.buffer = buffer
                return
            if b" 101 " not in buffer[:40]:
                raise RuntimeError(f"no WebSocket: {buffer[:300]!r}")
            self.open, at = True, end + 4
            self.on_text(b"(open)")
        now, size_read = time.perf_counter(), len(buffer)
        while size_read - at >= 2:
            size, head = buffer[at + 1] & 0x7F, 2
            if size == 126:
                if size_read - at < 4:
                    break
                size, head = int.from_bytes(buffer[at + 2 : at + 4], "big"), 4
            if size_read - at < head + size:
                break
            payload = buffer[at + head : at + head + size]
            opcode = buffer[at] & 0x0F
            at += head + size
            if opcode == TEXT:
                self._text(payload, now)
            elif opcode == 0x9:
                self.transport.write(masked(PONG, payload))
        self.buffer = buffer[at:]

    def _text(self, payload: bytes, now: float) -> None:
        if payload.startswith((b'{"seq"', b'42["event"')):
            found = _SEQ.search(payload, 0, 40)
            assert found is not None, payload
            if b'"reset"' in payload:
                return
            seq = int(found[1])
            if seq != self.newest + 1 and self.newest:
                self.seen.reordered += 1
            self.newest = max(self.newest, seq)
            self.seen.saw(seq, now)
        elif payload == b"2":  # Engine.IO's ping
            self.transport.write(masked(TEXT, b"3"))
        else:
            self.on_text(payload)


class Phone:
    """One guest. ``order`` sends an op; ``answered`` hears its seq."""

    def __init__(self, seen: Seen, name: str) -> None:
        self.seen = seen
        self.name = name
        self.number = 0
        self.sent = 0.0
        self.busy = False
        self.ready = asyncio.get_running_loop().create_future()
        self.answered: Callable[[], None] = lambda: None
        self.socket: Socket
        self.acknowledged = 0
        self.failed = 0

    def is_ready(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)

    def order(self, due: float) -> None:
        self.busy, self.sent = True, due
        self.number += 1
        self.send("add" if self.number % 2 else "remove")

    def send(self, op: str) -> None:
        raise NotImplementedError

    def done(self, seq: int) -> None:
        self.busy = False
        if seq:
            self.acknowledged += 1
            self.seen.sent_at[seq] = self.sent
        else:
            self.failed += 1
        self.answered()

    async def dial(self, port: int, hello: bytes, on_text: Callable[[bytes], None]) -> None:
        self.socket = socket = Socket(self.seen, hello, on_text)
        await asyncio.get_running_loop().create_connection(lambda: socket, "127.0.0.1", port)
        await asyncio.wait_for(self.ready, 10)


def hello(path: str, headers: str = "") -> bytes:
    """The upgrade."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
    ).encode()


class SocketIoPhone(Phone):
    """Speaks Engine.IO 4 over a WebSocket."""

    async def start(self, port: int, table: str) -> None:
        def text(payload: bytes) -> None:
            if payload.startswith(b"0"):
                auth = json.dumps({"table": table, "guest": self.name}).encode()
                self.socket.transport.write(masked(TEXT, b"40" + auth))
            elif payload.startswith(b"40"):
                self.is_ready()
            elif payload.startswith(b"43"):
                found = _SEQ.search(payload)
                self.done(int(found[1]) if found else 0)

        await self.dial(port, hello("/socket.io/?EIO=4&transport=websocket"), text)

    def send(self, op: str) -> None:
        body = {"op_id": f"{self.name}-{self.number}", "op": op, "line": self.name, "dish_id": "crayfish"}
        packet = f"42{self.number}" + json.dumps(["op", body])
        self.socket.transport.write(masked(TEXT, packet.encode()))


class FastApiPhone(Phone):
    """Ops go over the same WebSocket."""

    async def start(self, port: int, table: str) -> None:
        def text(payload: bytes) -> None:
            if payload == b"(open)":
                self.is_ready()
            elif payload.startswith(b'{"ack"'):
                self.done(json.loads(payload)["of"])

        await self.dial(port, hello(f"/live/{table}/{self.name}"), text)

    def send(self, op: str) -> None:
        body = {"op_id": f"{self.name}-{self.number}", "op": op, "line": self.name, "dish_id": "crayfish"}
        self.socket.transport.write(masked(TEXT, json.dumps(body).encode()))


class KaifanPhone(Phone):
    """Ops go over HTTP, on a connection of their own, as the API has it."""

    token: str
    dish_id: str
    line: str = ""

    async def start(self, port: int, table: str, since: int) -> None:
        def text(payload: bytes) -> None:
            if payload == b"(open)":
                self.is_ready()

        self.path = f"/api/v1/table-sessions/{table}/cart/ops"
        head = f"Authorization: Bearer {self.token}\r\n"
        await self.dial(port, hello(f"/api/v1/table-sessions/{table}/live?since={since}", head), text)
        self.socket.newest = since
        _, self.http = await asyncio.get_running_loop().create_connection(
            lambda: _Http(self._answer), "127.0.0.1", port
        )

    def send(self, op: str) -> None:
        number = f"{self.name}-{self.number}"
        if op == "add":
            body = {"op_id": number, "op": "add", "dish_id": self.dish_id, "note": self.name}
        else:
            body = {"op_id": number, "op": "remove", "line_id": self.line}
        raw = json.dumps({"ops": [body], "seen_seq": 0}).encode()
        self.http.transport.write(
            f"POST {self.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
            + raw
        )

    def _answer(self, status: int, body: bytes) -> None:
        if status != 200:
            self.done(0)
            return
        answer = json.loads(body)
        result = answer["results"][0]
        self.line = result.get("line_id") or self.line
        self.done(answer["seq"] if result["status"] != "rejected" else 0)


class _Http(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, answered: Callable[[int, bytes], None]) -> None:
        self.answered = answered
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        at = head.find(b"content-length:")
        size = int(head[at + 15 :].split(b"\r\n", 1)[0])
        if len(self.buffer) >= end + 4 + size:
            body, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            self.answered(int(head[9:12]), body)
