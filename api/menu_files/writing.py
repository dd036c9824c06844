"""From a menu to the rows of its sheets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from api.menu_files.columns import (
    CATEGORIES,
    DISHES,
    OPTION_GROUPS,
    OPTIONS,
    SET_CHOICES,
    SET_SLOTS,
    TIME_SLOTS,
    Cell,
    Sheet,
)
from pricing.menu import Menu

Row = list[Cell]


def rows_of(menu: Menu) -> dict[str, list[Row]]:
    """Sheet → its rows without the header, in the menu's order."""
    sheets: dict[str, list[Row]] = {}
    for sheet, one, whose in _all(menu):
        sheets.setdefault(sheet.name, []).append(_row(sheet, one, whose))
    return sheets


def _all(menu: Menu) -> Iterator[tuple[Sheet, msgspec.Struct, dict[str, str]]]:
    for category in menu.categories:
        yield CATEGORIES, category, {}
    for time_slot in menu.time_slots:
        yield TIME_SLOTS, time_slot, {}
    for dish in menu.dishes:
        yield DISHES, dish, {}
        for group in dish.option_groups:
            yield OPTION_GROUPS, group, {"dish_id": dish.dish_id}
            for option in group.options:
                yield OPTIONS, option, {"dish_id": dish.dish_id, "group_id": group.group_id}
        for slot in dish.slots:
            yield SET_SLOTS, slot, {"dish_id": dish.dish_id}
            for choice in slot.choices:
                yield SET_CHOICES, choice, {"dish_id": dish.dish_id, "slot_id": slot.slot_id}


def _row(sheet: Sheet, one: msgspec.Struct, whose: dict[str, str]) -> Row:
    def cell(name: str, field: str, write: Any) -> Cell:
        return whose[name] if not field else write(getattr(one, field))

    return [cell(column.name, column.field, column.write) for column in sheet.columns]
