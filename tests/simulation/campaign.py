"""Many seeds over all scenarios, on all cores; stops at nothing, reports everything."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from unittest.mock import patch

import structlog

from actors import remembered
from actors.silo import Silo
from actors.testing.simulation import Report, Workload, simulate
from flash_sale import table
from tests.simulation.sales import Sales
from tests.simulation.shops import Shops
from tests.simulation.tables import Tables

CHUNK = 10

FEW = 4
"""Claims of a segment and answers of a block, so that a short history has many that are sealed."""


def workload_of(seed: int, load: int = 1) -> type[Workload]:
    """Odd seeds play the runtime's own shops, even ones a flash sale, and those that end in 4 shared tables."""
    scenario: type[Workload] = Shops if seed % 2 else Tables if seed % 10 == 4 else Sales
    return scenario if load == 1 else type(scenario.__name__, (scenario,), {"load": load})


def play(seed: int, silo_class: type[Silo] = Silo, load: int = 1) -> Report:
    """One seed, in silence."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        with patch.object(table, "ROWS_PER_SEGMENT", FEW), patch.object(remembered, "BLOCK", FEW):
            return simulate(seed, workload_of(seed, load), silo_class=silo_class)
    finally:
        structlog.reset_defaults()


def campaign(seeds: Iterable[int], jobs: int = 0, load: int = 1) -> Iterator[Report]:
    """Reports as they come; one process per core unless ``jobs`` says otherwise."""
    jobs = jobs or os.cpu_count() or 1
    if jobs == 1:
        yield from (play(seed, load=load) for seed in seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(functools.partial(play, load=load), seeds, chunksize=CHUNK)


def describe(report: Report, load: int = 1) -> str:
    """A failed seed, readable, with the command that plays it again (the load is part of what it played)."""
    lines = [f"seed {report.seed} ({workload_of(report.seed).__name__}):"]
    lines += [f"  {violation}" for violation in report.violations]
    lines += [f"    {line}" for line in report.trace[-60:]]
    again = f"python -m tests.simulation --seeds 1 --first-seed {report.seed}"
    lines.append(f"  again: {again}" + (f" --load {load}" if load != 1 else ""))
    return "\n".join(lines)
