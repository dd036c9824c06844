"""What a store shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

import msgspec

from flash_sale.commands import OpenSale


class SettingsView(msgspec.Struct, frozen=True, kw_only=True):
    """``_s`` are seconds; ``cutoff`` is the local time at which the business day changes."""

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


class StoreView(msgspec.Struct, frozen=True, kw_only=True):
    """A store."""

    store_id: str
    settings: SettingsView


class Availability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``state`` in, qty or out; ``left`` only with qty, ``until`` only with out."""

    state: str
    left: int | None = None
    until: int | None = None


class DishView(msgspec.Struct, frozen=True, kw_only=True):
    """One dish of the menu."""

    dish_id: str
    name: str
    price_fen: int
    option_groups: list[str]
    availability: Availability


class MenuView(msgspec.Struct, frozen=True, kw_only=True):
    """The published menu. Two views with one ``version`` are alike: it is the ETag."""

    store_id: str
    name: str
    version: int
    dishes: list[DishView]


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """The books of a dish (D4): sold + held + left + waste = initial + restocked."""

    dish_id: str
    availability: Availability
    initial: int
    restocked: int
    left: int
    held: int
    sold: int
    waste: int


class FlashSaleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One flash sale as its store knows it; the sale itself has the rest."""

    flash_sale_id: str
    title: str
    dish_id: str
    price_fen: int
    stock: int
    sold: int
    returned: int
    starts_at: int
    ends_at: int


class FlashSaleList(msgspec.Struct, frozen=True, kw_only=True):
    """The store's flash sales, newest first."""

    items: list[FlashSaleRow]


class FlashSaleCreation(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of CreateFlashSale.

    Whoever asked can ask ``flash-sale/{flash_sale_id}`` the same ``opening`` under the derived id
    ``derived_id(command_id, "sale")`` and answer with the SaleView it gets: whichever arrives first opens it.
    """

    flash_sale_id: str
    opening: OpenSale
