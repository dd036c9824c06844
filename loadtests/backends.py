"""Stores that peers sell from, started by the bench: each on a free port, in a folder of its own, durable."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

from cluster.embedded.mongod import find_mongod
from loadtests.equipment import postgres_folder, redis_binary
from loadtests.processes import HOST, DidNotStart, Server, free_port

READY_SECONDS_MAX = 60.0
STEP_SECONDS = 0.05
MONGOD_CACHE_GB = "0.5"
POSTGRES_USER = "postgres"
POSTGRES = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "2GB",
}


class Backend:
    """A running store: what to stop, and the environment that tells a peer where it is."""

    def __init__(
        self,
        server: Server,
        env: dict[str, str],
        *,
        folder: Path | None = None,
        ask: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.server, self.env, self._folder, self._ask = server, env, folder, ask

    async def stop(self) -> None:
        """End it; a folder outside the bench's goes with it."""
        await self.server.stop(ask=self._ask)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


async def start_redis(folder: Path) -> Backend:
    """A Redis-compatible server that has every write on disk before it answers."""
    port = free_port()
    command = [redis_binary(), "--port", str(port), "--bind", HOST, "--dir", str(folder)]
    command += ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
    server = Server("redis", command, folder)
    await _until(server, lambda: _listens(port))
    return Backend(server, {"PEER_REDIS_PORT": str(port)})


async def start_mongod(folder: Path) -> Backend:
    """A one-node replica set, the same binary as Kaifan's journal."""
    port, data = free_port(), folder / "mongod"
    data.mkdir()
    command = [str(find_mongod()), "--dbpath", str(data), "--port", str(port), "--bind_ip", HOST]
    command += ["--replSet", "bench", "--networkMessageCompressors", "snappy,zstd"]
    command += ["--wiredTigerCacheSizeGB", MONGOD_CACHE_GB, "--quiet"]
    server = Server("mongod", command, folder)
    uri = f"mongodb://{HOST}:{port}/?directConnection=true"
    await _until(server, lambda: _listens(port))
    members = {"_id": "bench", "members": [{"_id": 0, "host": f"{HOST}:{port}"}]}
    async with AsyncMongoClient(uri) as client:
        await client.admin.command("replSetInitiate", members)
    await _until(server, lambda: _takes_writes(uri))
    return Backend(server, {"PEER_MONGO_URI": uri})


async def start_postgres(folder: Path) -> Backend:
    """A PostgreSQL cluster with fsync. As root it runs as the user ``postgres``: it refuses root.

    Raises Missing when there is none. The data are in the system's temp folder, beside the bench's: another user
    cannot reach into a folder that is root's alone.
    """
    programs = postgres_folder()
    data = Path(tempfile.mkdtemp(prefix="kbench-postgres-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        user = pwd.getpwnam(POSTGRES_USER)
        os.chown(data, user.pw_uid, user.pw_gid)
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        # The user's change clears the signal that ends a server with the bench, so setpriv sets it again.
        as_user += ["--pdeathsig=TERM", "--"]
    make = [
        *as_user,
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        POSTGRES_USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
    ]
    done = await asyncio.to_thread(subprocess.run, make, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(data, ignore_errors=True)
        raise DidNotStart(f"initdb ended with {done.returncode}\n{done.stderr.strip()}")
    port = free_port()
    command = [*as_user, str(programs / "postgres"), "-D", str(data), "-p", str(port)]
    for name, value in POSTGRES.items():
        command += ["-c", f"{name}={value}"]
    server = Server("postgres", command, folder, working_folder=data)
    await _until(server, lambda: _answers_sql(programs, port))
    uri = f"postgresql://{POSTGRES_USER}@{HOST}:{port}/postgres"
    # SIGINT ends it at once; SIGTERM would wait for its clients.
    return Backend(server, {"PEER_POSTGRES_URI": uri}, folder=data, ask=signal.SIGINT)


async def _until(server: Server, ready: Callable[[], Awaitable[bool]]) -> None:
    """Wait for a store. Raises DidNotStart."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + READY_SECONDS_MAX
    while loop.time() < deadline:
        server.must_live()
        if await ready():
            return
        await asyncio.sleep(STEP_SECONDS)
    raise DidNotStart(f"{server.name} was not ready in {READY_SECONDS_MAX:.0f} s\n{server.last_lines()}")


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def _takes_writes(uri: str) -> bool:
    try:
        async with AsyncMongoClient(uri) as client:
            return bool((await client.admin.command("hello")).get("isWritablePrimary"))
    except PyMongoError:
        return False


async def _answers_sql(programs: Path, port: int) -> bool:
    check = [str(programs / "pg_isready"), "-q", "-h", HOST, "-p", str(port), "-U", POSTGRES_USER]
    done = await asyncio.to_thread(subprocess.run, check, capture_output=True, check=False)
    return done.returncode == 0
