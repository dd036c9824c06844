"""Bills survive every seed, and each planted bug of theirs is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.testing.simulation import simulate
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.payment import Payment
from store_runtime.table_session import billing
from tests.simulation.bills import Bills
from tests.simulation.test_tables import MUTANT_SEEDS_MAX, described

SEEDS = 25
"""The campaign plays more of them, with all other scenarios."""


@pytest.mark.timeout(600)
def test_T6_T7_O6_bills_hold_under_every_fault() -> None:
    """No money kept twice, none given back that did not come, nothing cooked that is to be paid first."""
    failed = [
        report for report in (simulate(seed, Bills) for seed in range(1, SEEDS + 1)) if report.violations
    ]

    assert not failed, described(failed[0])


# T7: of two who pay one share, both are kept.
def _keeps_both(patched: pytest.MonkeyPatch) -> None:
    def money_came(self: Ledger, payment_id: str, late: bool = False) -> None:
        self.settle_up()

    patched.setattr(Ledger, "money_came", money_came)


# O4: a refund is a fen larger than what was paid.
def _gives_too_much(patched: pytest.MonkeyPatch) -> None:
    right = Ledger.give_back

    def give_back(self: Ledger, payment: Payment, amount_fen: int, *more: Any) -> None:
        right(self, payment, amount_fen + 1, *more)

    patched.setattr(Ledger, "give_back", give_back)


# T6: a round that is paid first fires before it is paid.
def _fires_unpaid(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(billing, "covered", lambda session, ledger, round_no: True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("plant", [_keeps_both, _gives_too_much, _fires_unpaid])
def test_a_planted_bug_of_bills_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within 1,000 seeds, and the seed is clean without it."""
    with monkeypatch.context() as patched:
        plant(patched)
        seeds = range(1, MUTANT_SEEDS_MAX + 1)
        seed = next((one for one in seeds if simulate(one, Bills).violations), None)

    assert seed is not None, f"{plant.__name__} got away: the simulator has a hole"
    assert not simulate(seed, Bills).violations
