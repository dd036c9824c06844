"""Whether a dish can be had: its own stock, and that of what it cannot be made without (D3, D4)."""

from __future__ import annotations

from collections.abc import Callable

from pricing.items import MenuIndex
from pricing.menu import Dish, OptionGroup, SetSlot
from store_runtime.store.menu.projections import Availability
from store_runtime.store.stock import option_key

IN = Availability(state="in")
OUT = Availability(state="out")

StockOf = Callable[[str], Availability]
"""Stock key → its own availability."""


def dish_availability(dish: Dish, index: MenuIndex, stock_of: StockOf) -> Availability:
    """Its own; out when a group or slot that must be chosen has nothing left; a set has what its parts allow."""
    own = stock_of(dish.dish_id)
    if own.state == "out":
        return own
    if not all(_can_choose(dish.dish_id, group, stock_of) for group in dish.option_groups):
        return OUT
    limits = [own.left, *(_times(slot, index, stock_of) for slot in dish.slots if slot.min)]
    left = min((limit for limit in limits if limit is not None), default=None)
    if left is None:
        return own
    if dish.slots and left == 0 and own.left != 0:
        return OUT
    return Availability(state="qty", left=left)


def _can_choose(dish_id: str, group: OptionGroup, stock_of: StockOf) -> bool:
    if not group.min:
        return True
    there = sum(1 for option in group.options if has_some(stock_of(option_key(dish_id, option.option_id))))
    return there >= group.min


def _times(slot: SetSlot, index: MenuIndex, stock_of: StockOf) -> int | None:
    """How often the slot can be filled; None: as often as anybody likes."""
    fillings = 0
    for choice in slot.choices:
        part = index.dishes.get(choice.dish_id)
        if part is None:
            continue
        there = dish_availability(part, index, stock_of)
        if there.state == "in":
            return None
        fillings += (there.left or 0) // choice.quantity
    return fillings // slot.min


def has_some(availability: Availability) -> bool:
    """Neither out nor sold to the last."""
    return availability.state == "in" or (availability.state == "qty" and availability.left != 0)
