"""The books of one dish (D4): sold + held + left + waste = initial + restocked.

A dish that is not counted (``in``) has nothing left on the books: whatever is taken of it is restocked at
that moment, and what comes back is taken off again. Being out hides a dish; what is left of it stays on
the books.
"""

from __future__ import annotations

import msgspec


class DishStock(msgspec.Struct, kw_only=True):
    """``until`` (ms): out no longer than that; 0: until set again."""

    counted: bool = False
    out: bool = False
    until: int = 0
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
        if self.counted:
            self.left -= quantity
        else:
            self.restocked += quantity
        self.held += quantity

    def give_back(self, quantity: int) -> None:
        """What was held is left again."""
        if self.counted:
            self.left += quantity
        else:
            self.restocked -= quantity
        self.held -= quantity

    def sell(self, quantity: int) -> None:
        """What was held is sold."""
        self.held -= quantity
        self.sold += quantity
