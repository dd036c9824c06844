"""What one dish costs as somebody chose it, and what it is made of (D2, D3, D5). The server is the only authority.

    index = MenuIndex(menu, version)        once per published version
    price_item(index, selection, weekday, minute) ──► PricedItem, or ItemProblem: a wrong selection has no price

Nothing here knows how much is left: a PricedItem names the stock keys it needs, the store's books count them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from pricing.menu import Dish, Menu, Option, OptionGroup, SetChoice, SetSlot, TimeSlot
from pricing.selection import Chosen, Selection
from pricing.shares import allocate
from pricing.texts import minutes_of

ItemProblemKind = Literal["gone", "not_now", "option_gone", "choice_missing", "choice_wrong"]

WEEK_DAYS = 7


class ItemProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a selection has no price.

    ``gone``: no such dish, or off the shelf. ``not_now``: outside its time slots. ``option_gone``: no such option.
    ``choice_missing``, ``choice_wrong``: a group or slot has too few, or something it does not allow.

    Args:
        detail: the id of the dish, group, slot or option that stands in the way.
    """

    problem: ItemProblemKind
    detail: str


class PricedPart(msgspec.Struct, frozen=True, kw_only=True):
    """What the kitchen cooks for one of a set. ``amount_fen`` is its share of the price of one set (D3)."""

    slot_id: str
    dish_id: str
    name: str
    name_en: str
    quantity: int
    amount_fen: int
    options_text: str
    options_text_en: str
    station: str
    course: str
    make_minutes: int
    allergens: tuple[str, ...]


class PricedItem(msgspec.Struct, frozen=True, kw_only=True):
    """One of a dish as it was chosen.

    Args:
        unit_price_fen: of one; of one ``unit`` where it is weighed; a guide where the market makes it.
        provisional: not payable until staff confirm its weight or price (D5).
        stock: how many of which stock key one of it takes: ``<dish_id>`` and ``<dish_id>#<option_id>``; summed per
            key over the parts of a set.
        parts: of a set; empty for any other dish.
    """

    dish_id: str
    name: str
    name_en: str
    kind: str
    unit: str
    unit_price_fen: int
    options: tuple[str, ...]
    options_text: str
    options_text_en: str
    box_fen: int
    provisional: bool
    divisible: bool
    station: str
    course: str
    make_minutes: int
    allergens: tuple[str, ...]
    stock: tuple[tuple[str, int], ...]
    parts: tuple[PricedPart, ...]
    category_ids: tuple[str, ...] = ()

    @property
    def cooked(self) -> tuple[PricedPart, ...]:
        """What the kitchen makes for one of it: the parts of a set, or the dish itself."""
        return self.parts or (
            PricedPart(
                slot_id="",
                dish_id=self.dish_id,
                name=self.name,
                name_en=self.name_en,
                quantity=1,
                amount_fen=self.unit_price_fen,
                options_text=self.options_text,
                options_text_en=self.options_text_en,
                station=self.station,
                course=self.course,
                make_minutes=self.make_minutes,
                allergens=self.allergens,
            ),
        )


class MenuIndex:
    """One published version of a menu, laid out for questions. Never changed once built.

    Args:
        menu: as it was published; its shape is checked by who publishes it.
        version: its number; 0 where nobody counts.
    """

    __slots__ = ("dishes", "menu", "options", "slots", "version")

    def __init__(self, menu: Menu, version: int = 0) -> None:
        self.menu = menu
        self.version = version
        self.dishes: Mapping[str, Dish] = {dish.dish_id: dish for dish in menu.dishes}
        self.options: Mapping[str, Mapping[str, Option]] = {
            dish.dish_id: {
                option.option_id: option for group in dish.option_groups for option in group.options
            }
            for dish in menu.dishes
        }
        self.slots: Mapping[str, TimeSlot] = {slot.slot_id: slot for slot in menu.time_slots}

    def offered(self, dish: Dish, weekday: int, minute: int) -> bool:
        """Whether it is on the shelf and in one of its time slots. Monday is 1; minutes are local, since midnight."""
        return dish.shown and (
            not dish.time_slots
            or any(slot_is_open(self.slots[slot_id], weekday, minute) for slot_id in dish.time_slots)
        )


