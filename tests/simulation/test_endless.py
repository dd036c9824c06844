"""Pitfall 13: a turn that never ends is stopped with its entity, and the silos go on."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from actors.activation import Pending
from actors.host import EntityHost
from actors.silo import Silo
from actors.testing.simulation import simulate
from tests.simulation.endless import Cuckoos

SEEDS = 60
MUTANT_SEEDS_MAX = 1_000


class _Forgets(EntityHost):
    """Planted: the entity whose turn did not end is decided for again as if nothing had happened."""

    def submit(self, key: str, pending: Pending) -> None:
        self.quarantined = {}
        super().submit(key, pending)


class IgnoresQuarantine(Silo):
    host_class = _Forgets


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.timeout(300)
def test_pitfall_13_an_endless_turn_stops_its_entity_only() -> None:
    """The entity is quarantined, its neighbours and all shops answer, and no seat loses a second process to it."""
    failed = [report for seed in range(1, SEEDS + 1) if (report := simulate(seed, Cuckoos)).violations]

    assert not failed, [(report.seed, report.violations) for report in failed]


@pytest.mark.timeout(300)
def test_pitfall_13_ignoring_the_quarantine_is_caught() -> None:
    """A silo that loads the endless entity again loses process after process, and a seed turns red."""
    caught = next(
        (
            seed
            for seed in range(1, MUTANT_SEEDS_MAX + 1)
            if simulate(seed, Cuckoos, silo_class=IgnoresQuarantine).violations
        ),
        None,
    )

    assert caught is not None, "ignoring the quarantine got away: the simulator has a hole"
