"""One listening socket per machine: taken once, handed to every silo, gone with the last holder."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.control import ControlSocket, NotRunning, ask
from cluster.door import Door, ask_for_listener, open_listener
from cluster.embedded import EmbeddedFailure
from cluster.embedded.processes import free_port

pytestmark = pytest.mark.anyio


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder short enough for the path of a socket."""
    with tempfile.TemporaryDirectory(prefix="kd-") as path:
        yield Path(path)


async def test_two_holders_share_one_socket_and_no_child_inherits_it(short: Path) -> None:
    """Whoever asks gets the same port; a connection is accepted by either; the descriptor is not inheritable."""
    listener = open_listener("127.0.0.1", free_port())
    door = Door(short / "door.sock", listener)
    door.open()
    try:
        first = await asyncio.to_thread(ask_for_listener, str(short / "door.sock"))
        second = await asyncio.to_thread(ask_for_listener, str(short / "door.sock"))
        with first, second:
            assert first.getsockname() == second.getsockname() == listener.getsockname()
            assert not os.get_inheritable(first.fileno())
            with socket.create_connection(listener.getsockname()):
                accepted, _ = second.accept()
                accepted.close()
    finally:
        await door.close()
        listener.close()


async def test_a_silo_without_a_launcher_is_told(short: Path) -> None:
    """A closed door is an error, not a wait."""
    with pytest.raises(OSError, match="No such file"):
        await asyncio.to_thread(ask_for_listener, str(short / "door.sock"))


async def test_a_taken_port_is_one_clear_message() -> None:
    """A second system does not bind the same port silently."""
    with open_listener("127.0.0.1", free_port()) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedFailure, match=f"Port {port} on 127.0.0.1 cannot be used"):
            open_listener("127.0.0.1", port)


async def test_control_answers_errors_and_is_its_owners(short: Path) -> None:
    """A request that fails is an answer too; the socket has mode 0600; without a launcher there is NotRunning."""

    async def handle(request: dict[str, int]) -> dict[str, float]:
        return {"half": 1 / request["divide"]}

    path = short / "control.sock"
    control = ControlSocket(path, handle)
    await control.open()
    try:
        assert path.stat().st_mode & 0o777 == 0o600
        assert await ask(path, {"divide": 2}) == {"half": 0.5}
        assert (await ask(path, {"divide": 0}))["error"].startswith("ZeroDivisionError")
    finally:
        await control.close()
    with pytest.raises(NotRunning):
        await ask(path, {"divide": 2})
