"""The short form: every fault once, on one system of two silos under load. ``make chaos`` is the long form."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.chaos.episode import Episode, audit, run_episode
from tests.chaos.system import System

pytestmark = pytest.mark.chaos

SEED = 3


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """Two silos with a lease of two seconds; every process of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="kaifan-chaos-"))
    running = System(folder, silos=2)
    try:
        asyncio.run(running.start())
        yield running
    finally:
        asyncio.run(running.stop())
    assert _left_of(folder) == [], "processes of the system outlive it"
    shutil.rmtree(folder)


KILLS_UNTIL_ONE_MEETS_A_COMMIT = 5


def _left_of(folder: Path) -> list[str]:
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


def _run(system: System, *faults: str) -> Episode:
    episode = asyncio.run(run_episode(system, faults, SEED))
    assert episode.violations == []
    assert episode.acknowledged > 0
    assert episode.reads > 0
    return episode


def test_F3_killed_silos_lose_and_double_nothing(system: System) -> None:
    """What was acknowledged before a silo's kill -9, owner or not, is there once afterwards."""
    assert _run(system, "kill owner", "kill other").kills == 2


def test_F3_system_comes_back_when_all_silos_are_gone(system: System) -> None:
    """With every silo killed at once, then the owner and mongod together, the journal is enough."""
    assert _run(system, "kill all silos", "kill owner and mongod").kills == 4


def test_F3_killed_mongod_comes_back_with_every_acknowledged_claim(system: System) -> None:
    """The launcher restarts its mongod, and commits under way are settled to one outcome for one key."""
    before = system.logged("commit_in_doubt")
    for _ in range(KILLS_UNTIL_ONE_MEETS_A_COMMIT):
        assert _run(system, "kill mongod", "kill mongod").kills == 2
        if system.logged("commit_in_doubt") > before:
            return
    pytest.fail("no kill met a commit, so nothing was tried")


def test_F1_silent_mongod_puts_commits_in_doubt_and_seals_settle_them(system: System) -> None:
    """A write that may land seconds later is neither lost nor answered with a false no."""
    assert _run(system, "pause mongod").kills == 1


def test_F1_sleeping_owner_answers_nothing_stale_and_ends_itself(system: System) -> None:
    """A silo stopped for longer than its lease finds a successor, says nothing of the past, and is replaced."""
    assert _run(system, "pause owner").kills == 1


def test_F5_killed_cache_disturbs_nobody(system: System) -> None:
    """Without the Redis-compatible server claims go on, and it is started again."""
    ((_, until_claim_ms),) = _run(system, "kill cache").until_claim_ms
    assert until_claim_ms < 5_000


def test_F3_scaling_up_and_down_under_load_loses_nothing(system: System) -> None:
    """Shards move to a third silo and back while diners claim."""
    _run(system, "grow and shrink")


def test_audit_of_the_journal_agrees(system: System) -> None:
    """After all faults `kaifan audit` finds one unbroken history with nothing oversold."""
    assert asyncio.run(audit(system)) == []
