"""What a flash sale costs the tables of the same store. ``python -m loadtests.neighbours [--rounds 3 --seconds 4]``.

Tables order at a steady rate, far below what they could, first in quiet and then while wrk storms a flash sale of
their store; quiet and storm take turns. What counts is the 99th percentile of a whole order, from when it was due
until it is settled, in the storm by the quiet before it.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
import uvloop

from loadtests import wrk
from loadtests.generator import Target
from loadtests.orders import KaifanTables, Played, Worker, play

STOCK = 1_000_000
STORM_CONNECTIONS = 64
STORM_MORE_SECONDS = 2.0
"""The storm begins before the orders and ends after them."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """99th percentiles of each round, in ms; claims per second of the storms."""

    quiet_p99_ms: list[float]
    storm_p99_ms: list[float]
    ratio_median: float
    claims_per_second: list[float]
    wrong: list[str]


async def measure(
    kaifan: KaifanTables, tables: int, rounds: int, seconds: float, per_second: float
) -> Result:
    """Quiet, storm, quiet, storm … against a system that is up."""
    diners = await kaifan.diners(max(tables, 2 * STORM_CONNECTIONS))
    tokens = await kaifan.tables(tables)
    workers = [Worker(kaifan, token, diners[number], number) for number, token in enumerate(tokens)]
    quiet: list[Played] = []
    storms: list[Played] = []
    claims: list[float] = []
    await play(workers, 1.0)
    for _ in range(rounds):
        quiet.append(await play(workers, seconds, per_second))
        sale = await kaifan.open_sale(STOCK, STOCK)
        target = Target(base_url=kaifan.base_url, flash_sale_id=sale, diners=diners)
        storming = seconds + STORM_MORE_SECONDS
        storm = asyncio.create_task(wrk.claims(target, connections=STORM_CONNECTIONS, seconds=storming))
        await asyncio.sleep(STORM_MORE_SECONDS / 2)
        storms.append(await play(workers, seconds, per_second))
        tally = await storm
        claims.append(round(tally.answers / (tally.duration_us / 1e6), 1))
        await kaifan.stop_sale(sale)
    for worker in workers:
        worker.close()
    before, during = [[played.latency_ms(99) for played in some] for some in (quiet, storms)]
    return Result(
        quiet_p99_ms=before,
        storm_p99_ms=during,
        ratio_median=round(median(high / low for low, high in zip(before, during, strict=True) if low), 2),
        claims_per_second=claims,
        wrong=[why for played in (*quiet, *storms) for why in played.wrong],
    )


async def _measured(options: argparse.Namespace) -> Result:
    folder = Path(tempfile.mkdtemp(prefix="kneighbours-"))
    kaifan = KaifanTables("kaifan", silos=options.silos)
    try:
        await kaifan.start(folder)
        return await measure(kaifan, options.tables, options.rounds, options.seconds, options.per_second)
    finally:
        await kaifan.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when an order went wrong."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.neighbours", description=__doc__)
    parser.add_argument("--silos", type=int, default=1)
    parser.add_argument("--tables", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--per-second", type=float, default=10.0, help="orders that become due")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_measured(options))
    print(msgspec.json.format(msgspec.json.encode(result), indent=1).decode())
    if options.json:
        options.json.write_bytes(msgspec.json.encode(result))
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
