"""What is true of a store, in the order it happened."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from flash_sale.commands import OpenSale


class StoreCreated(Event, frozen=True, kw_only=True):
    """The store exists, with the default settings."""

    name: str
    time_zone: str
    cutoff: str


class SettingsChanged(Event, frozen=True, kw_only=True):
    """The settings that hold from now on."""

    name: str
    time_zone: str
    cutoff: str
    order_hold_s: int
    grace_s: int
    seat_hold_s: int
    ticket_ttl_s: int
    join_policy: str
    pay_mode: str
    auto_accept: bool


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


class DishBack(Event, frozen=True, kw_only=True):
    """The moment until which the dish was out has come."""

    outward: ClassVar[bool] = True

    dish_id: str


class FlashSaleCreated(Event, frozen=True, kw_only=True):
    """A sale is planned and its stock carved out of the dish (F10)."""

    outward: ClassVar[bool] = True

    flash_sale_id: str
    opening: OpenSale


class FlashSaleUndone(Event, frozen=True, kw_only=True):
    """The sale never opened; its stock is back."""

    flash_sale_id: str


class DishReturned(Event, frozen=True, kw_only=True):
    """A sale gave stock back."""

    outward: ClassVar[bool] = True

    flash_sale_id: str
    dish_id: str
    quantity: int


class DishSold(Event, frozen=True, kw_only=True):
    """A sale sold stock it held."""

    flash_sale_id: str
    dish_id: str
    quantity: int
