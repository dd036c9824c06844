"""Shared tables survive every seed, and each planted bug of theirs is caught."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actors.entity import evolves, reacts
from actors.testing.simulation import Report, simulate
from actors.turn import Turn
from actors.words import Send
from store_runtime.audit_log.actor import AuditLog
from store_runtime.store.actor import Store
from store_runtime.table.actor import Table
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.events import RoundReturned, UnlistedSubmitted
from store_runtime.table_session.known_ops import KnownOps
from store_runtime.table_session.moving.events import SessionTransferred
from store_runtime.table_session.state import Session
from tests.simulation.tables import Tables

SEEDS = 40
"""The campaign plays more of them, with all other scenarios."""

MUTANT_SEEDS_MAX = 1_000


def described(report: Report) -> str:
    return "\n".join([f"seed {report.seed}:", *report.violations, *report.trace[-40:]])


@pytest.mark.timeout(600)
def test_T2_T5_T8_tables_hold_under_every_fault() -> None:
    """No op lost or done twice, no line lost or doubled, nobody at two tables, nothing waits for ever."""
    seeds = range(1, SEEDS + 1)
    failed = [report for report in (simulate(seed, Tables) for seed in seeds) if report.violations]

    assert not failed, described(failed[0])


# T5: a round that loses a line when the store refuses.
class _DropsALine(TableSession):
    kind = "table-session"

    @evolves(RoundReturned)
    def on_returned(self, session: Session, e: RoundReturned, at: int) -> None:
        super().on_returned(session, e, at)
        if len(session.rounds[e.round_no].lines) > 1:
            session.cart.lines.pop(next(iter(session.rounds[e.round_no].back.values())), None)


# T8: a transfer leaves both tables occupied.
class _StaysBehind(TableSession):
    kind = "table-session"

    @reacts(SessionTransferred)
    def tell_transferred(self, session: Session, e: SessionTransferred, turn: Turn) -> Iterator[Send]:
        yield self.note_to_table(session, "arrived")


# D8: what is on no menu reaches the store only if the ingress lives to tell it.
class _LeavesItToTheIngress(TableSession):
    kind = "table-session"

    @reacts(UnlistedSubmitted)
    def place_unlisted(self, session: Session, e: UnlistedSubmitted, turn: Turn) -> Iterator[Send]:
        yield from ()


class DropsALine(Tables):
    types = (Store, Table, _DropsALine, AuditLog)


class StaysBehind(Tables):
    types = (Store, Table, _StaysBehind, AuditLog)


class LeavesItToTheIngress(Tables):
    types = (Store, Table, _LeavesItToTheIngress, AuditLog)


def caught(workload: type[Tables]) -> int | None:
    seeds = range(1, MUTANT_SEEDS_MAX + 1)
    return next((seed for seed in seeds if simulate(seed, workload).violations), None)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("workload", [DropsALine, StaysBehind, LeavesItToTheIngress])
def test_a_planted_bug_of_tables_is_caught(workload: type[Tables]) -> None:
    """Within 1,000 seeds, and the seed is clean without it."""
    seed = caught(workload)

    assert seed is not None, f"{workload.__name__} got away: the simulator has a hole"
    assert not simulate(seed, Tables).violations


@pytest.mark.timeout(600)
def test_T2_an_op_done_twice_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that does not remember its ops does a repeated one again."""
    with monkeypatch.context() as patched:
        patched.setattr(KnownOps, "find", lambda self, key: None)
        seed = caught(Tables)

    assert seed is not None, "the simulator has a hole"
    assert not simulate(seed, Tables).violations
