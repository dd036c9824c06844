"""A silo's HTTP service from start to drain."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx
import pytest

from api.server import NotStarted, run_server
from api.settings import Router
from tests.api.house import Gate, open_house, until

pytestmark = pytest.mark.anyio

MENU = b"GET /api/v1/stores/s1/menu HTTP/1.1\r\nhost: x\r\n\r\n"


def _slow(made: list[Gate]) -> Any:
    def around(router: Router) -> Router:
        made.append(Gate(router))
        return made[0]

    return around


async def test_a_drain_answers_what_is_under_way_and_accepts_no_more() -> None:
    """The answer comes with Connection: close; idle connections end; new ones are refused."""
    made: list[Gate] = []
    async with open_house(around=_slow(made)) as house:
        idle_reader, idle_writer = await house.connect()
        reader, writer = await house.connect()
        writer.write(MENU)
        await until(lambda: made[0].waiting == 1, "the request at its entity")

        draining = asyncio.create_task(house.server.drain(10.0))
        await until(lambda: house.server.draining, "the server drains")
        with pytest.raises(OSError):
            await house.connect()
        made[0].open()
        answer = await asyncio.wait_for(reader.read(), 10)
        await asyncio.wait_for(draining, 10)

        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer
        assert await asyncio.wait_for(idle_reader.read(), 10) == b""
        for one in (writer, idle_writer):
            one.close()


async def test_a_request_that_meets_a_drain_is_answered_as_the_last_one() -> None:
    """On a connection that is still open it gets its answer, with Connection: close."""
    async with open_house() as house:
        reader, writer = await house.connect()
        await until(lambda: house.server.connections == 1, "the connection is open")
        draining = asyncio.create_task(house.server.drain(10.0))
        await until(lambda: house.server.draining, "the server drains")
        writer.write(MENU)
        answer = await asyncio.wait_for(reader.read(), 10)
        await asyncio.wait_for(draining, 10)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer


async def test_a_drain_ends_in_time_whatever_is_under_way() -> None:
    """An answer that never comes does not keep the silo from leaving."""
    made: list[Gate] = []
    async with open_house(around=_slow(made)) as house:
        reader, writer = await house.connect()
        writer.write(MENU)
        await until(lambda: made[0].waiting == 1, "the request at its entity")

        await asyncio.wait_for(house.server.drain(1.0), 5)

        await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert house.server.connections == 0


async def test_two_silos_share_one_listening_socket() -> None:
    """While one drains, the other answers everything; no connection is lost with the first one's socket."""
    async with open_house() as one:
        shared = socket.create_server(("127.0.0.1", 0), backlog=128)
        port = shared.getsockname()[1]
        first = await run_server(one.app, [shared.dup()])
        second = await run_server(one.app, [shared.dup()])
        try:
            await first.drain(5.0)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                codes = [
                    (await http.get("/healthz", headers={"Connection": "close"})).status_code
                    for _ in range(20)
                ]
        finally:
            await second.drain(5.0)
            shared.close()

    assert codes == [200] * 20


async def test_an_app_that_cannot_start_says_so() -> None:
    """NotStarted, and nothing is left running."""

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.failed", "message": "no"})

    with socket.create_server(("127.0.0.1", 0)) as listening, pytest.raises(NotStarted):
        await run_server(broken, [listening.dup()])
