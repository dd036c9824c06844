"""The books of what can be sold (D4): sold + held + left + waste = initial + restocked, for every stock key.

A stock key is ``<dish_id>`` or ``<dish_id>#<option_id>``. A key that is not counted (``in``) has nothing left on the
books: whatever is taken of it is restocked at that moment, and what comes back is taken off again. Being out hides a
dish; what is left of it stays on the books. A key gets books when it is first set or taken, and keeps them when its
dish leaves the menu.

    left ──take──► held ──sell──► sold ──waste──► waste        (food that was cooked and not eaten)
      ▲              │              │
      └──give_back───┘              │                          (unpaid, refused, cancelled before it was fired)
      └───────────take_back─────────┘                          (cancelled while on hold or queued)

``make_again``: what was sold was spoilt, and another one is made of what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

Taken = Mapping[str, int]
"""Stock key → how many."""


def option_key(dish_id: str, option_id: str) -> str:
    """The stock key of an option; neither id contains ``#``."""
    return f"{dish_id}#{option_id}"


def together(parts: Iterable[tuple[Iterable[tuple[str, int]], int]]) -> dict[str, int]:
    """What several lines take of each key, in sum (D3): (stock of one, how many of it) for every line.

    >>> together([((("noodles", 1), ("egg", 2)), 3), ((("egg", 1),), 1)])
    {'noodles': 3, 'egg': 7}
    """
    needed: Counter[str] = Counter()
    for stock, quantity in parts:
        for key, count in stock:
            needed[key] += count * quantity
    return dict(needed)


class DishStock(msgspec.Struct, kw_only=True):
    """One stock key. ``until`` (ms): out no longer than that; 0: until set again.

    ``refill``: counted to this many at every change of the business day; 0: left as it is.
    """

    counted: bool = False
    out: bool = False
    until: int = 0
    refill: int = 0
    initial: int = 0
    restocked: int = 0
    left: int = 0
    held: int = 0
    sold: int = 0
    waste: int = 0

    def state(self, at: int) -> str:
        """in, qty or out, at this moment."""
        if self.is_out(at):
            return "out"
        return "qty" if self.counted else "in"

    def is_out(self, at: int) -> bool:
        return self.out and not 0 < self.until <= at

    def can_give(self, at: int) -> int | None:
        """How many can be taken now; None: not counted."""
        if self.is_out(at):
            return 0
        return self.left if self.counted else None

    # --- used by evolve only ---------------------------------------------------------------------------

    def count(self, left: int) -> None:
        """From now on counted: ``left`` to sell, whatever the books said. The difference is restocked."""
        self.restocked += left - self.left
        self.left = left
        self.counted = True
        self.back()

    def fill(self, at: int) -> None:
        """A business day begins. What is out until a later moment stays out until then."""
        out_until = self.until if self.out and self.until > at else 0
        self.count(self.refill)
        if out_until:
            self.go_out(out_until)

    def uncount(self) -> None:
        """From now on not counted."""
        self.count(0)
        self.counted = False

    def go_out(self, until: int) -> None:
        self.out, self.until = True, until

    def back(self) -> None:
        self.out, self.until = False, 0

    def hold(self, quantity: int) -> None:
        """Kept for somebody, and no longer left."""
        self._leave(quantity)
        self.held += quantity

    def give_back(self, quantity: int) -> None:
        """What was held is left again."""
        self._leave(-quantity)
        self.held -= quantity

    def sell(self, quantity: int) -> None:
        """What was held is sold."""
        self.held -= quantity
        self.sold += quantity

    def take_back(self, quantity: int) -> None:
        """What was sold, and nobody began to cook, is left again."""
        self._leave(-quantity)
        self.sold -= quantity

    def throw_away(self, quantity: int) -> None:
        """What was sold was cooked, and is not eaten."""
        self.sold -= quantity
        self.waste += quantity

    def make_again(self, quantity: int) -> None:
        """What was sold is cooked once more. What it needs leaves the shelf, whatever the books thought was there."""
        found = min(self.left, quantity) if self.counted else 0
        self.left -= found
        self.restocked += quantity - found
        self.waste += quantity

    def _leave(self, quantity: int) -> None:
        if self.counted:
            self.left -= quantity
        else:
            self.restocked += quantity


class StockBooks(msgspec.Struct, kw_only=True):
    """The stock of every key of a store.

    Args:
        changes: grows whenever something shown of stock changes.
        back_at: when the first key that is out for a while is back (ms; 0: none).
        refill_at: when the next refill is due (ms; 0: nothing is refilled).
    """

    books: dict[str, DishStock] = {}
    changes: int = 0
    back_at: int = 0
    refill_at: int = 0

    def of(self, key: str) -> DishStock:
        """The books of a key; empty ones for a key that nobody has counted or taken yet. Not to be changed."""
        return self.books.get(key) or DishStock()

    def short(self, wanted: Taken, at: int) -> dict[str, int]:
        """Of what cannot be given now, how many are left (0: out or sold out). Empty: ``take`` may follow."""
        missing = {}
        for key, quantity in wanted.items():
            can_give = self.of(key).can_give(at)
            if can_give is not None and can_give < quantity:
                missing[key] = max(0, can_give)
        return missing

    def came_back(self, at: int) -> int:
        """How many keys are back by the clock, and not yet by their event."""
        if not 0 < self.back_at <= at:
            return 0
        return sum(1 for stock in self.books.values() if stock.out and not stock.is_out(at))

    # --- used by evolve only ---------------------------------------------------------------------------

    def opened(self, key: str) -> DishStock:
        """The books of a key, begun if there were none."""
        return self.books.setdefault(key, DishStock())

    def take(self, taken: Taken) -> None:
        """Held for an order, a round, or a sale."""
        for key, quantity in taken.items():
            self.opened(key).hold(quantity)
        self.changes += 1

    def give_back(self, taken: Taken) -> None:
        """Held is left again."""
        for key, quantity in taken.items():
            self.books[key].give_back(quantity)
        self.changes += 1

    def sell(self, taken: Taken) -> None:
        """Held is sold. What is left, and so what is shown, stays."""
        for key, quantity in taken.items():
            self.books[key].sell(quantity)

    def take_back(self, taken: Taken) -> None:
        """Sold is left again."""
        for key, quantity in taken.items():
            self.books[key].take_back(quantity)
        self.changes += 1

    def waste(self, taken: Taken) -> None:
        """Sold is waste. What is left stays."""
        for key, quantity in taken.items():
            self.books[key].throw_away(quantity)

    def make_again(self, taken: Taken) -> None:
        """What was sold was spoilt, and is made once more."""
        for key, quantity in taken.items():
            self.opened(key).make_again(quantity)
        self.changes += 1

    def refill(self, at: int, next_at: int) -> None:
        """A business day begins."""
        for stock in self.books.values():
            if stock.refill:
                stock.fill(at)
        self.refill_at = next_at
        self.changes += len(self.books) + 1
        self.next_back()

    def shown(self) -> None:
        """Somebody set a key. Two changes on: ``came_back`` counts a key that is back by the clock, but not yet by
        its event, as one, and this may be that key.
        """
        self.changes += 2
        self.next_back()

    def next_back(self) -> None:
        """The deadline follows the books."""
        back = [stock.until for stock in self.books.values() if stock.out and stock.until]
        self.back_at = min(back, default=0)
