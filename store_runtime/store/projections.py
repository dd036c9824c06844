"""What a store shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

import msgspec

from flash_sale.commands import OpenSale
from store_runtime.store.state import CarvedSale, Settings


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
    amount_limits: dict[str, dict[str, int]] = {}


class StoreView(msgspec.Struct, frozen=True, kw_only=True):
    """A store."""

    store_id: str
    settings: SettingsView


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


def settings_view(settings: Settings) -> SettingsView:
    """The settings as they stand."""
    return SettingsView(**{name: getattr(settings, name) for name in SettingsView.__struct_fields__})


def flash_sale_row(flash_sale_id: str, sale: CarvedSale) -> FlashSaleRow:
    """A flash sale as its store knows it."""
    opening = sale.opening
    return FlashSaleRow(
        flash_sale_id=flash_sale_id,
        title=opening.title,
        dish_id=opening.dish_id,
        price_fen=opening.price_fen,
        stock=opening.stock,
        sold=sale.sold,
        returned=sale.returned,
        starts_at=opening.starts_at,
        ends_at=opening.ends_at,
    )
