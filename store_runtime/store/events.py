"""What is true of a store, in the order it happened."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from flash_sale.commands import OpenSale
from store_runtime.store.zone import SHANGHAI, Offsets


class StoreCreated(Event, frozen=True, kw_only=True):
    """The store exists, with the default settings."""

    name: str
    time_zone: str
    cutoff: str
    zone_offsets: Offsets = SHANGHAI


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
    amount_limits: dict[str, dict[str, int]] = {}
    zone_offsets: Offsets = SHANGHAI


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
