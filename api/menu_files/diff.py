"""What becomes of one menu when another takes its place: added, changed, removed, each with before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from pricing.menu import Menu

CHANGES_MAX = 2_000

Entry = Literal["category", "time_slot", "dish"]


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field of it."""

    field: str
    before: Any
    after: Any


class MenuChange(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that is added, changed or removed."""

    entry: Entry
    id: str
    name: str
    fields: list[FieldChange] = []


class MenuDiff(msgspec.Struct, frozen=True, kw_only=True):
    """``moved``: all entries are there that were, in another order."""

    added: list[MenuChange]
    changed: list[MenuChange]
    removed: list[MenuChange]
    moved: bool = False


def diff(before: Menu, after: Menu) -> MenuDiff:
    """From one menu to the other."""
    added: list[MenuChange] = []
    changed: list[MenuChange] = []
    removed: list[MenuChange] = []
    moved = False
    was, now = dict(_entries(before)), dict(_entries(after))
    for (entry, id), one in now.items():
        earlier = was.get((entry, id))
        if earlier is None:
            added.append(MenuChange(entry=entry, id=id, name=one.name))
        elif fields := list(_fields(earlier, one)):
            changed.append(MenuChange(entry=entry, id=id, name=one.name, fields=fields))
    for (entry, id), one in was.items():
        if (entry, id) not in now:
            removed.append(MenuChange(entry=entry, id=id, name=one.name))
    if not added and not removed:
        moved = list(was) != list(now)
    return MenuDiff(
        added=added[:CHANGES_MAX], changed=changed[:CHANGES_MAX], removed=removed[:CHANGES_MAX], moved=moved
    )


def _entries(menu: Menu) -> Iterator[tuple[tuple[Entry, str], Any]]:
    for category in menu.categories:
        yield ("category", category.category_id), category
    for slot in menu.time_slots:
        yield ("time_slot", slot.slot_id), slot
    for dish in menu.dishes:
        yield ("dish", dish.dish_id), dish


def _fields(before: Any, after: Any) -> Iterator[FieldChange]:
    for name in before.__struct_fields__:
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            yield FieldChange(field=name, before=msgspec.to_builtins(was), after=msgspec.to_builtins(now))
