"""What a restaurant offers: one published version of its menu (D1, D2, D3, D5, D7).

Amounts are fen, times of day ``HH:MM`` in the store's zone, ``_minutes`` minutes. Stock is not here: it changes by
the second and belongs to the store's books, counted per ``dish_id`` and per ``<dish_id>#<option_id>``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

ID = r"^[A-Za-z0-9_.-]+$(?!\n)"
LINE = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]*$(?!\n)"

TEXT = LINE.replace(r"\x00-\x1f", r"\x00-\x09\x0b-\x1f")
"""As LINE, of several lines."""

DISHES_MAX = 2_000
PRICE_FEN_MAX = 100_000_000
ALLERGENS = (
    "gluten",
    "crustacean",
    "egg",
    "fish",
    "peanut",
    "soy",
    "milk",
    "nut",
    "celery",
    "sesame",
    "mollusc",
)

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=ID)]
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=LINE)]
NameOrNone = Annotated[str, Meta(max_length=64, pattern=LINE)]
Description = Annotated[str, Meta(max_length=500, pattern=TEXT)]
PriceFen = Annotated[int, Meta(ge=0, le=PRICE_FEN_MAX)]
DeltaFen = Annotated[int, Meta(ge=-PRICE_FEN_MAX, le=PRICE_FEN_MAX)]
Count = Annotated[int, Meta(ge=0, le=100)]
Minutes = Annotated[int, Meta(ge=0, le=1_440)]
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
Allergen = Literal[
    "gluten", "crustacean", "egg", "fish", "peanut", "soy", "milk", "nut", "celery", "sesame", "mollusc"
]
Flag = Literal["signature", "recommended", "new", "spicy", "vegetarian", "vegan", "halal"]
DishKind = Literal["plain", "set", "weighed", "market"]
"""``set``: choices with one price (D3). ``weighed``: priced per unit (D5). ``market``: price set later (D5)."""


class Option(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """规格/做法/加料: one thing to choose (D2). ``excludes`` names options of the same dish it cannot go with."""

    option_id: Id
    name: Name
    name_en: NameOrNone = ""
    price_delta_fen: DeltaFen = 0
    default: bool = False
    excludes: tuple[Id, ...] = ()


class OptionGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Between ``min`` and ``max`` options of it are chosen."""

    group_id: Id
    name: Name
    name_en: NameOrNone = ""
    min: Count = 0
    max: Count = 1
    options: tuple[Option, ...] = ()


class SetChoice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A dish that fills a slot of a set, with an up-charge."""

    dish_id: Id
    quantity: Annotated[int, Meta(ge=1, le=100)] = 1
    upcharge_fen: PriceFen = 0
    default: bool = False


class SetSlot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """``min`` to ``max`` choices of it belong to the set. One choice with ``min`` 1 is a fixed part."""

    slot_id: Id
    name: Name
    name_en: NameOrNone = ""
    min: Count = 1
    max: Count = 1
    choices: tuple[SetChoice, ...] = ()


class Dish(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A dish as it is offered.

    Args:
        price_fen: of one; of one ``unit`` where it is weighed; a guide price where the market makes it.
        shown: 上架; apart from 估清, which is stock.
        time_slots: ids of the menu's time slots in which it can be ordered; empty: always.
        station, course: where and when it is cooked; make_minutes: how long that takes.
        box_fen: packing of one when it leaves the house (T19).
        divisible: a shared dish that guests may divide among them when they split the bill (T7).
    """

    dish_id: Id
    name: Name
    name_en: NameOrNone = ""
    description: Description = ""
    description_en: Description = ""
    category_ids: tuple[Id, ...] = ()
    kind: DishKind = "plain"
    price_fen: PriceFen
    unit: NameOrNone = ""
    option_groups: tuple[OptionGroup, ...] = ()
    slots: tuple[SetSlot, ...] = ()
    time_slots: tuple[Id, ...] = ()
    shown: bool = True
    station: NameOrNone = ""
    course: NameOrNone = ""
    make_minutes: Minutes = 10
    allergens: tuple[Allergen, ...] = ()
    flags: tuple[Flag, ...] = ()
    box_fen: PriceFen = 0
    divisible: bool = True


class Category(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of the menu; with ``parent_id`` a part of a part, to any depth up to 5 (D1)."""

    category_id: Id
    name: Name
    name_en: NameOrNone = ""
    parent_id: Annotated[str, Meta(max_length=64)] = ""


class TimeSlot(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """When some dishes are offered: from ``starts`` to ``ends`` (exclusive; over midnight when ends ≤ starts)."""

    slot_id: Id
    name: Name
    name_en: NameOrNone = ""
    starts: TimeOfDay
    ends: TimeOfDay
    weekdays: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = (1, 2, 3, 4, 5, 6, 7)


class Menu(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """All that can be ordered. The order of categories and dishes is the order in which they are shown."""

    categories: tuple[Category, ...] = ()
    time_slots: tuple[TimeSlot, ...] = ()
    dishes: tuple[Dish, ...] = ()
