"""Ends of silos, told to the living at once: a line per end on a unix socket, from the launcher to every silo.

No silo asks and nobody waits: the launcher sees a process go by its pidfd and writes. A silo whose line is broken is
not told; it finds out by the lease, as it does when the launcher itself is gone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import structlog

LINE_BYTES_MAX = 65_536

log = structlog.get_logger("kaifan.notices")


class NoticeBoard:
    """The launcher's side."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()

    async def open(self) -> None:
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._keep_line, self._path)
        self._path.chmod(0o600)

    @property
    def listeners(self) -> int:
        """Silos that hear us."""
        return len(self._lines)

    async def _keep_line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            # Nothing is said by the other side: this returns when it is gone.
            await reader.read()
        except ConnectionError as broken:
            log.info("line_broken", reason=str(broken))
        finally:
            self._lines.discard(writer)
            writer.close()

    def tell_ended(self, address: str) -> None:
        """Every silo hears that this incarnation's process is gone for certain."""
        for line in self._lines:
            # Not drained: a silo that is stopped must not hold up the word to the others.
            line.write(json.dumps({"ended": address}).encode() + b"\n")

    async def close(self) -> None:
        for line in self._lines:
            line.close()
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)


async def hear(path: str, ended: Callable[[str], None]) -> None:
    """A silo's side: calls ``ended`` with each address, until the launcher is gone."""
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX)
    except OSError as error:
        log.warning("no_notices", reason=str(error))
        return
    try:
        async for line in reader:
            ended(str(json.loads(line)["ended"]))
    except (OSError, ValueError) as error:
        log.warning("notices_broken", reason=str(error))
    finally:
        writer.close()
