"""Shared by all tests: asyncio is the one backend; real servers start on free ports in a temp folder."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from cluster.embedded import DataFolder, EmbeddedMongod, EmbeddedValkey


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything that a test needs can be had: one that is skipped there has tested nothing."""
    report = yield
    if report.skipped and os.environ.get("NO_SKIPPED_TESTS"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def services_folder() -> Iterator[DataFolder]:
    """A data folder of this test session (one per worker), gone with it."""
    path = Path(tempfile.mkdtemp(prefix="kt-"))
    folder = DataFolder(path)
    folder.lock()
    yield folder
    folder.unlock()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def mongod(services_folder: DataFolder) -> Iterator[EmbeddedMongod]:
    """A real one-node replica set with fault injection switched on."""
    server = EmbeddedMongod(services_folder, parameters=("--setParameter", "enableTestCommands=1"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def valkey(services_folder: DataFolder) -> Iterator[EmbeddedValkey]:
    """A real Redis-compatible server."""
    server = EmbeddedValkey(services_folder)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
def database() -> str:
    """The name of a database nobody else uses."""
    return f"t{uuid.uuid4().hex[:12]}"
