"""What screens of a store follow: orders, kitchen and stock, gap-free (X1)."""

from __future__ import annotations

from actors.entity import answers
from store_runtime.live import Delta, GetDelta
from store_runtime.store.books import Desk
from store_runtime.store.state import StoreBooks


class LiveDesk(Desk):
    """Answers what a screen has missed."""

    @answers(GetDelta)
    def show_delta(self, store: StoreBooks, query: GetDelta, at: int) -> Delta:
        """What happened after ``since``."""
        self.must_exist(store)
        return store.live.since(query.since)