def price_item(
    index: MenuIndex, selection: Selection, weekday: int, minute_of_day: int
) -> PricedItem | ItemProblem:
    """What one of it costs now.

    Args:
        selection: what was chosen. A group with ``min`` of at least 1 and nothing chosen takes its defaults, and a
            slot likewise; a default in a group that may stay empty only proposes.
        weekday: 1 (Monday) to 7, and ``minute_of_day`` since midnight, both in the store's zone.
    """
    try:
        return _priced(index, selection, weekday, minute_of_day)
    except _WrongError as wrong:
        return wrong.problem


class _WrongError(Exception):
    """The selection cannot be had; stays within this module."""

    def __init__(self, problem: ItemProblemKind, detail: str) -> None:
        super().__init__(problem, detail)
        self.problem = ItemProblem(problem=problem, detail=detail)


def _priced(index: MenuIndex, selection: Selection, weekday: int, minute: int) -> PricedItem:
    dish = index.dishes.get(selection.dish_id)
    if dish is None or not dish.shown:
        raise _WrongError("gone", selection.dish_id)
    if not index.offered(dish, weekday, minute):
        raise _WrongError("not_now", dish.dish_id)
    options = _options_of(index, dish, selection.options)
    choices = list(_choices_of(index, dish, selection.choices))
    # D2: deltas may lower a price, never below nothing.
    price_fen = max(0, dish.price_fen + _deltas_fen(options) + sum(choice.upcharge_fen for choice in choices))
    return PricedItem(
        dish_id=dish.dish_id,
        name=dish.name,
        name_en=dish.name_en or dish.name,
        kind=dish.kind,
        unit=dish.unit,
        unit_price_fen=price_fen,
        options=tuple(option.option_id for option in options),
        options_text=_text(options),
        options_text_en=_text_en(options),
        box_fen=dish.box_fen,
        provisional=dish.kind in ("weighed", "market"),
        divisible=dish.divisible,
        station=dish.station,
        course=dish.course,
        make_minutes=max((choice.dish.make_minutes for choice in choices), default=dish.make_minutes),
        allergens=_together([dish, *(choice.dish for choice in choices)]),
        stock=_stock(dish, options, choices),
        parts=_parts(price_fen, choices),
        category_ids=dish.category_ids,
    )


# Options (D2)


def _options_of(index: MenuIndex, dish: Dish, chosen: Iterable[str]) -> list[Option]:
    """What is chosen of every group, defaults filled in, in the menu's order."""
    wanted = Counter(chosen)
    known = index.options[dish.dish_id]
    for option_id, times in wanted.items():
        if option_id not in known:
            raise _WrongError("option_gone", option_id)
        if times > 1:
            raise _WrongError("choice_wrong", option_id)
    taken = [option for group in dish.option_groups for option in _of_group(group, wanted)]
    ids = {option.option_id for option in taken}
    for option in taken:
        if not ids.isdisjoint(option.excludes):
            raise _WrongError("choice_wrong", option.option_id)
    return taken


def _of_group(group: OptionGroup, wanted: Mapping[str, int]) -> list[Option]:
    taken = [option for option in group.options if option.option_id in wanted]
    if not taken and group.min > 0:
        taken = [option for option in group.options if option.default]
    if len(taken) < group.min:
        raise _WrongError("choice_missing", group.group_id)
    if len(taken) > group.max:
        raise _WrongError("choice_wrong", group.group_id)
    return taken


# Sets (D3)


class _Choice(msgspec.Struct, frozen=True):
    """One choice of a slot, as it was made."""

    slot: SetSlot
    choice: SetChoice
    dish: Dish
    options: list[Option]

    @property
    def upcharge_fen(self) -> int:
        return self.choice.upcharge_fen + self.choice.quantity * _deltas_fen(self.options)

    @property
    def alone_fen(self) -> int:
        """What it would cost by itself: its weight in the price of the set."""
        return max(0, self.choice.quantity * self.dish.price_fen + self.upcharge_fen)


