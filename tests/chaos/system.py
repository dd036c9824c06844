"""A running Kaifan seen from outside: its processes, who owns what, and whether it has settled."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from actors.membership import ALIVE, ENDED, Member
from actors.placement import Placement, shard_of
from cluster.embedded.processes import process_end
from cluster.ray_runtime import short_folder
from loadtests.processes import HOST
from loadtests.subjects import Kaifan
from loadtests.wire import ConnectionBroken, HttpConnection

LEASE_SECONDS = 2.0
SETTLE_SECONDS_MAX = 40.0
COMMAND_SECONDS_MAX = 60.0
END_SECONDS_MAX = 15.0
LOOK_EVERY_SECONDS = 0.02
ASK_SECONDS_MAX = 1.0


class NotRecovered(AssertionError):
    """The system did not come to the state that was waited for; says which."""


async def wait_until(
    what: str, holds: Callable[[], Awaitable[bool]], seconds: float = SETTLE_SECONDS_MAX
) -> None:
    """Look until it holds. Raises NotRecovered with ``what`` was waited for."""
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise NotRecovered(f"waited {seconds:.0f} s for: {what}")
        await asyncio.sleep(LOOK_EVERY_SECONDS)


class System:
    """One embedded Kaifan in ``folder`` with ``silos`` silos and a short lease.

    What it looks up in MongoDB is only used to aim; verdicts come from what clients saw over HTTP.
    """

    def __init__(self, folder: Path, silos: int) -> None:
        self.folder = folder
        self.data = (folder / "data").resolve()
        self.silos = silos
        settings = {"KAIFAN_LEASE_S": str(LEASE_SECONDS), "KAIFAN_LOG_SHARE": "0"}
        self.kaifan = Kaifan("kaifan", silos=silos, settings=settings)
        self._mongo: MongoClient[dict[str, Any]] | None = None
        self._stopped: set[int] = set()

    @property
    def base_url(self) -> str:
        return self.kaifan.base_url

    async def start(self) -> None:
        """Ready to sell when this returns."""
        await self.kaifan.start(self.folder)
        uri = (self.data / "run" / "mongo_uri").read_text()
        self._mongo = MongoClient(uri, serverSelectionTimeoutMS=500, timeoutMS=1_000)
        await self.settled()

    async def stop(self) -> None:
        """End every process of it, the stopped ones too."""
        for pid in list(self._stopped):
            self.resume(pid)
        if self._mongo is not None:
            self._mongo.close()
        await self.kaifan.stop()
        shutil.rmtree(short_folder(self.data), ignore_errors=True)

    # --- who is there --------------------------------------------------------------------------------------

    async def members(self) -> list[Member]:
        """All incarnations; empty while MongoDB does not answer."""
        rows = await self._read("members")
        return [msgspec.convert(row, Member, strict=False) for row in rows]

    async def living(self) -> list[Member]:
        return [member for member in await self.members() if member.state != ENDED]

    async def placement(self) -> Placement | None:
        rows = await self._read("placement")
        return msgspec.msgpack.decode(rows[0]["table"], type=Placement) if rows else None

    async def owner_of(self, flash_sale_id: str) -> Member:
        """The silo that owns the sale; waits until it can be told. Raises NotRecovered."""
        owners: list[Member] = []

        async def known() -> bool:
            placement = await self.placement()
            if placement is not None:
                address = placement.owner[shard_of(f"flash-sale/{flash_sale_id}")]
                owners.extend(member for member in await self.living() if member.address == address)
            return bool(owners)

        await wait_until(f"a living silo owns {flash_sale_id}", known)
        return owners[0]

    async def _read(self, collection: str) -> list[dict[str, Any]]:
        assert self._mongo is not None, "start() first"
        rows = self._mongo["kaifan"][collection]
        hidden = {"_id": 0, "seen_at": 0, "ended_at": 0}
        try:
            return await asyncio.to_thread(lambda: list(rows.find({}, hidden)))
        except PyMongoError:
            return []

    def server_pid(self, name: str) -> int:
        """mongod or valkey, as the data folder knows it."""
        return int((self.data / "run" / f"{name}.pid").read_text())

    def logged(self, event: str) -> int:
        """How often the silos' logs tell of an event."""
        needle = f'"event": "{event}"'
        return sum(file.read_text().count(needle) for file in (self.data / "logs").glob("silo-*.log"))

    # --- settled -------------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Wait until every silo lives and is ready, every shard has its owner, and the cache answers."""
        await wait_until(f"{self.silos} living silos that own everything between them", self._placed)
        await wait_until("every silo ready on its own port", self._all_ready)
        await wait_until("the cache answers", self._cache_answers)

    async def _placed(self) -> bool:
        living = await self.living()
        names = {f"silo-{number}" for number in range(self.silos)}
        if sorted(member.name for member in living) != sorted(names):
            return False
        placement = await self.placement()
        addresses = {member.address for member in living if member.state == ALIVE}
        return placement is not None and set(placement.owner) == addresses and not any(placement.next)

    async def _all_ready(self) -> bool:
        return all([await ready(member.port) for member in await self.living()])

    async def _cache_answers(self) -> bool:
        try:
            listening = psutil.Process(self.server_pid("valkey")).net_connections("tcp4")
            port = next(socket.laddr.port for socket in listening if socket.status == psutil.CONN_LISTEN)
            reader, writer = await asyncio.open_connection(HOST, port)
        except (OSError, StopIteration, psutil.NoSuchProcess):
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        finally:
            writer.close()

    # --- harm ----------------------------------------------------------------------------------------------

    async def kill(self, pid: int) -> bool:
        """SIGKILL; returns when the process is gone. False if it had ended before."""
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        await self.gone(pid)
        return True

    async def gone(self, pid: int) -> None:
        """Wait for the end of a process. Raises NotRecovered."""
        try:
            async with asyncio.timeout(END_SECONDS_MAX):
                await process_end(pid)
        except TimeoutError:
            raise NotRecovered(f"waited {END_SECONDS_MAX:.0f} s for the end of process {pid}") from None

    @contextlib.contextmanager
    def paused(self, pid: int) -> Iterator[None]:
        """SIGSTOP for the time of the block."""
        self._stopped.add(pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            self.resume(pid)

    def resume(self, pid: int) -> None:
        self._stopped.discard(pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def scale(self, silos: int) -> None:
        """``kaifan scale``, as an operator would."""
        await self.command("scale", str(silos))
        self.silos = silos

    async def command(self, *words: str) -> str:
        """Run a ``kaifan`` command on the data folder; its output. Raises NotRecovered if it fails."""
        program = str(Path(sys.executable).with_name("kaifan"))
        process = await asyncio.create_subprocess_exec(
            program,
            *words,
            "--data-dir",
            str(self.data),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_SECONDS_MAX):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise NotRecovered(f"kaifan {' '.join(words)} took over {COMMAND_SECONDS_MAX:.0f} s") from None
        if process.returncode != 0:
            raise NotRecovered(f"kaifan {' '.join(words)} failed: {output.decode(errors='replace')}")
        return output.decode(errors="replace")


async def ready(port: int) -> bool:
    """GET /readyz of one silo, on its own port."""
    async with HttpConnection(f"http://{HOST}:{port}") as connection:
        try:
            return (await connection.request("GET", "/readyz", seconds=ASK_SECONDS_MAX)).status == 200
        except ConnectionBroken:
            return False
