"""The patient client asks again with the same key, and remembers every try."""

from __future__ import annotations

import asyncio

import pytest

from loadtests.client import StormClient
from loadtests.history import Attempt
from loadtests.processes import free_port
from loadtests.wire import ConnectionBroken, HttpConnection
from tests.loadtests.scripted_server import BREAK, Seen, answer, scripted_server

HELD = {"claim_id": "c1", "status": "held", "quantity": 1, "position": 1}
HALF = b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{"


def claim_once(*script: bytes, patience_seconds: float = 10.0) -> tuple[Attempt, list[Attempt], Seen]:
    """One claim against a script: its outcome, the log, what the server saw."""

    async def run() -> tuple[Attempt, list[Attempt], Seen]:
        async with scripted_server(script) as seen, StormClient(seen.base_url, "token") as client:
            last = await client.claim("sale-1", patience_seconds=patience_seconds)
            return last, client.log, seen

    return asyncio.run(run())


def test_F5_it_asks_again_with_the_same_key_until_it_is_answered() -> None:
    """A break, half an answer, 503 and 429 are tried again with one key; the yes ends it."""
    in_doubt = answer(503, {"code": "in_doubt"}, "Retry-After: 1")
    in_flight = answer(429, {"code": "claim_in_flight"})

    last, log, seen = claim_once(BREAK, HALF, in_doubt, in_flight, answer(201, HELD))

    assert last.body == HELD
    assert [attempt.status for attempt in log] == [None, None, 503, 429, 201]
    assert len(seen.header("Idempotency-Key")) == 5
    assert set(seen.header("Idempotency-Key")) == {last.key}
    assert all(attempt.answered_at is None or attempt.answered_at >= attempt.sent_at for attempt in log)


@pytest.mark.parametrize("status", [201, 202, 400, 401, 404, 409, 422, 500])
def test_a_definite_answer_is_not_asked_again(status: int) -> None:
    """Only what may change by waiting is tried again."""
    last, log, seen = claim_once(answer(status, {"code": "said"}), answer(201, HELD))

    assert (last.status, len(log), len(seen.requests)) == (status, 1, 1)


def test_patience_ends() -> None:
    """After the deadline the open claim is handed back as open."""
    last, log, _ = claim_once(*[BREAK] * 50, patience_seconds=0.2)

    assert last.status is None
    assert last.answered_at is None
    assert 1 < len(log) < 50


def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    """A refused connection is a try like any other."""

    async def run() -> list[Attempt]:
        async with StormClient(f"http://127.0.0.1:{free_port()}", "token") as client:
            await client.claim("sale-1", patience_seconds=0.1)
            return client.log

    log = asyncio.run(run())

    assert len(log) > 1
    assert {attempt.status for attempt in log} == {None}


def test_every_claim_gets_a_key_of_its_own() -> None:
    """Two claims are two keys, unless the caller names one."""

    async def run() -> Seen:
        async with (
            scripted_server([answer(201, HELD)] * 3) as seen,
            StormClient(seen.base_url, "token") as client,
        ):
            await client.claim("sale-1", quantity=2)
            await client.claim("sale-1", wait=True, entry_token="entry")
            await client.claim("sale-1", key="mine")
            return seen

    seen = asyncio.run(run())

    assert len(set(seen.header("Idempotency-Key"))) == 3
    assert seen.header("Idempotency-Key")[2] == "mine"
    assert seen.requests[0].endswith('{"quantity":2}')
    assert seen.requests[1].endswith('{"quantity":1,"wait":true}')
    assert seen.header("Entry-Token") == ["entry"]
    assert seen.header("Authorization") == ["Bearer token"] * 3


def test_a_release_names_its_claim() -> None:
    """Giving back is logged with the claim, so that the checker can pair the two."""

    async def run() -> tuple[list[Attempt], Seen]:
        script = [answer(503, {"code": "unavailable"}), answer(200, {"status": "released"})]
        async with scripted_server(script) as seen, StormClient(seen.base_url, "token") as client:
            await client.release("sale-1", "c1")
            return client.log, seen

    log, seen = asyncio.run(run())

    assert [(a.act, a.claim_id, a.status) for a in log] == [("release", "c1", 503), ("release", "c1", 200)]
    assert seen.requests[0].startswith("DELETE /api/v1/flash-sales/sale-1/claims/c1 ")


def test_a_closed_connection_is_opened_again() -> None:
    """After ``Connection: close`` the next request goes over a new one."""

    async def run() -> list[int]:
        script = [answer(200, {}, "Connection: close"), answer(200, {})]
        async with scripted_server(script) as seen, HttpConnection(seen.base_url) as connection:
            return [(await connection.request("GET", "/")).status for _ in range(2)]

    assert asyncio.run(run()) == [200, 200]


def test_what_is_not_http_is_a_broken_connection() -> None:
    """Noise must not be taken for an answer."""

    async def run() -> None:
        async with (
            scripted_server([b"nonsense\r\n\r\n"]) as seen,
            HttpConnection(seen.base_url) as connection,
        ):
            await connection.request("GET", "/")

    with pytest.raises(ConnectionBroken, match="not HTTP"):
        asyncio.run(run())


def test_an_answer_that_does_not_come_is_a_broken_connection() -> None:
    """A deadline per request; the late answer of the dropped connection is never read as the next one's."""

    async def run() -> int:
        interim = b"HTTP/1.1 100 Continue\r\n\r\n"
        async with (
            scripted_server([interim, answer(200, {})]) as seen,
            HttpConnection(seen.base_url) as connection,
        ):
            with pytest.raises(ConnectionBroken, match="no answer"):
                await connection.request("GET", "/", seconds=0.1)
            return (await connection.request("GET", "/")).status

    assert asyncio.run(run()) == 200
