"""What a store shows of its menu and stock. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

import msgspec

from pricing.menu import Dish, Menu, Option, OptionGroup
from store_runtime.store.menu.companions import Companion
from store_runtime.store.menu.state import KEPT_FULL, MenuBooks
from store_runtime.store.stock import DishStock, StockBooks


class Availability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``state`` in, qty or out; ``left`` only with qty, ``until`` only with out."""

    state: str
    left: int | None = None
    until: int | None = None


class DishView(msgspec.Struct, frozen=True, kw_only=True):
    """One dish of the menu, or an option of one by its stock key (its price is then its delta)."""

    dish_id: str
    name: str
    price_fen: int
    option_groups: list[OptionGroup]
    availability: Availability


class DishViews(msgspec.Struct, frozen=True, kw_only=True):
    """Several."""

    items: list[DishView]


class MenuView(msgspec.Struct, frozen=True, kw_only=True):
    """The published menu. Two views with one ``version`` are alike: it is the ETag."""

    store_id: str
    name: str
    version: int
    dishes: list[DishView]
    menu_version: int = 0


class MenuSince(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is new on the menu for the asker.

    Args:
        version: changes with everything shown; alike → nothing else is filled in.
        menu: None when the asker has this ``menu_version``.
        stock: of every key that is not simply ``in``.
    """

    version: int
    menu_version: int
    name: str = ""
    time_zone: str = ""
    menu: Menu | None = None
    stock: dict[str, Availability] = {}


class DraftView(msgspec.Struct, frozen=True, kw_only=True):
    """The draft. ``saved_at`` 0: nobody saved one, it is the published menu.

    ``publish_at`` (0: none) is when a menu is scheduled to be published; that menu is no longer the draft.
    """

    menu: Menu
    saved_at: int
    published_version: int
    publish_at: int


class PublishedView(msgspec.Struct, frozen=True, kw_only=True):
    """``version`` is the published one; ``publish_at`` (0: none) when the next one is due."""

    version: int
    publish_at: int = 0


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version. ``whole``: it can be read and published again."""

    version: int
    published_at: int
    dishes: int
    by: str
    whole: bool


class VersionList(msgspec.Struct, frozen=True, kw_only=True):
    """All versions, newest first."""

    items: list[VersionRow]


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One version, whole."""

    version: int
    menu: Menu


class CompanionList(msgspec.Struct, frozen=True, kw_only=True):
    """What goes with a dish, best first; whether it can be had now is not looked at."""

    items: list[Companion]


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """The books of a stock key (D4): sold + held + left + waste = initial + restocked."""

    dish_id: str
    availability: Availability
    initial: int
    restocked: int
    left: int
    held: int
    sold: int
    waste: int
    refill: int = 0


class StockList(msgspec.Struct, frozen=True, kw_only=True):
    """The books of all keys that have some."""

    items: list[StockView]


def availability(stock: DishStock, at: int) -> Availability:
    """in, qty with what is left, or out."""
    state = stock.state(at)
    return Availability(
        state=state,
        left=stock.left if state == "qty" else None,
        until=(stock.until or None) if state == "out" else None,
    )


def dish_view(dish: Dish, stock: DishStock, at: int) -> DishView:
    """A dish as it can be had now."""
    return DishView(
        dish_id=dish.dish_id,
        name=dish.name,
        price_fen=dish.price_fen,
        option_groups=list(dish.option_groups),
        availability=availability(stock, at),
    )


def option_view(key: str, option: Option, stock: DishStock, at: int) -> DishView:
    """An option as it can be had now."""
    return DishView(
        dish_id=key,
        name=option.name,
        price_fen=option.price_delta_fen,
        option_groups=[],
        availability=availability(stock, at),
    )


def shown_version(menu: MenuBooks, stock: StockBooks, at: int) -> int:
    """The version of what is shown now. Both counts only grow, so two views with one sum are alike."""
    # A key is back at its moment, its event comes with the reminder: count it before, so that a view that differs
    # never has the version of the one before.
    return menu.changes + stock.changes + stock.came_back(at)


def menu_view(menu: MenuBooks, stock: StockBooks, store_id: str, name: str, at: int) -> MenuView:
    """The menu as it can be had now."""
    return MenuView(
        store_id=store_id,
        name=name,
        version=shown_version(menu, stock, at),
        menu_version=menu.number,
        dishes=[dish_view(dish, stock.of(dish.dish_id), at) for dish in menu.published.dishes],
    )


def version_list(menu: MenuBooks) -> VersionList:
    """All versions, newest first."""
    newest = len(menu.kept) - KEPT_FULL
    return VersionList(
        items=[
            VersionRow(
                version=kept.number,
                published_at=kept.published_at,
                dishes=kept.dishes,
                by=kept.by,
                whole=place >= newest,
            )
            for place, kept in reversed(list(enumerate(menu.kept)))
        ]
    )


def stock_view(key: str, stock: DishStock, at: int) -> StockView:
    """The books of a stock key."""
    return StockView(
        dish_id=key,
        availability=availability(stock, at),
        initial=stock.initial,
        restocked=stock.restocked,
        left=stock.left,
        held=stock.held,
        sold=stock.sold,
        waste=stock.waste,
        refill=stock.refill,
    )
