"""The embedded Redis-compatible server: a cache, nothing in it outlives it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis.asyncio

from cluster.embedded import DataFolder, EmbeddedFailure, EmbeddedValkey
from cluster.embedded.processes import process_end

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    made = DataFolder(tmp_path / "data")
    made.lock()
    yield made
    made.end_leftovers()
    made.unlock()


async def test_it_answers_comes_back_at_its_port_and_keeps_nothing(folder: DataFolder) -> None:
    """After a kill -9 it is empty, and its clients find it where it was."""
    async with EmbeddedValkey(folder) as valkey:
        port, pid = valkey.port, valkey.pid
        async with redis.asyncio.from_url(valkey.uri) as client:
            await client.set("sale", "open")
            assert await client.get("sale") == b"open"
        os.kill(pid, signal.SIGKILL)
        await process_end(pid)

        await valkey.restart()

        async with redis.asyncio.from_url(valkey.uri) as client:
            assert await client.get("sale") is None
        assert (valkey.port, valkey.pid != pid) == (port, True)
    assert not (folder.path / "run" / "valkey.pid").exists()


async def test_it_listens_on_loopback_only_and_has_no_file_of_its_data(folder: DataFolder) -> None:
    """No snapshot, no append-only file; memory is bounded."""
    async with (
        EmbeddedValkey(folder) as valkey,
        redis.asyncio.from_url(valkey.uri, decode_responses=True) as client,
    ):
        settings = await client.config_get("bind", "save", "appendonly", "maxmemory")

    assert settings["bind"] == "127.0.0.1"
    assert (settings["save"], settings["appendonly"]) == ("", "no")
    assert int(settings["maxmemory"]) > 0


async def test_a_taken_port_is_told(folder: DataFolder) -> None:
    """Before anything is started: whoever has it might answer in our place."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(EmbeddedFailure, match="Redis-compatible server is taken"),
    ):
        await EmbeddedValkey(folder, other.getsockname()[1]).start()

    assert list((folder.path / "run").glob("*.pid")) == []
