"""What must always hold of a store's stock (D4, F10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from store_runtime.store.state import StoreBooks


def violations(store: StoreBooks) -> list[str]:
    """What the books contradict; empty when all holds."""
    return [*_books(store), *_sales(store)]


def _books(store: StoreBooks) -> Iterator[str]:
    for dish_id, stock in store.stock.books.items():
        went = stock.sold + stock.held + stock.left + stock.waste
        came = stock.initial + stock.restocked
        if went != came:
            yield f"D4: {dish_id}: sold + held + left + waste = {went}, initial + restocked = {came}"
        for name in ("left", "held", "sold", "waste"):
            if getattr(stock, name) < 0:
                yield f"D4: {dish_id}: {name} is {getattr(stock, name)}"
        if not stock.counted and stock.left:
            yield f"D4: {dish_id} is not counted and has {stock.left} left"


def _sales(store: StoreBooks) -> Iterator[str]:
    held: Counter[str] = Counter()
    for flash_sale_id, sale in store.sales.items():
        held[sale.opening.dish_id] += sale.out
        if sale.out < 0 or sale.sold < 0 or sale.returned < 0:
            sums = f"{sale.sold} sold and {sale.returned} returned of {sale.opening.stock}"
            yield f"F10: {flash_sale_id}: {sums}"
    for dish_id, quantity in held.items():
        if store.stock.of(dish_id).held != quantity:
            books = store.stock.of(dish_id).held
            yield f"F10: {dish_id}: {books} held, the flash sales have {quantity} out"
