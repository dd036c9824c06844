"""The kitchen line's machine (§ 0): which steps a line may make, and where each leads.

    on_hold ──FIRE──► queued ──START──► cooking ──READY──► ready ──SERVE──► served
       ▲                 │                 ▲                │ ▲                │
       └──────HOLD───────┘                 └─────RECALL─────┘ └────RECALL──────┘

CANCEL_REQUEST asks the kitchen; CANCEL_OK ends the line, CANCEL_REFUSED puts it back where it was. Before cooking has
begun CANCEL_OK needs no asking. REMAKE queues a line again. RUSH, REPLY, MOVE, SPLIT and COMP leave it where it is.
"""

from __future__ import annotations

from store_runtime.rejections import IllegalTransition
from store_runtime.store.kitchen.state import KitchenLine
from store_runtime.store.kitchen.words import LineState, Step

_STAYS: dict[Step, LineState | None] = {"MOVE": None, "SPLIT": None, "COMP": None}
_IN_WORK: dict[Step, LineState | None] = {**_STAYS, "RUSH": None, "REPLY": None}
_NOT_BEGUN: dict[Step, LineState | None] = {
    "CANCEL_OK": "cancelled",
    "CANCEL_REQUEST": "cancel_requested",
}

MACHINE: dict[LineState, dict[Step, LineState | None]] = {
    "on_hold": {"FIRE": "queued", **_NOT_BEGUN, **_STAYS},
    "queued": {"HOLD": "on_hold", "START": "cooking", **_NOT_BEGUN, **_IN_WORK},
    "cooking": {"READY": "ready", "REMAKE": "queued", "CANCEL_REQUEST": "cancel_requested", **_IN_WORK},
    "ready": {
        "SERVE": "served",
        "RECALL": "cooking",
        "REMAKE": "queued",
        "CANCEL_REQUEST": "cancel_requested",
        **_IN_WORK,
    },
    "served": {"RECALL": "ready", "REMAKE": "queued", **_STAYS},
    "cancel_requested": {"CANCEL_OK": "cancelled", "CANCEL_REFUSED": None, "MOVE": None},
    "cancelled": {},
}
"""None: it stays where it is; CANCEL_REFUSED leads back to where it was. A part of a set whose sister is cooking is
asked for though it is not begun itself: a set is cancelled whole or not at all."""

BY_HAND: frozenset[Step] = frozenset({"HOLD", "FIRE", "START", "READY", "SERVE", "RECALL", "REMAKE"})
"""What is asked for by name; the other steps have commands of their own."""

_ADDRESSES: dict[Step, str] = {
    **{step: step.lower() for step in sorted(BY_HAND)},
    "MOVE": "move",
    "RUSH": "rush",
    "REPLY": "rush-reply",
    "CANCEL_OK": "cancel-ok",
    "CANCEL_REFUSED": "cancel-refuse",
}
"""A step and the last word of its address below a kitchen line.

Splitting happens by itself; a cancel is asked for, and a dish comped, at the order.
"""


def after(line: KitchenLine, step: Step) -> LineState:
    """Where a step leads. Raises IllegalTransition with what is allowed."""
    steps = MACHINE[line.state]
    if step not in steps:
        raise IllegalTransition(state=line.state, allowed=allowed(line.state))
    if step == "CANCEL_REFUSED":
        return line.before
    return steps[step] or line.state


_ALLOWED: dict[LineState, list[str]] = {
    state: [_ADDRESSES[step] for step in steps if step in _ADDRESSES] for state, steps in MACHINE.items()
}


def allowed(state: LineState) -> list[str]:
    """What can be done from a state, as the addresses below the line name it."""
    return _ALLOWED[state]
