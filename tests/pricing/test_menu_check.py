"""Which menus can be published: one precise problem per place (D1, D2, D3, D5)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.items import MenuIndex, PricedItem, price_item
from pricing.menu import Category, Dish, Menu, Option, OptionGroup, SetChoice, SetSlot, TimeSlot
from pricing.menu_check import PROBLEMS_MAX, problems_of
from pricing.selection import Selection


def dish(dish_id: str = "noodles", **fields: Any) -> Dish:
    return Dish(**({"dish_id": dish_id, "name": dish_id, "price_fen": 3_200} | fields))


def group(*options: Option, **fields: Any) -> OptionGroup:
    return OptionGroup(**({"group_id": "g", "name": "g", "options": options} | fields))


def option(option_id: str, **fields: Any) -> Option:
    return Option(option_id=option_id, name=option_id, **fields)


def slot(*choices: SetChoice, **fields: Any) -> SetSlot:
    return SetSlot(**({"slot_id": "s", "name": "s", "choices": choices} | fields))


def meal(*slots: SetSlot, **fields: Any) -> Dish:
    return dish("meal", kind="set", slots=slots, **fields)


def category(category_id: str, parent_id: str = "") -> Category:
    return Category(category_id=category_id, name=category_id, parent_id=parent_id)


def chain(length: int) -> tuple[Category, ...]:
    return tuple(category(f"c{n}", f"c{n - 1}" if n else "") for n in range(length))


NOODLES = SetChoice(dish_id="noodles")
SOME_OPTIONS = (option("a"), option("b"))
HOURS = {"starts": "06:00", "ends": "10:00"}

WRONG: list[tuple[str, Menu, str, str]] = [
    (
        "D1 unknown category",
        Menu(dishes=(dish(category_ids=("x",)),)),
        "$.dishes[0].category_ids[0]",
        "no category x",
    ),
    (
        "D1 unknown parent",
        Menu(categories=(category("a", "x"),)),
        "$.categories[0].parent_id",
        "no category x",
    ),
    (
        "D1 own parent",
        Menu(categories=(category("a", "a"),)),
        "$.categories[0].parent_id",
        "a would be a part of itself",
    ),
    ("D1 too deep", Menu(categories=chain(6)), "$.categories[5].parent_id", "deeper than 5 levels"),
    (
        "D1 category twice",
        Menu(categories=(category("a"), category("a"))),
        "$.categories[1].category_id",
        "a is $.categories[0] already",
    ),
    ("D1 dish twice", Menu(dishes=(dish(), dish())), "$.dishes[1].dish_id", "noodles is $.dishes[0] already"),
    (
        "D1 named twice",
        Menu(categories=(category("a"),), dishes=(dish(category_ids=("a", "a")),)),
        "$.dishes[0].category_ids[1]",
        "a is named twice",
    ),
    (
        "D1 unknown slot",
        Menu(dishes=(dish(time_slots=("x",)),)),
        "$.dishes[0].time_slots[0]",
        "no time slot x",
    ),
    (
        "D1 no days",
        Menu(time_slots=(TimeSlot(slot_id="t", name="t", weekdays=(), **HOURS),)),
        "$.time_slots[0].weekdays",
        "at least one day, 1 (Monday) to 7",
    ),
    (
        "D1 day twice",
        Menu(time_slots=(TimeSlot(slot_id="t", name="t", weekdays=(1, 1), **HOURS),)),
        "$.time_slots[0].weekdays",
        "a day is named twice",
    ),
    (
        "D2 min over max",
        Menu(dishes=(dish(option_groups=(group(*SOME_OPTIONS, min=2, max=1),)),)),
        "$.dishes[0].option_groups[0].min",
        "at most max, which is 1",
    ),
    (
        "D2 min over options",
        Menu(dishes=(dish(option_groups=(group(*SOME_OPTIONS, min=3, max=3),)),)),
        "$.dishes[0].option_groups[0].min",
        "there are only 2 options",
    ),
    (
        "D2 max 0",
        Menu(dishes=(dish(option_groups=(group(*SOME_OPTIONS, max=0),)),)),
        "$.dishes[0].option_groups[0].max",
        "at least 1",
    ),
    (
        "D2 too many defaults",
        Menu(dishes=(dish(option_groups=(group(option("a", default=True), option("b", default=True)),)),)),
        "$.dishes[0].option_groups[0].options",
        "2 defaults, at most 1 can be chosen",
    ),
    (
        "D2 too few defaults",
        Menu(dishes=(dish(option_groups=(group(option("a", default=True), option("b"), min=2, max=2),)),)),
        "$.dishes[0].option_groups[0].options",
        "1 defaults, at least 2 must be chosen",
    ),
    (
        "D2 option twice over groups",
        Menu(dishes=(dish(option_groups=(group(option("a")), group(option("a"), group_id="h"))),)),
        "$.dishes[0].option_groups[1].options[0].option_id",
        "a is $.dishes[0].option_groups[0].options[0] already",
    ),
    (
        "D2 excludes nothing",
        Menu(dishes=(dish(option_groups=(group(option("a", excludes=("x",))),)),)),
        "$.dishes[0].option_groups[0].options[0].excludes[0]",
        "this dish has no option x",
    ),
    (
        "D2 excludes itself",
        Menu(dishes=(dish(option_groups=(group(option("a", excludes=("a",))),)),)),
        "$.dishes[0].option_groups[0].options[0].excludes[0]",
        "an option cannot exclude itself",
    ),
    (
        "D2 defaults exclude",
        Menu(
            dishes=(
                dish(
                    option_groups=(
                        group(option("a", default=True, excludes=("b",)), option("b", default=True), max=2),
                    )
                ),
            )
        ),
        "$.dishes[0].option_groups[0].options[0].excludes[0]",
        "a and b are both defaults",
    ),
    ("D3 empty set", Menu(dishes=(meal(),)), "$.dishes[0].slots", "a set has at least one slot"),
    (
        "D3 slots of a plain dish",
        Menu(dishes=(dish(), dish("rice", slots=(slot(NOODLES),)))),
        "$.dishes[1].slots",
        "only a set has slots",
    ),
    (
        "D3 unknown choice",
        Menu(dishes=(meal(slot(NOODLES)),)),
        "$.dishes[0].slots[0].choices[0].dish_id",
        "no dish noodles",
    ),
    (
        "D3 a set within a set",
        Menu(dishes=(meal(slot(SetChoice(dish_id="meal"))),)),
        "$.dishes[0].slots[0].choices[0].dish_id",
        "meal is set; only plain dishes are parts of a set",
    ),
    (
        "D3 empty slot",
        Menu(dishes=(meal(slot()),)),
        "$.dishes[0].slots[0].choices",
        "at least one dish to choose",
    ),
    (
        "D3 slot min over max",
        Menu(dishes=(dish(), meal(slot(NOODLES, min=2)))),
        "$.dishes[1].slots[0].min",
        "at most max, which is 1",
    ),
    (
        "D5 no unit",
        Menu(dishes=(dish(kind="weighed"),)),
        "$.dishes[0].unit",
        "a weighed dish has a unit that its price is of",
    ),
    (
        "D7 twice",
        Menu(dishes=(dish(allergens=("egg", "egg")),)),
        "$.dishes[0].allergens",
        "one is named twice",
    ),
]


@pytest.mark.parametrize(
    ("menu", "path", "problem"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_D1_D2_D3_D5_what_does_not_fit_is_named_once(menu: Menu, path: str, problem: str) -> None:
    """The place, and what would be right; no second problem follows from the first."""
    assert [(found.path, found.problem) for found in problems_of(menu)] == [(path, problem)]


def test_D1_a_circle_of_categories_is_named_at_each_of_them() -> None:
    """Every category of the circle is a part of itself."""
    menu = Menu(categories=(category("a", "c"), category("b", "a"), category("c", "b"), category("d", "a")))

    found = {problem.path: problem.problem for problem in problems_of(menu)}

    assert found["$.categories[0].parent_id"] == "a would be a part of itself"
    assert len(found) == 4


def test_D1_a_menu_of_every_kind_can_be_published() -> None:
    """Five levels, time slots over midnight, options that exclude each other, a set with a fixed part."""
    menu = Menu(
        categories=chain(5),
        time_slots=(TimeSlot(slot_id="night", name="夜宵", starts="22:00", ends="02:00"),),
        dishes=(
            dish(
                category_ids=("c4",),
                time_slots=("night",),
                option_groups=(group(option("a", default=True, excludes=("b",)), option("b"), min=1),),
            ),
            dish("fish", kind="weighed", unit="斤"),
            dish("crab", kind="market"),
            meal(slot(NOODLES, min=2, max=2), shown=False),
        ),
    )

    assert problems_of(menu) == []


def test_D1_problems_are_bounded() -> None:
    """Two thousand dishes that are all wrong are a hundred problems."""
    menu = Menu(dishes=tuple(dish(f"d{n}", category_ids=("x",)) for n in range(2_000)))

    assert len(problems_of(menu)) == PROBLEMS_MAX


@given(
    least=st.integers(0, 3),
    most=st.integers(0, 3),
    defaults=st.lists(st.booleans(), max_size=3),
    parts=st.lists(st.booleans(), max_size=3),
)
def test_D2_D3_what_can_be_published_can_be_ordered_with_nothing_said(
    least: int, most: int, defaults: list[bool], parts: list[bool]
) -> None:
    """Where a menu has no problem and all that must be chosen has defaults, every dish has a price."""
    options = tuple(option(f"o{n}", default=default) for n, default in enumerate(defaults))
    choices = tuple(SetChoice(dish_id=f"p{n}", default=default) for n, default in enumerate(parts))
    menu = Menu(
        dishes=(
            *(dish(f"p{n}") for n in range(len(parts))),
            dish(option_groups=(group(*options, min=least, max=most),)),
            meal(slot(*choices, min=least, max=most)),
        )
    )
    if problems_of(menu):
        return
    index = MenuIndex(menu)
    if any(defaults) or not least:
        assert isinstance(price_item(index, Selection(dish_id="noodles"), 1, 0), PricedItem)
    if any(parts) or not least or len(parts) == 1:
        assert isinstance(price_item(index, Selection(dish_id="meal"), 1, 0), PricedItem)
