"""What is true of a store's menu and stock, in the order it happened.

``dish_id`` is a stock key wherever stock changes.
"""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from pricing.menu import Menu


class DishAdded(Event, frozen=True, kw_only=True):
    """A new dish is on the menu. ``left`` is None when it is not counted."""

    dish_id: str
    name: str
    price_fen: int
    left: int | None
    out: bool = False


class DishChanged(Event, frozen=True, kw_only=True):
    """The dish has this name and price from now on."""

    dish_id: str
    name: str
    price_fen: int


class DraftSaved(Event, frozen=True, kw_only=True):
    """This is the draft."""

    menu: Menu


class MenuPublished(Event, frozen=True, kw_only=True):
    """The menu is, from now on, the draft; with ``again`` that version; with ``scheduled`` what was scheduled."""

    outward: ClassVar[bool] = True

    number: int
    again: int = 0
    scheduled: bool = False
    by: str = ""


class MenuScheduled(Event, frozen=True, kw_only=True):
    """The draft as it is now, or a version ``again``, will be published at ``at``."""

    at: int
    again: int = 0
    by: str = ""


class PublishingCancelled(Event, frozen=True, kw_only=True):
    """Nothing is scheduled any more."""


class DishCounted(Event, frozen=True, kw_only=True):
    """This many are left to sell from now on."""

    outward: ClassVar[bool] = True

    dish_id: str
    left: int


class DishUncounted(Event, frozen=True, kw_only=True):
    """The dish is in, without counting."""

    outward: ClassVar[bool] = True

    dish_id: str


class DishOut(Event, frozen=True, kw_only=True):
    """The dish is out, until a moment or until set again; what was left of it stays counted."""

    outward: ClassVar[bool] = True

    dish_id: str
    until: int | None = None


class RefillSet(Event, frozen=True, kw_only=True):
    """At every change of the business day the key is counted to ``refill``; 0: no longer."""

    dish_id: str
    refill: int


class StockSet(Event, frozen=True, kw_only=True):
    """Staff have set these keys with one command, whose events stand before this one."""

    keys: tuple[str, ...]


class StockRefilled(Event, frozen=True, kw_only=True):
    """A business day began: every key with a refill is counted to it, and is back if it was out."""

    outward: ClassVar[bool] = True


class DishBack(Event, frozen=True, kw_only=True):
    """The moment until which the dish was out has come."""

    outward: ClassVar[bool] = True

    dish_id: str
