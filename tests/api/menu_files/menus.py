"""Menus for the tests of files: any that can be published, with whatever text people write."""

from __future__ import annotations

from typing import get_args

from hypothesis import strategies as st

from pricing.menu import (
    ALLERGENS,
    PRICE_FEN_MAX,
    Category,
    Dish,
    Flag,
    Menu,
    Option,
    OptionGroup,
    SetChoice,
    SetSlot,
    TimeSlot,
)
from pricing.menu_check import problems_of

AWKWARD = "=+-@'\"\\,;_x0041 \t\n\r<&>0123 　面中文😀é"
"""What spreadsheets make something else of."""

ids = st.text("abcXYZ019_.-", min_size=1, max_size=6)
lines = st.text(st.sampled_from(AWKWARD.replace("\t", "").replace("\n", "").replace("\r", "")), max_size=12)
names = lines.filter(bool)
texts = st.text(st.sampled_from(AWKWARD.replace("\t", "").replace("\r", "")), max_size=30)
fen = st.one_of(st.integers(0, 20_000), st.just(PRICE_FEN_MAX))
deltas = st.one_of(st.integers(-20_000, 20_000), st.just(-PRICE_FEN_MAX))
times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))


def _some(ids: list[str], least: int = 0) -> st.SearchStrategy[tuple[str, ...]]:
    if not ids:
        return st.just(())
    return st.lists(st.sampled_from(ids), unique=True, min_size=least, max_size=3).map(tuple)


@st.composite
def _groups(draw: st.DrawFn) -> tuple[OptionGroup, ...]:
    taken = iter(draw(st.lists(ids, unique=True, max_size=9)))
    groups = []
    for group_id in draw(st.lists(ids, unique=True, max_size=3)):
        options = tuple(
            Option(
                option_id=option_id,
                name=draw(names),
                name_en=draw(lines),
                price_delta_fen=draw(deltas),
            )
            for option_id, _ in zip(taken, range(3), strict=False)
        )
        if options and draw(st.booleans()):
            first = options[0]
            options = (
                Option(option_id=first.option_id, name=first.name, default=True),
                *(
                    Option(option_id=one.option_id, name="x", excludes=(first.option_id,))
                    for one in options[1:]
                ),
            )
        least = draw(st.integers(0, min(1, len(options))))
        groups.append(
            OptionGroup(
                group_id=group_id, name=draw(names), name_en=draw(lines), min=least, max=3, options=options
            )
        )
    return tuple(groups)


@st.composite
def _slots(draw: st.DrawFn, parts: list[str]) -> tuple[SetSlot, ...]:
    return tuple(
        SetSlot(
            slot_id=slot_id,
            name=draw(names),
            name_en=draw(lines),
            min=draw(st.integers(0, 1)),
            max=draw(st.integers(1, 4)),
            choices=tuple(
                SetChoice(dish_id=part, quantity=draw(st.integers(1, 100)), upcharge_fen=draw(fen))
                for part in draw(_some(parts, 1))
            ),
        )
        for slot_id in draw(st.lists(ids, unique=True, min_size=1, max_size=3))
    )


@st.composite
def menus(draw: st.DrawFn) -> Menu:
    """Any menu that can be published, of a few entries."""
    category_ids = draw(st.lists(ids, unique=True, max_size=3))
    slot_ids = draw(st.lists(ids, unique=True, max_size=2))
    dish_ids = draw(st.lists(ids, unique=True, max_size=4))
    dishes: list[Dish] = []
    for dish_id in dish_ids:
        plain = [dish.dish_id for dish in dishes if dish.kind == "plain"]
        kind = draw(st.sampled_from(["plain", "plain", "weighed", "market", *(["set"] if plain else [])]))
        dishes.append(
            Dish(
                dish_id=dish_id,
                name=draw(names),
                name_en=draw(lines),
                description=draw(texts),
                description_en=draw(texts),
                category_ids=draw(_some(category_ids)),
                kind=kind,
                price_fen=draw(fen),
                unit="斤" if kind == "weighed" else draw(lines),
                option_groups=draw(_groups()),
                slots=draw(_slots(plain)) if kind == "set" else (),
                time_slots=draw(_some(slot_ids)),
                shown=draw(st.booleans()),
                station=draw(lines),
                course=draw(lines),
                make_minutes=draw(st.integers(0, 1_440)),
                allergens=draw(_some(list(ALLERGENS))),
                flags=draw(_some(list(get_args(Flag)))),
                box_fen=draw(fen),
                divisible=draw(st.booleans()),
            )
        )
    menu = Menu(
        categories=tuple(
            Category(
                category_id=category_id,
                name=draw(names),
                name_en=draw(lines),
                parent_id=category_ids[place - 1] if place and draw(st.booleans()) else "",
            )
            for place, category_id in enumerate(category_ids)
        ),
        time_slots=tuple(
            TimeSlot(
                slot_id=slot_id,
                name=draw(names),
                name_en=draw(lines),
                starts=draw(times),
                ends=draw(times),
                weekdays=draw(st.lists(st.integers(1, 7), unique=True, min_size=1, max_size=7).map(tuple)),
            )
            for slot_id in slot_ids
        ),
        dishes=tuple(dishes),
    )
    assert problems_of(menu) == []
    return menu
