"""What must always hold of a store: its stock (D4, F10), its kitchen (§ 0, O3), its orders (O2, T13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from store_runtime.store.kitchen.state import StationWork
from store_runtime.store.orders.state import BatchState
from store_runtime.store.state import StoreBooks


def violations(store: StoreBooks) -> list[str]:
    """What the books contradict; empty when all holds."""
    return [*_books(store), *_sales(store), *_kitchen(store), *_batches(store)]


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
    for key in store.orders.open:
        held += store.orders.takes(store.orders.batches[key])
    for key in {*held, *store.stock.books}:
        books = store.stock.of(key).held
        if books != held[key]:
            yield f"F10: {key}: {books} held, sales and orders have {held[key]} out"


def _kitchen(store: StoreBooks) -> Iterator[str]:
    """Each line of an order that was fired is in the kitchen once, whole, and nowhere else (§ 0)."""
    cooked: Counter[str] = Counter()
    for line_id, line in store.kitchen.lines.items():
        cooked[line.cooking.line_id] += line.quantity
        if line.quantity <= 0:
            yield f"O3: {line_id} is of {line.quantity}"
        if (line_id in store.kitchen.active) == line.closed:
            yield f"P4: {line_id} is {line.state}, and the screens think otherwise"
    yield from _work(store)
    for line_id, ordered in store.orders.lines.items():
        parts = {store.kitchen.lines[one].cooking.line_id: one for one in ordered.cooked_as}
        for part, one in parts.items():
            wanted = (ordered.quantity - ordered.cancelled_held) * store.kitchen.lines[one].cooking.of_one
            if cooked[part] != wanted:
                yield f"O3: {part}: {cooked[part]} in the kitchen, {wanted} were ordered"
        if not 0 <= ordered.cancelled <= ordered.quantity:
            yield f"O3: {line_id}: {ordered.cancelled} cancelled of {ordered.quantity}"


def _work(store: StoreBooks) -> Iterator[str]:
    """What a station has to do is what waits there, counted again (O7)."""
    waiting: Counter[str] = Counter()
    cooking: dict[str, set[str]] = {}
    for line_id, line in store.kitchen.lines.items():
        if line.state == "queued":
            waiting[line.station] += line.cooking.make_minutes * line.quantity
        elif line.state == "cooking":
            cooking.setdefault(line.station, set()).add(line_id)
    for station in {*waiting, *cooking, *store.kitchen.work}:
        work = store.kitchen.work.get(station, StationWork())
        if (work.queued_minutes, set(work.cooking)) != (waiting[station], cooking.get(station, set())):
            yield f"O7: {station}: the books have {work}, {waiting[station]} minutes wait"


def _batches(store: StoreBooks) -> Iterator[str]:
    """A batch is in the kitchen if it was fired, and only then; a number is given once a day (T13)."""
    numbers: Counter[tuple[str, str]] = Counter()
    for key, batch in store.orders.batches.items():
        fired = any(store.orders.lines[line.line_id].cooked_as for line in batch.lines)
        whole = any(not store.orders.lines[line.line_id].cancelled_held for line in batch.lines)
        if fired and batch.state is not BatchState.FIRED:
            yield f"O2: {key} is {batch.state.value} and in the kitchen"
        if batch.state is BatchState.FIRED and whole and not fired:
            yield f"O2: {key} was fired and is not in the kitchen"
        if batch.number:
            numbers[(batch.number_day, batch.number)] += 1
        if batch.state.holds != (key in store.orders.open):
            yield f"D4: {key} is {batch.state.value}, and the books think otherwise"
    for (day, number), times in numbers.items():
        if times > 1:
            yield f"T13: {number} was given {times} times on {day}"
