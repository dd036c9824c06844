"""Why a dish cannot be had as it was chosen, in words that a guest can act on (D1–D4).

Names are the menu's; whoever refuses says what would be taken instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pricing.items import ItemProblem, MenuIndex
from pricing.menu import Dish, Option, OptionGroup, SetSlot
from pricing.selection import Selection

NAMES_MAX = 12
"""So many names are told; a guest who needs more reads the menu."""


def why_not(index: MenuIndex, wanted: Selection, problem: ItemProblem) -> str:
    """What stands in the way of a selection that has no price, and what is allowed."""
    dish = index.dishes.get(wanted.dish_id)
    if dish is None:
        return f"The menu has no dish {wanted.dish_id}."
    match problem.problem:
        case "gone":
            return f"{dish.name} is not on the menu at present."
        case "not_now":
            return f"{dish.name} is served {_times(index, dish)}."
        case "option_gone":
            return _no_option(index, wanted, dish, problem.detail)
        case _:
            return _wrong_choice(index, wanted, dish, problem.detail)


def why_out(index: MenuIndex, stock_key: str, left: int) -> str:
    """What is sold out, by its stock key (``<dish_id>`` or ``<dish_id>#<option_id>``)."""
    dish_id, _, option_id = stock_key.partition("#")
    dish = index.dishes[dish_id]
    name = f"{dish.name} {index.options[dish_id][option_id].name}" if option_id else dish.name
    return f"{name} is sold out." if left <= 0 else f"Of {name} only {left} are left; one of this needs more."


def _times(index: MenuIndex, dish: Dish) -> str:
    slots = (index.slots[slot_id] for slot_id in dish.time_slots)
    return "; ".join(
        f"{slot.name} {slot.starts}–{slot.ends}"
        + (
            ""
            if len(slot.weekdays) == 7
            else f" on weekdays {', '.join(map(str, slot.weekdays))} (Monday is 1)"
        )
        for slot in slots
    )


def _dishes(index: MenuIndex, wanted: Selection, dish: Dish) -> Iterator[tuple[Dish, tuple[str, ...]]]:
    """The dish and what was chosen for its slots, each with its options."""
    yield dish, wanted.options
    for one in wanted.choices:
        if one.dish_id in index.dishes:
            yield index.dishes[one.dish_id], one.options


def _no_option(index: MenuIndex, wanted: Selection, dish: Dish, option_id: str) -> str:
    # Of several dishes that were given the option, one has it not: that one is meant.
    for one, options in _dishes(index, wanted, dish):
        if option_id in options and option_id not in index.options[one.dish_id]:
            has = _names(option.name for option in index.options[one.dish_id].values())
            return f"{one.name} has no option {option_id}; " + (f"it has {has}." if has else "it has none.")
    return f"{dish.name} has no option {option_id}."


def _wrong_choice(index: MenuIndex, wanted: Selection, dish: Dish, detail: str) -> str:
    """Of a slot, of a dish that a slot does not offer, of a group, or of an option that does not go with others."""
    for slot in dish.slots:
        if slot.slot_id == detail:
            return _allowed(f"{dish.name} – {slot.name}", slot, _offers(index, slot))
    offered_by = {slot.slot_id: slot for slot in dish.slots}
    for chosen in wanted.choices:
        asked = offered_by.get(chosen.slot_id)
        if asked and chosen.dish_id == detail and detail not in {one.dish_id for one in asked.choices}:
            allowed = _allowed(f"{dish.name} – {asked.name}", asked, _offers(index, asked))
            return f"{detail} is no choice. {allowed}"
    for one, options in _all_dishes(index, wanted, dish):
        for group in one.option_groups:
            if group.group_id == detail and _is_wrong(group, options):
                return _allowed(
                    f"{one.name} – {group.name}", group, (option.name for option in group.options)
                )
        option = index.options[one.dish_id].get(detail)
        if option is not None and (option.excludes or options.count(detail) > 1):
            return _clash(index, one, option, options)
    slots = _names(slot.name for slot in dish.slots)
    return f"{dish.name} has nothing to choose for {detail}" + (f"; only for {slots}." if slots else ".")


def _all_dishes(index: MenuIndex, wanted: Selection, dish: Dish) -> Iterator[tuple[Dish, tuple[str, ...]]]:
    """Also what a slot takes by itself: its options are missing when nobody chose them."""
    yield from _dishes(index, wanted, dish)
    for slot in dish.slots:
        for choice in slot.choices:
            if choice.dish_id in index.dishes:
                yield index.dishes[choice.dish_id], ()


def _is_wrong(group: OptionGroup, options: tuple[str, ...]) -> bool:
    """Of two dishes of a set that have a group of this id, the one that stands in the way is meant."""
    taken = sum(1 for option in group.options if option.option_id in options)
    if not taken and group.min:
        taken = sum(1 for option in group.options if option.default)
    return not group.min <= taken <= group.max


def _clash(index: MenuIndex, dish: Dish, option: Option, options: tuple[str, ...]) -> str:
    if options.count(option.option_id) > 1:
        return f"{dish.name}: {option.name} can be chosen once."
    known = index.options[dish.dish_id]
    others = _names(known[one].name for one in option.excludes if one in known)
    return f"{dish.name}: {option.name} does not go with {others}."


def _allowed(what: str, rule: OptionGroup | SetSlot, offers: Iterable[str]) -> str:
    count = str(rule.min) if rule.min == rule.max else f"{rule.min} to {rule.max}"
    return f"{what}: choose {count} of {_names(offers)}."


def _offers(index: MenuIndex, slot: SetSlot) -> Iterator[str]:
    return (index.dishes[one.dish_id].name for one in slot.choices if one.dish_id in index.dishes)


def _names(names: Iterable[str]) -> str:
    known = list(names)
    return "、".join(known[:NAMES_MAX]) + (" …" if len(known) > NAMES_MAX else "")
