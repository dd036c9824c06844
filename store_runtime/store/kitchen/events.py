"""What happened in a store's kitchen: append-only, each move with an id of its own (§ 0, P1)."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from store_runtime.by import By
from store_runtime.store.kitchen.terms import KitchenTerms
from store_runtime.store.kitchen.words import Move


class KitchenMoved(Event, frozen=True, kw_only=True):
    """Lines made steps. One event is one turn, so that an order hears of each change once.

    Args:
        no: counts the kitchen's events.
        back: stock that is left again, by key: it was cancelled before cooking began.
        waste: stock that was cooked and is not eaten (D4).
        again: stock of what is made once more.
    """

    outward: ClassVar[bool] = True

    no: int
    moves: tuple[Move, ...]
    back: dict[str, int] = {}
    waste: dict[str, int] = {}
    again: dict[str, int] = {}


class KitchenChanged(Event, frozen=True, kw_only=True):
    """The kitchen works on these terms from now on."""

    terms: KitchenTerms
    by: By | None = None


class CourseFired(Event, frozen=True, kw_only=True):
    """起菜 was asked for by an order (O8); what it fired are moves of the same turn."""

    order: str
    course: str
