"""A real TCP server on a free port that answers each request with the next bytes of a script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

BREAK = b""


class Seen:
    """The requests that arrived, head and body as text."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}"
        self.requests: list[str] = []

    def header(self, name: str) -> list[str]:
        """The values of one header, one per request that had it."""
        lines = [line for request in self.requests for line in request.split("\r\n")]
        return [line.partition(": ")[2] for line in lines if line.lower().startswith(f"{name.lower()}:")]


def answer(status: int, body: dict[str, Any], *headers: str) -> bytes:
    """One whole HTTP answer."""
    payload = json.dumps(body).encode()
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(payload)}", *headers, "", ""]
    return "\r\n".join(head).encode() + payload


@asynccontextmanager
async def scripted_server(script: Sequence[bytes]) -> AsyncIterator[Seen]:
    """Serve ``script``; ``BREAK`` closes the connection instead, and so does an answer that is cut off."""
    left = list(script)
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            while left:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (
                        int(line[15:])
                        for line in head.split("\r\n")
                        if line.lower().startswith("content-length:")
                    ),
                    0,
                )
                seen.requests.append(head + (await reader.readexactly(length)).decode())
                reply = left.pop(0)
                writer.write(reply)
                await writer.drain()
                if reply == BREAK or reply.endswith(b"{"):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up, as it may
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen = Seen(server.sockets[0].getsockname()[1])
    try:
        yield seen
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
