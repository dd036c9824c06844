"""What makes a menu one that can be published: its parts name each other, its choices can be made (D1, D2, D3, D5).

The types of ``menu.py`` bound every field by itself; here is what holds between fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from pricing.menu import DISHES_MAX, Category, Dish, Menu, OptionGroup, SetSlot

DEPTH_MAX = 5
CATEGORIES_MAX = 500
TIME_SLOTS_MAX = 50
GROUPS_MAX = 20
OPTIONS_MAX = 100
SLOTS_MAX = 20
CHOICES_MAX = 100
PROBLEMS_MAX = 100
"""More are not listed: whoever has a hundred has seen the pattern."""


class MenuProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong at one place. ``path`` is a JSON path (``$.dishes[3].option_groups[0].max``)."""

    path: str
    problem: str


def problems_of(menu: Menu) -> list[MenuProblem]:
    """Everything that stands against a menu, in its order; empty when it can be published.

    >>> problems_of(Menu(dishes=(Dish(dish_id="tea", name="茶", price_fen=800, category_ids=("drinks",)),)))
    [MenuProblem(path='$.dishes[0].category_ids[0]', problem='no category drinks')]
    """
    found: list[MenuProblem] = []
    for path, problem in _all(menu):
        found.append(MenuProblem(path=path, problem=problem))
        if len(found) == PROBLEMS_MAX:
            break
    return found


Found = Iterator[tuple[str, str]]


def _all(menu: Menu) -> Found:
    yield from _at_most(menu.categories, CATEGORIES_MAX, "$.categories")
    yield from _at_most(menu.time_slots, TIME_SLOTS_MAX, "$.time_slots")
    yield from _at_most(menu.dishes, DISHES_MAX, "$.dishes")
    yield from _once(menu.categories, lambda one: one.category_id, "$.categories", "category_id")
    yield from _parents(menu.categories)
    yield from _once(menu.time_slots, lambda one: one.slot_id, "$.time_slots", "slot_id")
    for number, slot in enumerate(menu.time_slots):
        yield from _weekdays(slot.weekdays, f"$.time_slots[{number}].weekdays")
    yield from _once(menu.dishes, lambda one: one.dish_id, "$.dishes", "dish_id")
    known = _Known(menu)
    for number, dish in enumerate(menu.dishes):
        yield from _dish(dish, known, f"$.dishes[{number}]")


class _Known:
    """What dishes may name."""

    def __init__(self, menu: Menu) -> None:
        self.categories = {category.category_id for category in menu.categories}
        self.time_slots = {slot.slot_id for slot in menu.time_slots}
        self.dishes = {dish.dish_id: dish for dish in menu.dishes}


def _at_most(items: tuple[object, ...], most: int, path: str) -> Found:
    if len(items) > most:
        yield path, f"{len(items)} of them, at most {most}"


def _once(items: Iterable[object], id_of: Callable[..., str], path: str, name: str) -> Found:
    first: dict[str, int] = {}
    for number, item in enumerate(items):
        id = id_of(item)
        if id in first:
            yield f"{path}[{number}].{name}", f"{id} is {path}[{first[id]}] already"
        else:
            first[id] = number


def _named(ids: tuple[str, ...], known: set[str], path: str, what: str) -> Found:
    for number, id in enumerate(ids):
        if id not in known:
            yield f"{path}[{number}]", f"no {what} {id}"
        elif id in ids[:number]:
            yield f"{path}[{number}]", f"{id} is named twice"


def _weekdays(weekdays: tuple[int, ...], path: str) -> Found:
    if not weekdays:
        yield path, "at least one day, 1 (Monday) to 7"
    elif len(set(weekdays)) < len(weekdays):
        yield path, "a day is named twice"


# Categories (D1)


def _parents(categories: tuple[Category, ...]) -> Found:
    parent = {category.category_id: category.parent_id for category in categories}
    for number, category in enumerate(categories):
        path = f"$.categories[{number}].parent_id"
        if category.parent_id and category.parent_id not in parent:
            yield path, f"no category {category.parent_id}"
            continue
        above, depth = category.parent_id, 1
        while above and depth < DEPTH_MAX and above != category.category_id:
            above, depth = parent.get(above, ""), depth + 1
        if above == category.category_id:
            yield path, f"{category.category_id} would be a part of itself"
        elif above:
            yield path, f"deeper than {DEPTH_MAX} levels"


# Dishes


