"""One listening socket per machine, opened by the launcher and handed to each silo, again after its restart.

Opened without SO_REUSEPORT: with it a second system binds the same port silently, a stopped silo swallows its share
of connections and a killed one resets its backlog. With one shared socket any living silo accepts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

from actors.tasks import end_tasks
from cluster.embedded.failure import EmbeddedFailure

BACKLOG = 4_096


def open_listener(host: str, port: int) -> socket.socket:
    """The machine's listening socket. Raises EmbeddedFailure when the port is taken or not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise EmbeddedFailure(
            f"Port {port} on {host} cannot be used: {error.strerror}.",
            f"End what uses it (`ss -ltnp 'sport = :{port}'` shows it), or choose another with --port.",
        ) from error
    listener.setblocking(False)
    return listener


class Door:
    """The launcher's side: gives the listening socket to whoever of our own user connects."""

    def __init__(self, path: Path, listener: socket.socket) -> None:
        self._path = path
        self._listener = listener
        self._server: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(self._path))
        self._path.chmod(0o600)
        self._server.listen(64)
        self._server.setblocking(False)
        self._task = asyncio.get_running_loop().create_task(self._hand_out(self._server))

    async def _hand_out(self, server: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(server)
            with connection, contextlib.suppress(OSError):
                socket.send_fds(connection, [b"L"], [self._listener.fileno()])

    async def close(self) -> None:
        if self._task is not None:
            await end_tasks(self._task)
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)


def ask_for_listener(path: str) -> socket.socket:
    """A silo's side: the machine's listening socket. Raises OSError when the launcher is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        connection.connect(path)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    # What recv_fds gives is inheritable: our children must not hold the port.
    os.set_inheritable(descriptors[0], False)
    listener = socket.socket(fileno=descriptors[0])
    listener.setblocking(False)
    return listener
