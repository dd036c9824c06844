"""Streams run on uvloop in a silo and on asyncio's own loop in tests: both are tried."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(
    params=[("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})], ids=["asyncio", "uvloop"]
)
def anyio_backend(request: pytest.FixtureRequest) -> object:
    return request.param


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short: a unix socket's path holds 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="kl-") as path:
        yield Path(path)


@pytest.fixture
def path(folder: Path) -> str:
    return str(folder / "lane.sock")
