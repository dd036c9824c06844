"""D1–D4: why a dish cannot be had, in words that name it and say what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from api.cart_words import why_not, why_out
from pricing.items import ItemProblem, MenuIndex, price_item
from pricing.menu import Dish, Menu, Option, OptionGroup, SetChoice, SetSlot, TimeSlot
from pricing.selection import Chosen, Selection

SPICE = OptionGroup(
    group_id="spice",
    name="辣度",
    min=1,
    options=(
        Option(option_id="mild", name="微辣"),
        Option(option_id="hot", name="特辣"),
    ),
)
EXTRAS = OptionGroup(
    group_id="extras",
    name="加料",
    max=2,
    options=(
        Option(option_id="egg", name="加蛋"),
        Option(option_id="coriander", name="香菜"),
        Option(option_id="plain", name="免香菜", excludes=("coriander",)),
    ),
)
NOODLES = Dish(dish_id="noodles", name="牛肉面", price_fen=2_800, option_groups=(SPICE, EXTRAS))
RICE = Dish(
    dish_id="rice",
    name="盖饭",
    price_fen=2_000,
    option_groups=(
        OptionGroup(
            group_id="spice", name="口味", min=1, options=(Option(option_id="salt", name="咸", default=True),)
        ),
    ),
)
TEA = Dish(dish_id="tea", name="茶", price_fen=500)
COLA = Dish(dish_id="cola", name="可乐", price_fen=500)
CONGEE = Dish(dish_id="congee", name="粥", price_fen=800, time_slots=("morning",))
BEER = Dish(dish_id="beer", name="啤酒", price_fen=1_000, shown=False)
LUNCH = Dish(
    dish_id="lunch",
    name="午市套餐",
    kind="set",
    price_fen=3_000,
    slots=(
        SetSlot(
            slot_id="main", name="主食", choices=(SetChoice(dish_id="rice"), SetChoice(dish_id="noodles"))
        ),
        SetSlot(slot_id="drink", name="饮品", choices=(SetChoice(dish_id="tea"), SetChoice(dish_id="cola"))),
    ),
)
MORNING = TimeSlot(slot_id="morning", name="早市", starts="07:00", ends="10:00", weekdays=(1, 2, 3, 4, 5))
INDEX = MenuIndex(Menu(time_slots=(MORNING,), dishes=(NOODLES, RICE, TEA, COLA, CONGEE, BEER, LUNCH)))


def chosen(slot: str, dish: str, *options: str) -> Chosen:
    return Chosen(slot_id=slot, dish_id=dish, options=options)


NOODLE_SET = chosen("main", "noodles", "hot")
CASES: list[tuple[str, str, dict[str, Any], str]] = [
    ("gone", "unicorn", {}, "The menu has no dish unicorn."),
    ("gone", "beer", {}, "啤酒 is not on the menu at present."),
    ("not_now", "congee", {}, "粥 is served 早市 07:00–10:00 on weekdays 1, 2, 3, 4, 5 (Monday is 1)."),
    ("choice_missing", "noodles", {}, "牛肉面 – 辣度: choose 1 of 微辣、特辣."),
    ("choice_wrong", "noodles", {"options": ("mild", "hot")}, "牛肉面 – 辣度: choose 1 of 微辣、特辣."),
    (
        "choice_wrong",
        "noodles",
        {"options": ("mild", "egg", "coriander", "plain")},
        "牛肉面 – 加料: choose 0 to 2 of 加蛋、香菜、免香菜.",
    ),
    (
        "choice_wrong",
        "noodles",
        {"options": ("mild", "coriander", "plain")},
        "牛肉面: 免香菜 does not go with 香菜.",
    ),
    (
        "option_gone",
        "noodles",
        {"options": ("gold",)},
        "牛肉面 has no option gold; it has 微辣、特辣、加蛋、香菜、免香菜.",
    ),
    ("option_gone", "tea", {"options": ("hot",)}, "茶 has no option hot; it has none."),
    ("choice_missing", "lunch", {}, "午市套餐 – 主食: choose 1 of 盖饭、牛肉面."),
    (
        "choice_missing",
        "lunch",
        {"choices": (NOODLE_SET,)},
        "午市套餐 – 饮品: choose 1 of 茶、可乐.",
    ),
    (
        "choice_wrong",
        "lunch",
        {"choices": (NOODLE_SET, chosen("drink", "beer"))},
        "beer is no choice. 午市套餐 – 饮品: choose 1 of 茶、可乐.",
    ),
    (
        "choice_missing",
        "lunch",
        {"choices": (chosen("main", "noodles"), chosen("drink", "tea"))},
        "牛肉面 – 辣度: choose 1 of 微辣、特辣.",
    ),
    (
        "choice_wrong",
        "lunch",
        {"choices": (NOODLE_SET, chosen("dessert", "tea"))},
        "午市套餐 has nothing to choose for dessert; only for 主食、饮品.",
    ),
]


@pytest.mark.parametrize(("kind", "dish_id", "choice", "words"), CASES)
def test_D2_a_refused_selection_names_what_is_wrong_and_what_is_allowed(
    kind: str, dish_id: str, choice: dict[str, Any], words: str
) -> None:
    """The group, slot, option or dish by its name on the menu, with how many of which."""
    wanted = Selection(dish_id=dish_id, **choice)

    problem = price_item(INDEX, wanted, weekday=1, minute_of_day=12 * 60)

    assert isinstance(problem, ItemProblem)
    assert (problem.problem, why_not(INDEX, wanted, problem)) == (kind, words)


def test_D4_what_is_sold_out_is_named() -> None:
    """A dish, an option of one, and what is left of a dish of which one needs more."""
    words = [why_out(INDEX, "tea", 0), why_out(INDEX, "noodles#egg", 0), why_out(INDEX, "tea", 1)]

    assert words == [
        "茶 is sold out.",
        "牛肉面 加蛋 is sold out.",
        "Of 茶 only 1 are left; one of this needs more.",
    ]