def _dish(dish: Dish, known: _Known, path: str) -> Found:
    yield from _named(dish.category_ids, known.categories, f"{path}.category_ids", "category")
    yield from _named(dish.time_slots, known.time_slots, f"{path}.time_slots", "time slot")
    for name in ("allergens", "flags"):
        values = getattr(dish, name)
        if len(set(values)) < len(values):
            yield f"{path}.{name}", "one is named twice"
    if dish.kind == "weighed" and not dish.unit:
        yield f"{path}.unit", "a weighed dish has a unit that its price is of"
    if dish.kind == "set" and not dish.slots:
        yield f"{path}.slots", "a set has at least one slot"
    if dish.kind != "set" and dish.slots:
        yield f"{path}.slots", "only a set has slots"
    yield from _groups(dish, f"{path}.option_groups")
    yield from _at_most(dish.slots, SLOTS_MAX, f"{path}.slots")
    yield from _once(dish.slots, lambda one: one.slot_id, f"{path}.slots", "slot_id")
    for number, slot in enumerate(dish.slots):
        yield from _slot(slot, known, f"{path}.slots[{number}]")


# Options (D2)


def _groups(dish: Dish, path: str) -> Found:
    yield from _at_most(dish.option_groups, GROUPS_MAX, path)
    yield from _once(dish.option_groups, lambda one: one.group_id, path, "group_id")
    first: dict[str, str] = {}
    for number, group in enumerate(dish.option_groups):
        yield from _group(group, f"{path}[{number}]")
        for place, option in enumerate(group.options):
            at = f"{path}[{number}].options[{place}]"
            if option.option_id in first:
                yield f"{at}.option_id", f"{option.option_id} is {first[option.option_id]} already"
            first.setdefault(option.option_id, at)
    yield from _exclusions(dish, set(first), path)


def _group(group: OptionGroup, path: str) -> Found:
    yield from _at_most(group.options, OPTIONS_MAX, f"{path}.options")
    if group.max < 1:
        yield f"{path}.max", "at least 1"
    if group.min > group.max:
        yield f"{path}.min", f"at most max, which is {group.max}"
    if group.min > len(group.options):
        yield f"{path}.min", f"there are only {len(group.options)} options"
    yield from _defaults(
        sum(option.default for option in group.options), group.min, group.max, f"{path}.options"
    )


def _defaults(defaults: int, least: int, most: int, path: str) -> Found:
    """Nothing chosen takes the defaults, so some defaults must be a choice that can be made."""
    if defaults > most:
        yield path, f"{defaults} defaults, at most {most} can be chosen"
    elif 0 < defaults < least:
        yield path, f"{defaults} defaults, at least {least} must be chosen"


def _exclusions(dish: Dish, known: set[str], path: str) -> Found:
    defaults = {one.option_id for group in dish.option_groups for one in group.options if one.default}
    for number, group in enumerate(dish.option_groups):
        for place, option in enumerate(group.options):
            at = f"{path}[{number}].options[{place}].excludes"
            for index, other in enumerate(option.excludes):
                if other not in known:
                    yield f"{at}[{index}]", f"this dish has no option {other}"
                elif other == option.option_id:
                    yield f"{at}[{index}]", "an option cannot exclude itself"
                elif option.default and other in defaults:
                    yield f"{at}[{index}]", f"{option.option_id} and {other} are both defaults"


# Sets (D3)


def _slot(slot: SetSlot, known: _Known, path: str) -> Found:
    yield from _at_most(slot.choices, CHOICES_MAX, f"{path}.choices")
    yield from _once(slot.choices, lambda one: one.dish_id, f"{path}.choices", "dish_id")
    if slot.max < 1:
        yield f"{path}.max", "at least 1"
    if slot.min > slot.max:
        yield f"{path}.min", f"at most max, which is {slot.max}"
    if not slot.choices:
        yield f"{path}.choices", "at least one dish to choose"
    if len(slot.choices) > 1:
        # A single choice fills its slot as often as it must; of several the defaults do.
        yield from _defaults(
            sum(choice.default for choice in slot.choices), slot.min, slot.max, f"{path}.choices"
        )
    for number, choice in enumerate(slot.choices):
        part = known.dishes.get(choice.dish_id)
        at = f"{path}.choices[{number}].dish_id"
        if part is None:
            yield at, f"no dish {choice.dish_id}"
        elif part.kind != "plain":
            yield at, f"{choice.dish_id} is {part.kind}; only plain dishes are parts of a set"
