"""What a store shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

import msgspec

from flash_sale.commands import OpenSale
from store_runtime.store.state import CarvedSale, Dish, Settings, StoreBooks
from store_runtime.store.stock import DishStock


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


def settings_view(settings: Settings) -> SettingsView:
    """The settings as they stand."""
    return SettingsView(**msgspec.structs.asdict(settings))


def dish_view(dish_id: str, dish: Dish, at: int) -> DishView:
    """A dish as it can be had now."""
    return DishView(
        dish_id=dish_id,
        name=dish.name,
        price_fen=dish.price_fen,
        option_groups=[],
        availability=availability(dish.stock, at),
    )


def availability(stock: DishStock, at: int) -> Availability:
    """in, qty with what is left, or out."""
    state = stock.state(at)
    return Availability(
        state=state,
        left=stock.left if state == "qty" else None,
        until=(stock.until or None) if state == "out" else None,
    )


def menu_view(store: StoreBooks, store_id: str, at: int) -> MenuView:
    """The menu as it can be had now."""
    back = sum(1 for dish in store.dishes.values() if dish.stock.out and not dish.stock.is_out(at))
    return MenuView(
        store_id=store_id,
        name=store.settings.name,
        # A dish is back at its moment, its event comes with the reminder: count it before, so that a view that
        # differs never has the version of the one before.
        version=store.menu_version + back,
        dishes=[dish_view(dish_id, dish, at) for dish_id, dish in store.dishes.items()],
    )


def stock_view(dish_id: str, dish: Dish, at: int) -> StockView:
    """The books of a dish."""
    stock = dish.stock
    return StockView(
        dish_id=dish_id,
        availability=availability(stock, at),
        initial=stock.initial,
        restocked=stock.restocked,
        left=stock.left,
        held=stock.held,
        sold=stock.sold,
        waste=stock.waste,
    )


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
