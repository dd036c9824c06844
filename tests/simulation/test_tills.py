"""A1, A3: audit log and till hold under every fault, and bugs that are planted in them are caught."""

from __future__ import annotations

import logging
from typing import ClassVar

import pytest
import structlog

from actors.entity import Decision, decides
from actors.testing.simulation import Report, simulate
from actors.turn import Turn
from store_runtime.audit_log.actor import AuditLog
from store_runtime.audit_log.chain import START, chained
from store_runtime.audit_log.commands import RecordAct
from store_runtime.audit_log.events import ActRecorded
from store_runtime.audit_log.projections import EntryView, entry_view
from store_runtime.audit_log.state import Entry, Log
from store_runtime.store.actor import Store
from store_runtime.till.actor import Till
from store_runtime.till.bookings import BookToShift
from store_runtime.till.events import Booked, ShiftOpened
from store_runtime.till.state import TillBooks
from tests.simulation.tills import Tills

SEEDS = 100
BLOCKS = 2
MUTANT_SEEDS_MAX = 1_000


def play(seed: int, workload: type[Tills] = Tills) -> Report:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return simulate(seed, workload)
    finally:
        structlog.reset_defaults()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_A1_A3_hold_under_every_fault(block: int) -> None:
    """Every act is in the log once, the chain holds, every drawer is what went into it."""
    share = SEEDS // BLOCKS
    failed = [
        report
        for seed in range(1 + block * share, 1 + (block + 1) * share)
        if (report := play(seed)).violations
    ]

    assert not failed, "\n".join(f"seed {one.seed}: {one.violations}" for one in failed[:2])


# The head of the chain is remembered beside the state: a commit that was lost has moved it.
class _RemembersItsHead(AuditLog):
    heads: ClassVar[dict[str, tuple[int, bytes]]] = {}

    @decides(RecordAct)
    def record(self, log: Log, cmd: RecordAct, turn: Turn) -> Decision[EntryView]:
        count, head = self.heads.get(self.id, (0, START))
        number = count + 1
        hash = chained(head, number, turn.at, cmd.act)
        self.heads[self.id] = (number, hash)
        yield ActRecorded(number=number, act=cmd.act, hash=hash)
        return entry_view(Entry(number=number, act=cmd.act, at=turn.at, hash=hash))


class HeadBesideTheState(Tills):
    types = (Store, Till, _RemembersItsHead)

    def begin(self) -> None:
        _RemembersItsHead.heads.clear()
        super().begin()


# Who has a shift is remembered beside the state: the commit that opened it was lost.
class _RemembersWhoIsHere(Till):
    here: ClassVar[set[str]] = set()

    @decides(BookToShift)
    def book(self, till: TillBooks, cmd: BookToShift, turn: Turn) -> Decision[None]:
        account = cmd.by.account
        if account not in till.open and account not in self.here:
            yield ShiftOpened(account=account, number=till.shifts + 1, counted=False)
        self.here.add(account)
        yield Booked(
            account=account,
            kind=cmd.kind,
            channel=cmd.channel,
            amount_fen=cmd.amount_fen,
            subject=cmd.subject,
        )


class ShiftsBesideTheState(Tills):
    types = (Store, _RemembersWhoIsHere, AuditLog)

    def begin(self) -> None:
        _RemembersWhoIsHere.here.clear()
        super().begin()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", [HeadBesideTheState, ShiftsBesideTheState])
def test_A1_A3_a_planted_bug_is_caught(mutant: type[Tills]) -> None:
    """What is kept beside the state turns a seed red within 1,000."""
    caught = next((seed for seed in range(1, MUTANT_SEEDS_MAX + 1) if play(seed, mutant).violations), None)

    assert caught is not None, f"{mutant.__name__} got away: the simulator has a hole"
    assert not play(caught).violations
