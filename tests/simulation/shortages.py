"""An evening on which things run out, under faults: what open carts show of stock is what the store has (D4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from store_runtime.store.menu.commands import SetDishStock
from store_runtime.store.menu.telling import SCARCE
from tests.simulation.tables import DISHES, STORE, Tables

EPOCH_MS = 1_800_000_000_000


class Shortages(Tables):
    """Guests stay where they are: between two tables the store knows a party at none, and it may miss a word."""

    def _act(self) -> None:
        if not self.seats:
            return
        session_id, user = self.rng.choice(self.seats)
        chance = self.rng.random()
        if chance < 0.45:
            self._add(session_id, user)
        elif chance < 0.55:
            self._look_and_submit(session_id, user)
        else:
            self._set_stock()

    def _set_stock(self) -> None:
        """A cook says one thing, and thinks again at once."""
        dish_id = self.rng.choice(list(DISHES))
        for _ in range(self.rng.randint(1, 3)):
            state: Any = self.rng.choice(("in", "out", "qty", "qty"))
            left = self.rng.randint(0, 8) if state == "qty" else None
            self.clients.send(STORE, SetDishStock(dish_id=dish_id, state=state, left=left), self.new_id())

    def verdict(self) -> Sequence[str]:
        return [*super().verdict(), *self._news()]

    def _news(self) -> Iterator[str]:
        """When all messages have arrived, a line that was told of a key shows what the store has of it."""
        store = self.world.shadow.get(STORE)
        if store is None:
            return
        now = EPOCH_MS + int(self.world.now * 1_000)
        for session_id, state in self._states().items():
            for number, line in state.cart.lines.items():
                for key, (_, told) in line.stock.items():
                    left = store.state.stock.of(key).can_give(now)
                    if told != (None if left is None or left > SCARCE else left):
                        yield f"D4: {session_id}.l{number} shows {told} of {key} left, the store has {left}"
