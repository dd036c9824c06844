"""The menu as a guest's phone reads it: every field of every dish, and whether it can be had now (D1 to D5, D7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

import msgspec

from api.views import AvailabilityShown
from pricing.items import MenuIndex
from pricing.menu import Dish, Option, OptionGroup, SetSlot
from store_runtime.store.menu.availability import IN, StockOf, dish_availability
from store_runtime.store.menu.projections import Availability
from store_runtime.store.stock import option_key

_IN = AvailabilityShown.of(IN)
_encode = msgspec.json.Encoder().encode


class CategoryShown(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the menu; ``parent_id`` is empty for one that stands by itself."""

    category_id: str
    name: str
    name_en: str
    parent_id: str


class TimeSlotShown(msgspec.Struct, frozen=True, kw_only=True):
    """From ``starts`` to ``ends`` (exclusive, over midnight when ends ≤ starts) in the store's zone; 1 is Monday."""

    slot_id: str
    name: str
    name_en: str
    starts: str
    ends: str
    weekdays: tuple[int, ...]


class OptionShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to choose. It cannot go with those that it ``excludes``."""

    option_id: str
    name: str
    name_en: str
    price_delta_fen: int
    default: bool
    excludes: tuple[str, ...]
    availability: AvailabilityShown

    @classmethod
    def of(cls, option: Option, shown: AvailabilityShown) -> Self:
        return cls(
            option_id=option.option_id,
            name=option.name,
            name_en=option.name_en,
            price_delta_fen=option.price_delta_fen,
            default=option.default,
            excludes=option.excludes,
            availability=shown,
        )


class OptionGroupShown(msgspec.Struct, frozen=True, kw_only=True):
    """Between ``min`` and ``max`` of its options are chosen; its defaults when nothing is and something must be."""

    group_id: str
    name: str
    name_en: str
    min: int
    max: int
    options: tuple[OptionShown, ...]

    @classmethod
    def of(cls, dish_id: str, group: OptionGroup, stock: Mapping[str, Availability]) -> Self:
        return cls(
            group_id=group.group_id,
            name=group.name,
            name_en=group.name_en,
            min=group.min,
            max=group.max,
            options=tuple(
                OptionShown.of(option, _shown(stock.get(option_key(dish_id, option.option_id))))
                for option in group.options
            ),
        )


class ChoiceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A dish of the menu that fills a slot."""

    dish_id: str
    quantity: int
    upcharge_fen: int
    default: bool


class SetSlotShown(msgspec.Struct, frozen=True, kw_only=True):
    """Between ``min`` and ``max`` choices of it belong to the set."""

    slot_id: str
    name: str
    name_en: str
    min: int
    max: int
    choices: tuple[ChoiceShown, ...]

    @classmethod
    def of(cls, slot: SetSlot) -> Self:
        return cls(
            slot_id=slot.slot_id,
            name=slot.name,
            name_en=slot.name_en,
            min=slot.min,
            max=slot.max,
            choices=tuple(
                ChoiceShown(
                    dish_id=choice.dish_id,
                    quantity=choice.quantity,
                    upcharge_fen=choice.upcharge_fen,
                    default=choice.default,
                )
                for choice in slot.choices
            ),
        )


class MenuDish(msgspec.Struct, frozen=True, kw_only=True):
    """One dish.

    ``price_fen``: of one; of one ``unit`` where its kind is weighed; a guide where it is market. ``shown`` is false
    for what is offered only as a part of a set. ``time_slots``: when it can be ordered; none: always.
    """

    dish_id: str
    name: str
    name_en: str
    description: str
    description_en: str
    category_ids: tuple[str, ...]
    kind: str
    price_fen: int
    unit: str
    option_groups: tuple[OptionGroupShown, ...]
    slots: tuple[SetSlotShown, ...]
    time_slots: tuple[str, ...]
    shown: bool
    course: str
    make_minutes: int
    allergens: tuple[str, ...]
    flags: tuple[str, ...]
    box_fen: int
    divisible: bool
    availability: AvailabilityShown

    @classmethod
    def of(cls, dish: Dish, index: MenuIndex, stock: Mapping[str, Availability]) -> Self:
        """The dish with what is available now; ``stock`` names the keys that are not simply in."""
        return cls(
            dish_id=dish.dish_id,
            name=dish.name,
            name_en=dish.name_en,
            description=dish.description,
            description_en=dish.description_en,
            category_ids=dish.category_ids,
            kind=dish.kind,
            price_fen=dish.price_fen,
            unit=dish.unit,
            option_groups=tuple(
                OptionGroupShown.of(dish.dish_id, group, stock) for group in dish.option_groups
            ),
            slots=tuple(SetSlotShown.of(slot) for slot in dish.slots),
            time_slots=dish.time_slots,
            shown=dish.shown,
            course=dish.course,
            make_minutes=dish.make_minutes,
            allergens=dish.allergens,
            flags=dish.flags,
            box_fen=dish.box_fen,
            divisible=dish.divisible,
            availability=_shown(dish_availability(dish, index, stock_in(stock))),
        )


