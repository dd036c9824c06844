"""What guests order together (D6): counted per pair of dishes from the orders a store took, within fixed bounds.

Dish b goes with dish a when more orders with a had b too than its popularity alone explains. Old orders fade: after
AGE_AT orders all counts are halved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import msgspec

DISHES_MAX = 12
"""Of one order are counted: the pairs of a banquet say little, and grow with its square."""

PARTNERS_MAX = 64
"""Kept per dish; when one more comes, all are halved and those that fade are forgotten."""

AGE_AT = 2_000
ORDERS_MIN = 3
"""Fewer orders with both are chance."""


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """A dish that goes with another: ``together`` of ``orders`` orders with the other had it too."""

    dish_id: str
    together: int
    orders: int


class Companions(msgspec.Struct, kw_only=True):
    """``orders`` were counted; ``with_dish`` of them had a dish, ``pairs`` it and another one."""

    orders: int = 0
    with_dish: dict[str, int] = {}
    pairs: dict[str, dict[str, int]] = {}

    def of(self, dish_id: str) -> list[Companion]:
        """Those that go with a dish, the ones that surprise most first."""
        orders = self.with_dish.get(dish_id, 0)
        found = [
            (together * self.orders - orders * self.with_dish.get(other, 0), other, together)
            for other, together in self.pairs.get(dish_id, {}).items()
            if together >= ORDERS_MIN
        ]
        # Above chance: P(both) > P(a) · P(b), in whole numbers so that every silo sorts alike.
        found.sort(key=lambda entry: (-entry[0], entry[1]))
        return [
            Companion(dish_id=other, together=together, orders=orders)
            for surprise, other, together in found
            if surprise > 0
        ]

    # --- used by evolve only ---------------------------------------------------------------------------

    def note(self, dish_ids: Iterable[str]) -> None:
        """An order had these dishes."""
        dishes = list(dict.fromkeys(dish_ids))[:DISHES_MAX]
        self.orders += 1
        for dish_id in dishes:
            self.with_dish[dish_id] = self.with_dish.get(dish_id, 0) + 1
            partners = self.pairs.setdefault(dish_id, {})
            for other in dishes:
                if other != dish_id:
                    partners[other] = partners.get(other, 0) + 1
            if len(partners) > PARTNERS_MAX:
                _fade(partners)
        if self.orders >= AGE_AT:
            self._age()

    def keep(self, dish_ids: Collection[str]) -> None:
        """Only these are on the menu now."""
        self.with_dish = {dish_id: count for dish_id, count in self.with_dish.items() if dish_id in dish_ids}
        self.pairs = {
            dish_id: {other: count for other, count in partners.items() if other in dish_ids}
            for dish_id, partners in self.pairs.items()
            if dish_id in dish_ids
        }

    def _age(self) -> None:
        self.orders //= 2
        _fade(self.with_dish)
        for partners in self.pairs.values():
            _fade(partners)


def _fade(counts: dict[str, int]) -> None:
    for key, count in list(counts.items()):
        if count < 2:
            del counts[key]
        else:
            counts[key] = count // 2
