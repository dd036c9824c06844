"""The invariants see a sale that is wrong: each is broken once, on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actors.testing.kit import NOON
from flash_sale.claim import ClaimState
from flash_sale.invariants import cheap_violations, overdue, violations
from flash_sale.state import Sale, hold_entry
from tests.flash_sale.builders import GRACE, HOLD, claim, sale


def busy() -> Sale:
    """A sale with two holds and two who wait, where all is well."""
    given = sale(thorough=False, stock=2)
    for n in range(4):
        claim(given, f"guest-{n}", wait=True)
    assert violations(given.state) == []
    return given.state


def oversold(state: Sale) -> None:
    state.held += 1


def lost(state: Sale) -> None:
    state.left -= 1


def doubled(state: Sale) -> None:
    first = next(iter(state.claims))
    state.claims.add(first, "guest-9", 1, False, NOON)


def forgotten_diner(state: Sale) -> None:
    state.taken.take(state.claims.at(1).diner, -1)


def skipped(state: Sale) -> None:
    first = state.waitlist.claim_ids[0]
    state.claims[first].state = ClaimState.HELD


def out_of_order(state: Sale) -> None:
    state.waitlist.claim_ids.reverse()


def left_while_waiting(state: Sale) -> None:
    state.stock += 1
    state.left += 1


def never_runs_out(state: Sale) -> None:
    state.holds.clear()


def runs_out_early(state: Sale) -> None:
    record = state.claims.at(0)
    record.release_at = record.expires_at
    state.holds.insert(0, hold_entry(record.release_at, record.number))


def sold_and_refused(state: Sale) -> None:
    record = next(iter(state.claims.values()))
    state.sell(record, "o1", "o1.p1", late=False)
    state.refused["o1"] = "sold_out"


def ended_with_leftovers(state: Sale) -> None:
    state.ended = True


@pytest.mark.parametrize(
    "break_it",
    [
        oversold,
        lost,
        doubled,
        forgotten_diner,
        skipped,
        out_of_order,
        left_while_waiting,
        never_runs_out,
        runs_out_early,
        sold_and_refused,
        ended_with_leftovers,
    ],
)
def test_F1_F2_F4_F6_F10_a_broken_sale_is_seen(break_it: Callable[[Sale], None]) -> None:
    """Each way of being wrong is found by the full check."""
    state = busy()
    break_it(state)

    assert violations(state) != []


@pytest.mark.parametrize("break_it", [oversold, lost, skipped, ended_with_leftovers])
def test_F1_the_cheap_check_sees_what_the_sums_show(break_it: Callable[[Sale], None]) -> None:
    """After every step the simulator can afford this much."""
    state = busy()
    break_it(state)

    assert cheap_violations(state) != []


def test_F4_a_hold_kept_past_its_time_is_seen() -> None:
    """With a reminder that may be so late and no later."""
    state = busy()
    release_at = NOON + HOLD + GRACE

    assert overdue(state, release_at + 1_000, wake_lag_ms=1_000) == []
    assert overdue(state, release_at + 1_001, wake_lag_ms=1_000) != []
