"""What orders do to the books of stock, and what every screen hears of it (D4). Used by evolve."""

from __future__ import annotations

from collections.abc import Iterable

from store_runtime.store.state import StoreBooks
from store_runtime.store.stock import Taken


def can_give(store: StoreBooks, keys: Iterable[str], at: int) -> dict[str, int | None]:
    """How many of each key can be taken now; None: not counted."""
    return {key: store.stock.of(key).can_give(at) for key in keys}


def hold(store: StoreBooks, taken: Taken, at: int) -> None:
    """Kept for an order."""
    store.stock.take(taken)
    _say_left(store, taken, at)


def give_back(store: StoreBooks, taken: Taken, at: int) -> None:
    """What was held is left again."""
    store.stock.give_back(taken)
    _say_left(store, taken, at)


def take_back(store: StoreBooks, taken: Taken, at: int) -> None:
    """What was sold, and nobody began to cook, is left again."""
    store.stock.take_back(taken)
    _say_left(store, taken, at)


def make_again(store: StoreBooks, taken: Taken, at: int) -> None:
    """What was made is thrown away, and another one is made for it."""
    store.stock.make_again(taken)
    _say_left(store, taken, at)


def _say_left(store: StoreBooks, taken: Taken, at: int) -> None:
    books = store.stock.books
    left = {key: books[key].left for key in taken if books[key].counted}
    if left:
        store.live.add("stock_left", at, left=left)