class MenuShown(msgspec.Struct, frozen=True, kw_only=True):
    """The published menu.

    ``version`` changes whenever anything on it does, stock too, and is in the ETag; ``menu_version`` is the published
    version that prices are quoted by.
    """

    store_id: str
    name: str
    version: int
    menu_version: int
    time_zone: str
    categories: tuple[CategoryShown, ...]
    time_slots: tuple[TimeSlotShown, ...]
    dishes: list[MenuDish]


class _Encoded(msgspec.Struct, frozen=True, kw_only=True):
    """MenuShown with its dishes encoded already."""

    store_id: str
    name: str
    version: int
    menu_version: int
    time_zone: str
    categories: tuple[CategoryShown, ...]
    time_slots: tuple[TimeSlotShown, ...]
    dishes: list[msgspec.Raw]


class Layout:
    """One published version as bytes: of a dish they are made anew only when stock has touched it.

    At a peak, stock changes with every order; a menu of 500 dishes made anew each time would hold everybody up.
    """

    def __init__(self, index: MenuIndex) -> None:
        menu = index.menu
        self._index = index
        self._stock: Mapping[str, Availability] = {}
        self._categories = tuple(
            CategoryShown(
                category_id=one.category_id, name=one.name, name_en=one.name_en, parent_id=one.parent_id
            )
            for one in menu.categories
        )
        self._time_slots = tuple(
            TimeSlotShown(
                slot_id=one.slot_id,
                name=one.name,
                name_en=one.name_en,
                starts=one.starts,
                ends=one.ends,
                weekdays=one.weekdays,
            )
            for one in menu.time_slots
        )
        self._sets_with: dict[str, list[str]] = {}
        for dish in menu.dishes:
            for part in _parts(dish):
                self._sets_with.setdefault(part, []).append(dish.dish_id)
        parts = {part for dish in menu.dishes if dish.shown for part in _parts(dish)}
        self._dishes = {
            dish.dish_id: self._encoded(dish) for dish in menu.dishes if dish.shown or dish.dish_id in parts
        }

    def body(
        self, store_id: str, name: str, time_zone: str, version: int, stock: Mapping[str, Availability]
    ) -> bytes:
        """The document (MenuShown) with what is left; ``stock`` names the keys that are not simply in."""
        touched = self._touched(stock)
        self._stock = stock
        for dish_id in touched & self._dishes.keys():
            self._dishes[dish_id] = self._encoded(self._index.dishes[dish_id])
        return _encode(
            _Encoded(
                store_id=store_id,
                name=name,
                version=version,
                menu_version=self._index.version,
                time_zone=time_zone,
                categories=self._categories,
                time_slots=self._time_slots,
                dishes=list(self._dishes.values()),
            )
        )

    def _encoded(self, dish: Dish) -> msgspec.Raw:
        return msgspec.Raw(_encode(MenuDish.of(dish, self._index, self._stock)))

    def _touched(self, stock: Mapping[str, Availability]) -> set[str]:
        was = self._stock
        changed = {key for key in was.keys() | stock.keys() if was.get(key) != stock.get(key)}
        touched = {key.partition("#")[0] for key in changed}
        for dish_id in list(touched):
            touched.update(self._sets_with.get(dish_id, ()))
        return touched


def stock_in(stock: Mapping[str, Availability]) -> StockOf:
    """A key that is not named is simply in."""
    return lambda key: stock.get(key, IN)


def _parts(dish: Dish) -> Iterable[str]:
    return (choice.dish_id for slot in dish.slots for choice in slot.choices)


def _shown(availability: Availability | None) -> AvailabilityShown:
    return _IN if availability is None or availability is IN else AvailabilityShown.of(availability)
