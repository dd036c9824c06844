"""D4, O2, T13: stock, kitchen and numbers hold under every fault, and bugs that are planted in them are caught."""

from __future__ import annotations

import logging

import pytest
import structlog

from actors.entity import Decision, decides
from actors.testing.simulation import Report, simulate
from actors.turn import Turn
from store_runtime.store.actor import Store
from store_runtime.store.orders.commands import FireLines, PlaceLines, PlaceUnlisted, ReleaseLines
from store_runtime.store.orders.desk import placed_lines
from store_runtime.store.orders.events import BatchReleased, Number
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.state import Batch, BatchState
from store_runtime.store.state import StoreBooks
from tests.simulation.kitchens import Kitchens
from tests.store_runtime.dining import PartyOrder

SEEDS = 120
BLOCKS = 2
MUTANT_SEEDS_MAX = 1_000


def play(seed: int, workload: type[Kitchens] = Kitchens) -> Report:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return simulate(seed, workload)
    finally:
        structlog.reset_defaults()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_D4_O2_T13_hold_under_every_fault(block: int) -> None:
    """Sold + held + left + waste = initial + restocked after every step, each line cooked once, no number twice."""
    share = SEEDS // BLOCKS
    failed = [
        report
        for seed in range(1 + block * share, 1 + (block + 1) * share)
        if (report := play(seed)).violations
    ]

    assert not failed, "\n".join(f"seed {one.seed}: {one.violations}" for one in failed[:2])


# A PlaceLines that is said again is taken for another one.
class _KnowsNoBatch(Store):
    def _known(self, store: StoreBooks, cmd: PlaceLines | PlaceUnlisted) -> PlacedLines | None:
        return None

    def _must_be_new(self, store: StoreBooks, line_ids: list[str]) -> None:
        return


class TakesTwice(Kitchens):
    types = (_KnowsNoBatch, PartyOrder)


# What was fired is given back all the same.
class _ReleasesWhatIsCooked(Store):
    @decides(ReleaseLines)
    def release_lines(self, store: StoreBooks, cmd: ReleaseLines, turn: Turn) -> Decision[None]:
        yield BatchReleased(order=cmd.order, batch=cmd.batch, reason=cmd.reason)

    def _end(self, store: StoreBooks, batch: Batch, state: BatchState, at: int) -> None:
        if batch.state is BatchState.FIRED:
            store.stock.take_back(store.orders.takes(batch))
            return
        super()._end(store, batch, state, at)


class ReleasesAfterFire(Kitchens):
    types = (_ReleasesWhatIsCooked, PartyOrder)


# The last number is kept by the process, not in the books: who takes over begins again.
class _CountsInMemory(Store):
    def __init__(self, entity_id: str) -> None:
        super().__init__(entity_id)
        self.last = -1

    def _next_number(self, store: StoreBooks, at: int) -> Number:
        self.last = store.kitchen.terms.number_after(self.last)
        text = store.kitchen.terms.number_text(self.last)
        return Number(text=text, serial=self.last, day=store.settings.business_day(at))


class ReusesNumbers(Kitchens):
    types = (_CountsInMemory, PartyOrder)


# A hold that ran out is fired without looking whether its stock is still there.
class _FiresWhatLapsed(Store):
    def _must_be_left(self, store: StoreBooks, batch: Batch, at: int) -> None:
        return


class OversellsLateMoney(Kitchens):
    types = (_FiresWhatLapsed, PartyOrder)


# Fired twice, it is cooked twice.
class _FiresAgain(Store):
    @decides(FireLines)
    def fire_lines(self, store: StoreBooks, cmd: FireLines, turn: Turn) -> Decision[PlacedLines]:
        batch = self._batch_of(store, cmd.order, cmd.batch)
        if batch.state is not BatchState.FIRED:
            answer = yield from super().fire_lines(store, cmd, turn)
            return answer
        yield self._fired(store, batch, None, turn.at)
        return placed_lines(batch)


class CooksTwice(Kitchens):
    types = (_FiresAgain, PartyOrder)


MUTANTS = [TakesTwice, ReleasesAfterFire, ReusesNumbers, OversellsLateMoney, CooksTwice]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_D4_O2_T13_a_planted_bug_is_caught(mutant: type[Kitchens]) -> None:
    """Each way in which stock, kitchen or numbers could go wrong turns a seed red within 1,000."""
    caught = next((seed for seed in range(1, MUTANT_SEEDS_MAX + 1) if play(seed, mutant).violations), None)

    assert caught is not None, f"{mutant.__name__} got away: the simulator has a hole"
    assert not play(caught).violations