def _choices_of(index: MenuIndex, dish: Dish, chosen: Iterable[Chosen]) -> Iterator[_Choice]:
    """What fills every slot, in the menu's order whatever the order of the guest's."""
    by_slot: dict[str, list[Chosen]] = {slot.slot_id: [] for slot in dish.slots}
    for one in chosen:
        if one.slot_id not in by_slot:
            raise _WrongError("choice_wrong", one.slot_id)
        by_slot[one.slot_id].append(one)
    for slot in dish.slots:
        yield from _of_slot(index, slot, by_slot[slot.slot_id])


def _of_slot(index: MenuIndex, slot: SetSlot, chosen: list[Chosen]) -> list[_Choice]:
    offers = {choice.dish_id: (place, choice) for place, choice in enumerate(slot.choices)}
    chosen = chosen or [Chosen(slot_id=slot.slot_id, dish_id=dish_id) for dish_id in _fillers(slot)]
    if len(chosen) < slot.min:
        raise _WrongError("choice_missing", slot.slot_id)
    if len(chosen) > slot.max:
        raise _WrongError("choice_wrong", slot.slot_id)
    made: list[tuple[int, list[str], _Choice]] = []
    for one in chosen:
        place, choice = offers.get(one.dish_id, (-1, None))
        dish = index.dishes.get(one.dish_id)
        if choice is None or dish is None:
            raise _WrongError("choice_wrong", one.dish_id)
        options = _options_of(index, dish, one.options)
        made.append((place, [option.option_id for option in options], _Choice(slot, choice, dish, options)))
    return [choice for _, _, choice in sorted(made, key=lambda entry: entry[:2])]


def _fillers(slot: SetSlot) -> list[str]:
    """What a slot takes when nothing was said: its defaults; its only choice, as often as it must be."""
    if slot.min == 0:
        return []
    if len(slot.choices) == 1:
        return [slot.choices[0].dish_id] * slot.min
    return [choice.dish_id for choice in slot.choices if choice.default]


def _parts(price_fen: int, choices: list[_Choice]) -> tuple[PricedPart, ...]:
    if not choices:
        return ()
    shares = allocate(price_fen, {place: choice.alone_fen for place, choice in enumerate(choices)})
    return tuple(
        PricedPart(
            slot_id=choice.slot.slot_id,
            dish_id=choice.dish.dish_id,
            name=choice.dish.name,
            name_en=choice.dish.name_en or choice.dish.name,
            quantity=choice.choice.quantity,
            amount_fen=shares[place],
            options_text=_text(choice.options),
            options_text_en=_text_en(choice.options),
            station=choice.dish.station,
            course=choice.dish.course,
            make_minutes=choice.dish.make_minutes,
            allergens=choice.dish.allergens,
        )
        for place, choice in enumerate(choices)
    )


# What an item is, in sum


def _stock(dish: Dish, options: list[Option], choices: list[_Choice]) -> tuple[tuple[str, int], ...]:
    needed: Counter[str] = Counter()
    for cooked, chosen, quantity in [
        (dish, options, 1),
        *((choice.dish, choice.options, choice.choice.quantity) for choice in choices),
    ]:
        needed[cooked.dish_id] += quantity
        for option in chosen:
            needed[f"{cooked.dish_id}#{option.option_id}"] += quantity
    return tuple(needed.items())


def _deltas_fen(options: list[Option]) -> int:
    return sum(option.price_delta_fen for option in options)


def _text(options: list[Option]) -> str:
    return "、".join(option.name for option in options)


def _text_en(options: list[Option]) -> str:
    return ", ".join(option.name_en or option.name for option in options)


def _together(dishes: list[Dish]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(allergen for dish in dishes for allergen in dish.allergens))


# Time slots (D1)


def slot_is_open(slot: TimeSlot, weekday: int, minute: int) -> bool:
    """Whether a slot is on. Its weekdays are those on which it starts: Friday 22:00–02:00 ends on Saturday."""
    starts, ends = minutes_of(slot.starts), minutes_of(slot.ends)
    if starts < ends:
        return weekday in slot.weekdays and starts <= minute < ends
    yesterday = (weekday - 2) % WEEK_DAYS + 1
    return (weekday in slot.weekdays and minute >= starts) or (yesterday in slot.weekdays and minute < ends)
