"""Equal values are held once. Hundreds of tables order the same dishes, and each names a dish in many places.

What was read from the journal or from a snapshot has a copy of its own of each word; values that are kept for hours
take the copy that is there already, in their ``__post_init__``. They look and are stored as before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from sys import intern
from typing import Any, NoReturn, Protocol, TypeVar

import msgspec

T = TypeVar("T")

VALUES_MAX = 4_096
"""Values that are known by themselves, and ids. Words are known as long as somebody holds them."""


class Line(Protocol):
    """A line of an order, or of its bill."""

    @property
    def line_id(self) -> str: ...

    @property
    def dish_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def name_en(self) -> str: ...

    @property
    def options_text(self) -> str: ...

    @property
    def unit_price_fen(self) -> int: ...


def share_line(line: Line) -> None:
    """It holds the words that others hold who say the same. Lines are frozen, and stay equal."""
    _set(line, "line_id", shared_id(line.line_id))
    _set(line, "dish_id", intern(line.dish_id))
    _set(line, "name", intern(line.name))
    _set(line, "name_en", intern(line.name_en))
    _set(line, "options_text", intern(line.options_text))
    _set(line, "unit_price_fen", _first(line.unit_price_fen))


_set: Any = msgspec.structs.force_setattr  # of a frozen struct, while it is being made


@lru_cache(VALUES_MAX)
def shared_id(one: str) -> str:
    """An id, which few hold, and about the same time: it need not be known for ever."""
    return one


def shared(value: T) -> T:
    """The value that was here first and is equal; of values that never change."""
    found: T = _first(value)
    return found


@lru_cache(VALUES_MAX, typed=True)
def _first(value: Any) -> Any:
    return value


class Counts(dict[str, int]):
    """Who has how many, in the hands of several: it cannot be changed.

    >>> shared_counts({"g1": 2}) is shared_counts({"g1": 2})
    True
    """

    __slots__ = ()

    def _never(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("shared counts are replaced, never changed")

    __setitem__ = __delitem__ = __ior__ = _never
    clear = pop = popitem = setdefault = update = _never


def shared_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The same counts, once for all who have them."""
    return counts if type(counts) is Counts else _counts(tuple(counts.items()))


@lru_cache(VALUES_MAX)
def _counts(items: tuple[tuple[str, int], ...]) -> Counts:
    return Counts(items)
