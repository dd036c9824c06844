"""Serves an ingress on sockets that are already listening, on the loop of whoever calls.

The node's launcher opens the socket and hands it to every silo; here it is only accepted from. No signal is
handled: a silo is drained by a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator, Sequence

import structlog
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server

from api.app import Ingress
from api.fast_protocol import FastProtocol
from api.live.socket import LiveSocket
from api.protocol import ConnectionLimits, LimitedProtocol

log = structlog.get_logger("kaifan.api")

LOOK_EVERY_S = 0.5
LINGER_S = 0.5
"""Time in which connections end by themselves with the answer they are waiting for, before idle ones are closed."""

BACKLOG = 4_096


class NotStarted(Exception):
    """The server did not come up."""


class _Uvicorn(Server):
    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """A start that failed would end the process, and every entity in it."""
        try:
            await super().serve(sockets)
        except SystemExit as ended:
            for listening in sockets or ():
                listening.close()
            raise NotStarted("uvicorn ended while starting") from ended

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are the process' business, not ours."""
        yield


class HttpServer:
    """One silo's HTTP service; see :func:`run_server`."""

    def __init__(self, app: ASGIApp, limits: ConnectionLimits) -> None:
        road = app.fast_road if isinstance(app, Ingress) else None
        base = LimitedProtocol if road is None else FastProtocol
        live = app.live if isinstance(app, Ingress) else None
        members = {"limits": limits, "draining": False, "road": road, "live": live}
        protocol = type("SiloProtocol", (base,), members)
        self._protocol: type[LimitedProtocol] = protocol
        self._server = _Uvicorn(
            Config(
                app,
                http=protocol,
                ws="none",
                lifespan="on",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=1,
            )
        )
        self._limits = limits
        self._serving: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._more: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._server.server_state.connections)

    @property
    def draining(self) -> bool:
        """No more connections are accepted."""
        return self._protocol.draining

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Serve on listening sockets; returns when connections are accepted. They are closed by ``drain``.

        Raises NotStarted.
        """
        loop = asyncio.get_running_loop()
        self._serving = loop.create_task(self._server.serve(list(sockets)))
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise NotStarted("uvicorn ended while starting")
            await asyncio.sleep(0.005)
        self._looking = loop.create_task(self._look_for_ever())

    def accept_from(self, listener: socket.socket) -> None:
        """Accept connections of one more listening socket from now on; closed by ``drain`` like the others."""
        self._more = asyncio.get_running_loop().create_task(self._accept_from(listener))

    async def _accept_from(self, listener: socket.socket) -> None:
        uvicorn = self._server

        def connection() -> asyncio.Protocol:
            return self._protocol(
                config=uvicorn.config, server_state=uvicorn.server_state, app_state=uvicorn.lifespan.state
            )

        server = await asyncio.get_running_loop().create_server(connection, sock=listener, backlog=BACKLOG)
        uvicorn.servers.append(server)

    async def _look_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        limits = self._limits
        every_s = min(LOOK_EVERY_S, limits.head_s / 4, limits.body_s / 4, limits.idle_s / 4)
        while True:
            await asyncio.sleep(every_s)
            now = loop.time()
            for connection in self.open_connections():
                try:
                    connection.check(now)
                except Exception:  # a mistake of ours with one connection must not leave all others unwatched
                    log.exception("connection_check_failed")
                    connection.transport.abort()

    def open_connections(self) -> list[LimitedProtocol | LiveSocket]:
        """The connections that are open now."""
        kinds = (LimitedProtocol, LiveSocket)
        return [one for one in self._server.server_state.connections if isinstance(one, kinds)]

    async def drain(self, timeout_s: float) -> None:
        """Accept no more, answer what is under way with Connection: close, and end after ``timeout_s`` at most."""
        if self._serving is None:
            return
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + timeout_s
        self._protocol.draining = True
        for server in self._server.servers:
            server.close()
        for connection in self.open_connections():
            connection.drain()
        lingers_until = min(ends_at, loop.time() + LINGER_S)
        while self.connections and loop.time() < lingers_until:
            await asyncio.sleep(0.01)
        self._server.config.timeout_graceful_shutdown = max(1, round(ends_at - loop.time()))
        self._server.should_exit = True
        try:
            await self._serving
        finally:
            for connection in self.open_connections():
                connection.transport.abort()
            if self._looking is not None:
                self._looking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._looking
            self._serving = self._looking = None


async def run_server(
    app: ASGIApp, sockets: Sequence[socket.socket], *, limits: ConnectionLimits | None = None
) -> HttpServer:
    """Start serving ``app`` on listening sockets, on the running loop; end it with ``await server.drain(10.0)``.

    The server closes its own copies of the sockets; pass ``socket.dup()`` to go on listening.
    """
    server = HttpServer(app, limits or ConnectionLimits())
    await server.start(sockets)
    return server
