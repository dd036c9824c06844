"""The load generator counts every answer, and loses none."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.ceiling import measure
from loadtests.checker import SaleRules, check
from loadtests.generator import Diner, Round, Target, percentile_ms, storm
from tests.loadtests.scripted_server import answer

DINERS = [Diner(f"diner-{number}", f"token-{number}") for number in range(8)]


def storm_against(
    reply: Callable[[int], bytes],
    *,
    connections: int = 4,
    seconds: float = 0.3,
    per_second: float | None = None,
) -> tuple[Round, list[str]]:
    """A short storm against a server that answers the n-th request with ``reply(n)``, b'' hangs up."""
    heads: list[str] = []
    numbers = itertools.count(1)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                assert await reader.readexactly(14) == b'{"quantity":1}'
                data = reply(next(numbers))
                if not data:
                    break
                writer.write(data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the round is over
        finally:
            writer.close()

    async def run() -> Round:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            target = Target(base_url=f"http://127.0.0.1:{port}", flash_sale_id="s", diners=DINERS)
            return await storm(target, connections=connections, seconds=seconds, per_second=per_second)

    return asyncio.run(run()), heads


def held(number: int, **more: Any) -> bytes:
    """A hold with the request's number as its position."""
    return answer(
        201, {"claim_id": f"c{number}", "status": "held", "quantity": 1, "position": number, **more}
    )


def test_every_request_is_in_the_log_with_its_answer() -> None:
    """What the server answered and what the log holds are the same, to the last claim."""
    seen, heads = storm_against(held)

    log = seen.history()
    assert len(log) == len(heads) > 100
    assert sorted(attempt.body["position"] for attempt in log) == list(range(1, len(heads) + 1))
    assert seen.statuses() == {201: len(heads)}
    assert len(seen.rated()) <= len(log)
    assert check(log, SaleRules(stock=len(heads))).answer == "yes"
    assert check(log, SaleRules(stock=len(heads) - 1)).rule == "within stock"


def test_keys_are_fresh_and_diners_take_turns() -> None:
    """No key is used twice, and every diner's token is sent."""
    _, heads = storm_against(held)

    keys = [line for head in heads for line in head.split("\r\n") if line.startswith("Idempotency-Key: ")]
    assert len(set(keys)) == len(heads)
    assert {head.partition("Bearer ")[2].split("\r\n")[0] for head in heads} == {
        diner.token for diner in DINERS
    }


def test_a_diner_never_has_two_claims_in_flight() -> None:
    """The claims of one diner do not overlap."""
    seen, _ = storm_against(held)

    for diner in range(len(DINERS)):
        spans = sorted((shot.sent_ns, shot.answered_ns) for shot in seen.shots if shot.diner == diner)
        assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(spans))


def test_refusals_and_broken_connections_are_counted_apart() -> None:
    """A hang-up is an open claim in the log, and the connection goes on."""
    no = answer(409, {"code": "sold_out"})
    seen, heads = storm_against(
        lambda number: b"" if number in (5, 9) else held(number) if number < 20 else no
    )

    # However many a busy machine sends within the time: the first nineteen without the two are held.
    statuses, sent = seen.statuses(), range(1, len(heads) + 1)
    assert statuses[0] == len({5, 9}.intersection(sent)) > 0
    assert statuses[201] == len([number for number in sent if number < 20 and number not in (5, 9)])
    assert statuses[409] == max(0, len(heads) - 19)
    assert [attempt.answered_at for attempt in seen.history() if attempt.status is None] == [None] * statuses[
        0
    ]


def test_a_steady_load_is_due_at_equal_distances_whatever_the_server_does() -> None:
    """Each claim has the moment at which it was due; latency counts from there."""
    seen, heads = storm_against(held, seconds=0.5, per_second=400)

    due = sorted(shot.due_ns for shot in seen.shots)
    assert len(seen.shots) + seen.not_sent == 200
    assert len(heads) == len(seen.shots)
    assert all(abs(later - earlier - 2_500_000) <= 1 for earlier, later in itertools.pairwise(due))
    assert all(shot.due_ns <= shot.sent_ns <= shot.answered_ns for shot in seen.shots)


def test_a_steady_load_that_is_too_much_is_not_hidden() -> None:
    """What one connection cannot carry waits, its waiting counts, and what was never sent is told."""
    seen, _ = storm_against(held, connections=1, seconds=0.2, per_second=50_000)

    waits = [shot.sent_ns - shot.due_ns for shot in seen.shots]
    assert seen.not_sent > 0
    assert len(seen.shots) + seen.not_sent == 10_000
    assert waits[-1] > waits[0]
    assert seen.statuses() == {201: len(seen.shots)}


def test_a_steady_load_outlives_a_broken_connection() -> None:
    """A connection that came back takes claims again, and only once at a time."""
    seen, _ = storm_against(
        lambda number: b"" if number in (5, 9) else held(number), seconds=0.5, per_second=400
    )

    assert seen.statuses()[0] == 2
    assert len(seen.shots) + seen.not_sent == 200


def test_connection_close_is_obeyed() -> None:
    """A server that closes after its answer gets a new connection, and the answer counts."""
    closing = answer(201, json.loads(held(1).partition(b"\r\n\r\n")[2]), "Connection: close")
    seen, _ = storm_against(lambda number: closing if number == 1 else held(number))

    assert seen.statuses()[0] == 0
    assert len(seen.shots) > 100


def test_more_connections_than_diners_is_refused() -> None:
    """One claim in flight per diner is a rule of the sale, so the generator keeps it."""
    with pytest.raises(ValueError, match="as many diners"):
        storm_against(held, connections=9)


def test_percentiles_are_nearest_rank() -> None:
    """The 99th of a hundred is the 99th, and of nothing it is zero."""
    latencies = [number * 1_000_000 for number in range(1, 101)]

    assert [percentile_ms(latencies, percent) for percent in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile_ms([], 50) == 0.0


@pytest.mark.services
def test_the_generator_outruns_its_subjects(tmp_path: Path) -> None:
    """Against a bare socket it makes many thousand requests per second, even on a busy machine."""
    rates = asyncio.run(measure(tmp_path, seconds=0.5))

    assert min(rates.values()) > 5_000
