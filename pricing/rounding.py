"""The end of a bill: 抹零, and what a refund does not ask for (M7, O4)."""

from __future__ import annotations

from pricing.workings import Workings

_STEPS = {"jiao": (10, "抹零到角", "rounded down to 0.10"), "yuan": (100, "抹零到元", "rounded down to 1.00")}


def round_down(workings: Workings) -> None:
    """The odd fen off the total, once, as its own line, before anything is split."""
    if step := _STEPS.get(workings.facts.terms.rounding):
        workings.take_off_total("rounding", workings.total_fen % step[0], step[1:])


def forgive(workings: Workings) -> None:
    """A refund gives back and never asks for more: a threshold missed by it is not held against the guest."""
    workings.take_off_total(
        "refund_floor", workings.facts.forgiven_fen, ("退款不加收", "a refund asks for nothing")
    )
