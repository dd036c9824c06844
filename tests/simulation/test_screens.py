"""Screens see every committed line once and in order, whatever fails; and the planted bugs are caught (X1)."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from actors.activation import Activation, Pending
from actors.host import EntityHost
from actors.silo import Silo
from actors.testing.simulation import simulate
from actors.words import Reply
from tests.actors.followed import Read
from tests.simulation.campaign import describe
from tests.simulation.screens import SCREEN_MUTANTS, Screens

SEEDS = 150
MUTANT_SEEDS_MAX = 1_000


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.mark.timeout(900)
def test_X1_screens_see_every_line_once_under_every_fault() -> None:
    """Silos die and stand still, boards move, the fan-out loses, doubles, delays and is away; phones come and go."""
    failed = [report for seed in range(1, SEEDS + 1) if (report := simulate(seed, Screens)).violations]

    assert not failed, "\n".join(describe(report) for report in failed[:2])


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SCREEN_MUTANTS)
def test_X1_a_planted_bug_is_caught(name: str) -> None:
    mutant = SCREEN_MUTANTS[name]
    seeds = range(1, MUTANT_SEEDS_MAX + 1)
    caught = next((seed for seed in seeds if simulate(seed, mutant).violations), None)

    assert caught is not None, f"{name} got away: the simulator has a hole"
    assert not simulate(caught, Screens).violations


class _GateLeftOpen(EntityHost):
    """Screens are told what is decided, not what is committed."""

    def gate(self, activation: Activation, pending: Pending, reply: Reply) -> None:
        if isinstance(pending.word, Read):
            self._leave(pending, reply)
        else:
            super().gate(activation, pending, reply)


class _TellsBeforeTheCommit(Silo):
    host_class = _GateLeftOpen


@pytest.mark.timeout(900)
def test_X1_a_screen_that_is_told_before_the_commit_is_caught() -> None:
    seeds = range(1, MUTANT_SEEDS_MAX + 1)
    mutant = _TellsBeforeTheCommit
    caught = next((seed for seed in seeds if simulate(seed, Screens, silo_class=mutant).violations), None)

    assert caught is not None, "the simulator has a hole"
