"""What carts show of stock survives every seed, and each planted bug of it is caught."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from actors.entity import Decision, decides, reacts
from actors.testing.simulation import Report, simulate
from actors.turn import Turn
from actors.words import Send
from store_runtime.store.actor import Store
from store_runtime.store.menu.commands import NoteStock
from store_runtime.store.orders.events import BatchPlaced
from store_runtime.store.state import StoreBooks
from store_runtime.table.actor import Table
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.state import Session
from tests.simulation.shortages import Shortages

SEEDS = 20

MUTANT_SEEDS_MAX = 1_000


def described(report: Report) -> str:
    return "\n".join([f"seed {report.seed}:", *report.violations, *report.trace[-40:]])


@pytest.mark.timeout(600)
def test_D4_carts_show_what_the_store_has_under_every_fault() -> None:
    """Messages come twice, late, and in another order; silos die between the word and its arrival."""
    failed = [
        report for report in (simulate(seed, Shortages) for seed in range(1, SEEDS + 1)) if report.violations
    ]

    assert not failed, described(failed[0])


# An older note that comes late counts as if it were the newest.
class _BelievesTheLast(TableSession):
    kind = "table-session"

    @decides(NoteStock)
    def note_stock(self, session: Session, cmd: NoteStock, turn: Turn) -> Decision[None]:
        heard = (one[0] for one in session.cart.heard.values())
        newest = replace(cmd, change=max(cmd.change, max(heard, default=0) + 1))
        yield from super().note_stock(session, newest, turn)


# The store tells nobody of what orders take.
class _KeepsQuiet(Store):
    kind = "store"

    @reacts(BatchPlaced)
    def tell_of_taken(self, store: StoreBooks, e: BatchPlaced, turn: Turn) -> Iterator[Send]:
        yield from ()


class BelievesTheLast(Shortages):
    types = (Store, Table, _BelievesTheLast)


class KeepsQuiet(Shortages):
    types = (_KeepsQuiet, Table, TableSession)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("workload", [BelievesTheLast, KeepsQuiet])
def test_a_planted_bug_of_shortages_is_caught(workload: type[Shortages]) -> None:
    """Within 1,000 seeds, and the seed is clean without it."""
    seeds = range(1, MUTANT_SEEDS_MAX + 1)
    seed = next((seed for seed in seeds if simulate(seed, workload).violations), None)

    assert seed is not None, f"{workload.__name__} got away: the simulator has a hole"
    assert not simulate(seed, Shortages).violations
