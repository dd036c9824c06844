"""How a store's kitchen works: its stations, its patience, its numbers. Chosen by the store."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from store_runtime.texts import ONE_LINE

STATIONS_MAX = 50
WAIT_MINUTES_MAX = 1_440

StationName = Annotated[str, Meta(max_length=64, pattern=ONE_LINE)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
NumberPrefix = Annotated[str, Meta(max_length=4, pattern=r"^[A-Za-z0-9]*$(?!\n)")]
NumberFirst = Annotated[int, Meta(ge=0, le=99_999)]
NumberWidth = Annotated[int, Meta(ge=1, le=5)]
SkipDigits = Annotated[str, Meta(max_length=8, pattern=r"^[0-9]*$(?!\n)")]
SkippedNumbers = Annotated[tuple[NumberFirst, ...], Meta(max_length=1_000)]


class StationTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One station (档口).

    Args:
        cooks: dishes that are made side by side.
        minutes_max: work that may wait before it; more is refused, at this station only (O7). 0: no limit.
        throttles_dine_in: the limit holds for guests who are seated, too.
    """

    station: StationName
    cooks: Annotated[int, Meta(ge=1, le=100)] = 1
    minutes_max: Annotated[int, Meta(ge=0, le=WAIT_MINUTES_MAX)] = 0
    throttles_dine_in: bool = False


Stations = Annotated[tuple[StationTerms, ...], Meta(max_length=STATIONS_MAX)]


class KitchenTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All of it, with the defaults.

    Args:
        table_accept: rounds of a table wait for 接单 too (O2); orders of the channels do unless the store's
            ``auto_accept`` says otherwise.
        accept_within_s: an order that nobody accepted for so long is escalated (O1).
        rush_cooldown_s: between two 催菜 of one line; course_cooldown_s: between two 起菜 of one order (O8).
        number_prefix, number_first, number_width: of pickup numbers (T13); ``number_width`` digits at least.
        number_skip_digits, number_skip: a number with such a digit, or one of these, is never given.
    """

    stations: tuple[StationTerms, ...] = ()
    table_accept: bool = False
    accept_within_s: int = 120
    rush_cooldown_s: int = 180
    course_cooldown_s: int = 5
    number_prefix: str = "A"
    number_first: int = 1
    number_width: int = 3
    number_skip_digits: str = ""
    number_skip: tuple[int, ...] = ()

    def station(self, name: str) -> StationTerms:
        """The terms of a station; one that nobody has described has one cook and no limit."""
        for one in self.stations:
            if one.station == name:
                return one
        return StationTerms(station=name)

    def number_after(self, last: int) -> int:
        """The next number that may be given (T13): gap-free over the allowed ones.

        >>> KitchenTerms(number_skip_digits="4").number_after(3)
        5
        """
        number = max(last + 1, self.number_first)
        skip = set(self.number_skip)
        while number in skip or not set(self.number_skip_digits).isdisjoint(str(number)):
            number += 1
        return number

    def number_text(self, number: int) -> str:
        """As it is called out.

        >>> KitchenTerms().number_text(7)
        'A007'
        """
        return f"{self.number_prefix}{number:0{self.number_width}d}"
