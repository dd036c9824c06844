"""The launcher's control socket: ``kaifan status``, ``kaifan scale`` talk to it. One JSON line each way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cluster.ray_runtime import short_folder

CONTROL_SOCKET = "control.sock"
LINE_BYTES_MAX = 4_000_000

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class NotRunning(Exception):
    """Nobody serves this data folder."""


def control_path(data_dir: Path) -> Path:
    """Where the launcher of this data folder listens: a path short enough for a socket."""
    return short_folder(data_dir.resolve()) / CONTROL_SOCKET


class ControlSocket:
    """Unix socket with mode 0600: only the user who started the system may control it."""

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=LINE_BYTES_MAX)
        self._path.chmod(0o600)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            try:
                answer = await self._handler(json.loads(line))
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        finally:
            writer.close()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)


async def ask(path: Path, request: dict[str, Any], timeout_s: float = 120.0) -> dict[str, Any]:
    """Ask the launcher. Raises NotRunning."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX)
    except OSError as error:
        raise NotRunning from error
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        async with asyncio.timeout(timeout_s):
            answer = await reader.readline()
    finally:
        writer.close()
    if not answer:
        raise NotRunning
    return dict(json.loads(answer))
