"""Many small entities: how fast they come into memory, and what each takes while it is idle.

``python -m loadtests.entities [--entities 20000] [--journal file|mongo] [--json FILE]`` opens that many small flash
sales, each with a claim, starts a silo that has none of them in memory, and asks every one a question.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

import msgspec
import structlog
import uvloop

from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.words import Accepted, Command, Query
from flash_sale.commands import Claim, GetSale
from loadtests.longsale import opened, start, stores_in

ASKED_AT_ONCE = 1_000
WEIGHED = 2_000
SETTINGS = RuntimeSettings(idle_s=3_600.0, entities_max=1_000_000)


class Result(msgspec.Struct, kw_only=True):
    """Activations per second, by the clock and by our own processor time; bytes of memory per idle entity."""

    entities: int
    journal: str
    activations_per_second: float
    activations_per_cpu_second: float
    bytes_per_entity: float


def key(number: int) -> str:
    return f"flash-sale/small-{number}"


async def each(silo: Silo, entities: int, word: Command | Query) -> None:
    """The same word to every entity, ASKED_AT_ONCE at a time."""

    async def ask(number: int) -> None:
        command_id = b"" if isinstance(word, Query) else os.urandom(16)
        reply = await silo.router.ask(key(number), word, command_id=command_id, timeout_s=60.0)
        assert isinstance(reply, Accepted), reply

    for first in range(0, entities, ASKED_AT_ONCE):
        await asyncio.gather(*(ask(number) for number in range(first, min(entities, first + ASKED_AT_ONCE))))


async def many_entities(stores: Stores, journal: str, entities: int) -> Result:
    """Write them, forget them, bring them back."""
    silo = await start(stores, SETTINGS)
    for first in range(0, entities, ASKED_AT_ONCE):
        numbers = range(first, min(entities, first + ASKED_AT_ONCE))
        await asyncio.gather(*(opened(silo, key(number), 10, 300) for number in numbers))
    await each(silo, entities, Claim(user_id="guest", quantity=1))
    await silo.drain(30.0)
    await silo.stop()
    del silo
    gc.collect()
    silo = await start(stores, SETTINGS)
    gc.collect()
    gc.freeze()
    began, cpu_began = time.perf_counter(), time.process_time()
    await each(silo, entities, GetSale())
    took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
    await silo.drain(5.0)
    await silo.stop()
    return Result(
        entities=entities,
        journal=journal,
        activations_per_second=entities / took,
        activations_per_cpu_second=entities / cpu,
        bytes_per_entity=await idle_bytes(stores, min(entities, WEIGHED)),
    )


async def idle_bytes(stores: Stores, entities: int) -> float:
    """What Python has allocated for each once all are in memory and nothing happens.

    Traced, not taken from the process: what earlier silos gave back to the allocator would hide it.
    """
    silo = await start(stores, SETTINGS)
    gc.collect()
    tracemalloc.start()
    try:
        await each(silo, entities, GetSale())
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(silo.host.activations) >= entities
    await silo.drain(5.0)
    await silo.stop()
    return taken / entities


async def measure(given: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory(prefix="le-") as folder:
        async with stores_in(given.journal, Path(folder)) as stores:
            return await many_entities(stores, given.journal, given.entities)


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtests.entities", description=__doc__)
    parser.add_argument("--entities", type=int, default=20_000)
    parser.add_argument("--journal", choices=("file", "mongo"), default="file")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    result = uvloop.new_event_loop().run_until_complete(measure(given))
    print(
        f"{result.entities:,} entities: {result.activations_per_second:,.0f} activations/s "
        f"({result.activations_per_cpu_second:,.0f} per second of our processor time), "
        f"{result.bytes_per_entity / 1_000:.1f} KB per idle entity"
    )
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
