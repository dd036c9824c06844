"""wrk with our script sends what the bench's own generator sends, and its counts are true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests import equipment, wrk
from loadtests.generator import Diner, Target
from loadtests.processes import free_port
from tests.loadtests.scripted_server import answer

DINERS = [Diner(f"diner-{number}", f"token-{number}") for number in range(8)]
HELD = answer(201, {"claim_id": "c", "status": "held", "quantity": 1, "position": 1})
SOLD_OUT = answer(409, {"code": "sold_out"})
BUSY = answer(429, {"code": "rate_limited"})

needs_wrk = pytest.mark.skipif(equipment.wrk() is None, reason="left out: no wrk; apt-get install wrk")


def tally_of(reply: Callable[[int], bytes]) -> tuple[wrk.Tally, list[str]]:
    """A second of wrk against a server that answers the n-th request with ``reply(n)``; the heads it got."""
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                assert await reader.readexactly(14) == b'{"quantity":1}'
                writer.write(reply(len(heads)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # wrk has ended
        finally:
            writer.close()

    async def run() -> wrk.Tally:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            target = Target(base_url=f"http://127.0.0.1:{port}", flash_sale_id="s", diners=DINERS)
            return await wrk.claims(target, connections=4, seconds=0.5)

    return asyncio.run(run()), heads


@needs_wrk
def test_each_claim_has_a_fresh_key_and_diners_take_turns() -> None:
    """The path, the token and the key of each request are a claim's."""
    tally, heads = tally_of(lambda number: HELD)

    keys = [line for head in heads for line in head.split("\r\n") if line.startswith("Idempotency-Key: ")]
    assert len(set(keys)) == len(heads) > 100
    assert all(head.startswith("POST /api/v1/flash-sales/s/claims HTTP/1.1\r\n") for head in heads)
    assert {head.partition("Bearer ")[2].split("\r\n")[0] for head in heads} == {d.token for d in DINERS}
    assert 0 <= len(heads) - tally.statuses["201"] <= 4, "at most one per connection was under way at the end"
    assert 0 < tally.p50_us <= tally.p99_us


@needs_wrk
def test_refusals_are_counted_by_status_and_only_sold_out_as_sold_out() -> None:
    """A refusal for another reason is not an answer of the case."""
    tally, _ = tally_of(lambda number: (HELD, SOLD_OUT, BUSY)[number % 3])

    assert tally.sold_out == tally.statuses["409"] > 0
    assert set(tally.statuses) == {"201", "409", "429"}
    assert tally.answers == sum(tally.statuses.values())


@needs_wrk
def test_a_server_that_is_not_there_is_a_failure() -> None:
    """No figures are made of nothing."""
    target = Target(base_url=f"http://127.0.0.1:{free_port()}", flash_sale_id="s", diners=DINERS)

    with pytest.raises(wrk.WrkFailed, match="unable to connect"):
        asyncio.run(wrk.claims(target, connections=2, seconds=1))


def test_without_wrk_there_is_no_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bench then uses its own generator, and the rows say so."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert wrk.name() == ""
