"""How fast is the load generator itself? ``python -m loadtests.ceiling`` measures it against a bare socket.

The server, in a process of its own, answers every packet with the same bytes and parses nothing. A subject
whose rate comes near this figure is not being measured any more, the generator is.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import cast

import uvloop

from loadtests.generator import Diner, Target, percentile_ms, storm
from loadtests.processes import HOST, Server, free_port

_BODY = b'{"claim_id":"x","status":"held","quantity":1,"position":1,"expires_at":"2099-01-01T00:00:00+00:00"}'
_ANSWER = b"HTTP/1.1 201 X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
_READY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_CONNECTIONS = (64, 256)
_SECONDS = 3.0


class _Same(asyncio.Protocol):
    """The same answer to whatever comes; a GET is told that the server is ready."""

    _answer = _ANSWER % (len(_BODY), _BODY)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(_READY if data.startswith(b"GET") else self._answer)


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(_Same, HOST, port)
    await server.serve_forever()


async def measure(folder: Path, *, seconds: float = _SECONDS) -> dict[int, float]:
    """Requests per second by number of connections."""
    port = free_port()
    server = Server("bare", [sys.executable, "-m", "loadtests.ceiling", str(port)], folder)
    rates = {}
    try:
        await server.answers(f"http://{HOST}:{port}", "/", seconds=10)
        diners = [Diner(f"diner-{number}", "t" * 150) for number in range(4 * max(_CONNECTIONS))]
        target = Target(base_url=f"http://{HOST}:{port}", flash_sale_id="none", diners=diners)
        for connections in _CONNECTIONS:
            seen = await storm(target, connections=connections, seconds=seconds)
            rated = seen.rated()
            rates[connections] = len(rated) / seen.seconds
            latencies = sorted(shot.answered_ns - shot.sent_ns for shot in rated)
            p50, p99 = percentile_ms(latencies, 50), percentile_ms(latencies, 99)
            print(f"{connections} connections: {rates[connections]:,.0f}/s, p50 {p50} ms, p99 {p99} ms")
    finally:
        await server.stop()
    return rates


def main() -> None:
    """Serve on the port that is given, or measure."""
    with (
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        tempfile.TemporaryDirectory() as folder,
    ):
        runner.run(_serve(int(sys.argv[1])) if len(sys.argv) > 1 else measure(Path(folder)))


if __name__ == "__main__":
    main()
