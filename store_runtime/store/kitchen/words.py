"""The words of the kitchen line: its states, its steps, what is cooked, and how one step is recorded.

Kitchen facts are append-only (§ 0): an event carries moves, a move is one step of one line, and ``<line>.e<n>`` is
its id for good. Tickets are printed from these moves and from nothing else (P1).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from store_runtime.by import By

LineState = Literal["on_hold", "queued", "cooking", "ready", "served", "cancel_requested", "cancelled"]
Step = Literal[
    "ADD",
    "HOLD",
    "FIRE",
    "START",
    "READY",
    "SERVE",
    "RECALL",
    "REMAKE",
    "RUSH",
    "REPLY",
    "MOVE",
    "SPLIT",
    "CANCEL_REQUEST",
    "CANCEL_OK",
    "CANCEL_REFUSED",
    "COMP",
]
CLOSED = frozenset({"served", "cancelled"})
WORKED_ON = frozenset({"queued", "cooking"})
BEGUN = frozenset({"cooking", "ready", "served"})


class Cooking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the kitchen makes for a line of an order: the dish, or one part of a set. Its ADD, event ``.e1``.

    Each part is a line of its own in the kitchen, because it is cooked at its own station in its own time; the
    order's line is as far as the least of them. ``line_id`` is the order's line id, of a part with ``.k<n>`` behind.

    Args:
        of_one: how many of it one of the order's line needs (a part of a set may be there twice).
        fire_at: the clock fires it then; ``hold``: somebody does.
        allergy: a banner (D7); ``allergens`` are the dish's.
    """

    line_id: str
    order_line_id: str
    dish_id: str
    name: str
    quantity: int
    of_one: int = 1
    name_en: str = ""
    options_text: str = ""
    options_text_en: str = ""
    note: str = ""
    station: str = ""
    course: str = ""
    make_minutes: int = 0
    allergens: tuple[str, ...] = ()
    allergy: bool = False
    hold: bool = False
    fire_at: int = 0
    promised_at: int = 0
    set_name: str = ""


class Move(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of one kitchen line. ``n`` counts the steps of this line: its id is ``<line_id>.e<n>`` (P1).

    Args:
        to: the state after it.
        quantity: how many the step is about: all that the line is of; of a SPLIT what goes ``into`` the new line.
        order, label, station: MOVE: where it belongs from now on; empty leaves it as it was.
        promised_at, text: REPLY: when it will be ready, and what the kitchen says.
        by: who did it; None for the clock and for guests.
    """

    line_id: str
    n: int
    step: Step
    to: LineState
    quantity: int
    reason: str = ""
    into: str = ""
    order: str = ""
    label: str = ""
    station: str = ""
    promised_at: int = 0
    text: str = ""
    by: By | None = None

    @property
    def event_id(self) -> str:
        """The id of what happened, the same on every replay."""
        return f"{self.line_id}.e{self.n}"
