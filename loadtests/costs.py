"""What one claim costs in each part of its road: ``python -m loadtests.costs``.

Starts Kaifan, keeps claims coming with the bench's load, and runs what ``kaifan profile`` runs. Prints a table for
the fast road and one for the FastAPI road, in Markdown, as ``docs/performance.md`` shows them.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil
import uvloop

from cluster.embedded.failure import EmbeddedFailure
from cluster.profiling import MEANING, Profile, record
from loadtests.bench import machine
from loadtests.entrants import FASTAPI_ROAD
from loadtests.generator import Target, storm
from loadtests.processes import DidNotStart
from loadtests.subjects import Kaifan

ROADS: dict[str, dict[str, str]] = {"fast road": {}, "FastAPI road": FASTAPI_ROAD}
LOAD_STEP_SECONDS = 2.0
STOCK = 1_000_000


async def profile(road: str, *, connections: int, seconds: int, picture: Path) -> Profile:
    """A system of one silo on a road, under load, recorded. Raises DidNotStart, EmbeddedFailure."""
    subject = Kaifan("kaifan", silos=1, settings=ROADS[road])
    with tempfile.TemporaryDirectory(prefix="kcosts-") as folder:
        try:
            await subject.start(Path(folder))
            [(_, url)] = (await subject.silo_urls()).items()
            load = asyncio.create_task(_claim_on(subject, connections))
            try:
                port = int(url.rpartition(":")[2])
                return await record(_pid_behind(port), port, seconds, picture)
            finally:
                load.cancel()
                await asyncio.gather(load, return_exceptions=True)
        finally:
            await subject.stop()


async def _claim_on(subject: Kaifan, connections: int) -> None:
    """Claims without an end, in sales that are never sold out."""
    diners = await subject.diners(connections * 16)
    while True:
        sale = await subject.open_sale(STOCK, STOCK)
        target = Target(base_url=subject.base_url, flash_sale_id=sale, diners=diners)
        await storm(target, connections=connections, seconds=LOAD_STEP_SECONDS)
        await subject.stop_sale(sale)


def _pid_behind(port: int) -> int:
    """The process that listens on a port of this machine: the silo."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return int(connection.pid)
    raise DidNotStart(f"nobody listens on {port}")


def table(road: str, recorded: Profile) -> str:
    """A recording as Markdown."""
    lines = [
        f"**{road}**: {recorded.requests / recorded.seconds:,.0f} claims/s while it was recorded, "
        f"{recorded.cpu_s / recorded.seconds:.0%} of a core, {recorded.samples:,} samples",
        "",
        "| part | µs per claim | share | what |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {cost.part} | {cost.us:.1f} | {cost.share:.1%} | {MEANING[cost.part]} |"
        for cost in recorded.costs
    ]
    return "\n".join([*lines, f"| all | {recorded.us_per_request:.1f} | | processor time of the silo |", ""])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 when a system did not start or could not be looked into."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.costs", description=__doc__)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--seconds", type=int, default=10, help="length of each of two recordings")
    parser.add_argument("--road", choices=ROADS, action="append", help="only this one")
    parser.add_argument("--pictures", type=Path, default=Path("data/profiles"), help="where flame graphs go")
    options = parser.parse_args(arguments)
    options.pictures.mkdir(parents=True, exist_ok=True)
    print(f"Machine: {machine()}. {options.connections} connections.\n")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for road in options.road or ROADS:
            picture = options.pictures / f"{road.replace(' ', '-').lower()}.svg"
            try:
                recorded = runner.run(
                    profile(road, connections=options.connections, seconds=options.seconds, picture=picture)
                )
            except (DidNotStart, EmbeddedFailure) as failure:
                print(f"{road}: {failure}", file=sys.stderr)
                return 1
            print(table(road, recorded))
            print(f"Flame graph: {picture}\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
