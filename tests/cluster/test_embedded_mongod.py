"""The embedded mongod: it comes back with its data, and says why when it cannot."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import AsyncMongoClient
from pymongo.write_concern import WriteConcern

from cluster.embedded import DataFolder, EmbeddedFailure, EmbeddedMongod, failure
from cluster.embedded.mongod import find_mongod, series_of
from cluster.embedded.processes import process_end

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[DataFolder]:
    """A locked folder; whatever a test left running on it is ended."""
    made = DataFolder(tmp_path / "data")
    made.lock()
    yield made
    made.end_by_words("--dbpath", str(made.path / "mongod"))
    made.unlock()


async def write(mongod: EmbeddedMongod, number: int) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongod.uri) as client:
        rows = client.get_database("t", write_concern=WriteConcern(w="majority", j=True))["rows"]
        await rows.insert_one({"_id": number})


async def numbers(mongod: EmbeddedMongod) -> list[int]:
    async with AsyncMongoClient[dict[str, Any]](mongod.uri) as client:
        return [row["_id"] for row in await client["t"]["rows"].find(sort=[("_id", 1)]).to_list()]


def ended(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_data_survive_a_stop_and_another_port(folder: DataFolder) -> None:
    """The replica set is told the new port of its one node; the folder knows who wrote it."""
    async with EmbeddedMongod(folder) as first:
        await write(first, 1)
        port, pid = first.port, first.pid
    assert ended(pid)
    with socket.socket() as taken:
        # Kept from being chosen again.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))

        async with EmbeddedMongod(folder) as second:
            await write(second, 2)

            assert second.port != port
            assert await numbers(second) == [1, 2]
    record = json.loads((folder.path / "mongod.json").read_text())
    assert record["series"] == series_of(find_mongod())
    assert re.fullmatch(r"\d+\.\d+", record["feature_version"])


async def test_after_kill_9_it_starts_again_where_it_was(folder: DataFolder) -> None:
    """A majority write that was acknowledged is there, at the same address."""
    async with EmbeddedMongod(folder) as mongod:
        await write(mongod, 1)
        port, pid = mongod.port, mongod.pid
        os.kill(pid, signal.SIGKILL)
        await process_end(pid)

        await mongod.restart()

        assert mongod.port == port
        assert mongod.pid != pid
        assert await numbers(mongod) == [1]


async def test_what_a_killed_run_left_is_ended_first(folder: DataFolder) -> None:
    """Even when it stands still."""
    left = EmbeddedMongod(folder)
    await left.start()
    await write(left, 1)
    os.kill(left.pid, signal.SIGSTOP)

    assert folder.end_leftovers() == ["mongod"]

    assert ended(left.pid)
    async with EmbeddedMongod(folder) as mongod:
        assert await numbers(mongod) == [1]


async def test_what_a_run_left_that_was_killed_before_its_pid_file_is_ended_too(folder: DataFolder) -> None:
    """It is known by the folder it runs on."""
    left = EmbeddedMongod(folder)
    await left.start()
    folder.forget_process("mongod")

    async with EmbeddedMongod(folder) as mongod:
        assert ended(left.pid)
        assert mongod.pid != left.pid


async def test_data_of_another_series_are_not_opened(folder: DataFolder) -> None:
    """Said with both series, before anything is touched."""
    (folder.path / "mongod").mkdir()
    record = folder.path / "mongod.json"
    record.write_text('{"series": "4.4"}')

    with pytest.raises(EmbeddedFailure, match=r"written by mongod 4\.4; this one is") as refused:
        await EmbeddedMongod(folder).start()

    assert "mongod 4.4 on PATH" in refused.value.how
    assert record.read_text() == '{"series": "4.4"}'
    assert list((folder.path / "mongod").iterdir()) == []


async def test_a_taken_port_is_named(folder: DataFolder) -> None:
    """The port given by the caller is looked at before mongod is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedFailure, match=f"Port {port} for the embedded mongod is taken"):
            await EmbeddedMongod(folder, port).start()


async def test_a_folder_that_another_mongod_holds_is_not_called_damaged(folder: DataFolder) -> None:
    """mongod's own lock file is held, as by one that was started by hand."""
    (folder.path / "mongod").mkdir()
    with (folder.path / "mongod" / "mongod.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EmbeddedFailure, match="DBPathInUse") as refused:
            await EmbeddedMongod(folder).start()

    assert "Another mongod runs on this folder" in refused.value.how
    assert not (folder.path / "run" / "mongod.pid").exists()


async def test_a_full_disk_is_told_before_the_start(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what is free and how much is needed."""
    monkeypatch.setattr(failure, "DISK_FREE_BYTES_MIN", 10**18)

    with pytest.raises(EmbeddedFailure, match="is full") as refused:
        await EmbeddedMongod(folder).start()

    assert "--data-dir" in refused.value.how


@pytest.mark.parametrize(
    "program", ["#!/bin/sh\necho no libcrypto >&2; exit 127\n", "#!/nowhere/sh\n"], ids=["library", "format"]
)
async def test_a_mongod_that_does_not_run_here_is_told(
    folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """Built for another system: no stack trace, but what to install."""
    fake = tmp_path / "bin" / "mongod"
    fake.parent.mkdir()
    fake.write_text(program)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")

    with pytest.raises(EmbeddedFailure, match=re.escape(str(fake))) as refused:
        await EmbeddedMongod(folder).start()

    assert "Install mongod" in refused.value.how
