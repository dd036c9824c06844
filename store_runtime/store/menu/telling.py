"""Open carts hear of what runs short (D4): the store tells every party that sits in it, those who want it show it.

What is told: whatever staff set, whatever is back, and of what orders take the last SCARCE pieces. A cart holds no
stock, so this is news and no promise; who submits first gets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.entity import evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.store.books import Desk
from store_runtime.store.events import DishReturned, FlashSaleCreated
from store_runtime.store.kitchen.events import KitchenMoved
from store_runtime.store.menu.commands import NoteStock
from store_runtime.store.menu.events import DishBack, StockRefilled, StockSet
from store_runtime.store.orders.events import (
    BatchPlaced,
    BatchRejected,
    BatchReleased,
    BatchRetaken,
    HeldLineCancelled,
    HoldLapsed,
)
from store_runtime.store.state import StoreBooks
from store_runtime.store.stock import Taken

SCARCE = 5
"""So few are worth a word. More: the cart shows nothing."""


class TellingDesk(Desk):
    """Tells sessions; changes nothing."""

    @reacts(StockSet)
    def tell_of_set(self, store: StoreBooks, e: StockSet, turn: Turn) -> Iterator[Send]:
        """估清, or counted anew."""
        yield from self._tell(store, e.keys, turn, "set")

    @reacts(DishBack)
    def tell_of_back(self, store: StoreBooks, e: DishBack, turn: Turn) -> Iterator[Send]:
        """Its moment has come."""
        yield from self._tell(store, (e.dish_id,), turn, f"back.{e.dish_id}")

    @reacts(StockRefilled)
    def tell_of_refill(self, store: StoreBooks, e: StockRefilled, turn: Turn) -> Iterator[Send]:
        """A business day begins."""
        refilled = [key for key, stock in store.stock.books.items() if stock.refill]
        yield from self._tell(store, refilled, turn, "refill")

    @reacts(BatchPlaced)
    def tell_of_taken(self, store: StoreBooks, e: BatchPlaced, turn: Turn) -> Iterator[Send]:
        """An order took some of the last ones."""
        taken = {key for takes in e.takes for key, _ in takes}
        scarce = self._scarce(store, dict.fromkeys(taken, 0))
        yield from self._tell(store, scarce, turn, f"taken.{e.order}.{e.batch}")

    @reacts(BatchReleased)
    @reacts(BatchRejected)
    @reacts(HoldLapsed)
    def tell_of_given_back(
        self, store: StoreBooks, e: BatchReleased | BatchRejected | HoldLapsed, turn: Turn
    ) -> Iterator[Send]:
        """What an order did not need after all is there again."""
        batch = store.orders.batch(e.order, e.batch)
        if batch is not None:
            back = self._scarce(store, store.orders.takes(batch))
            yield from self._tell(store, back, turn, f"given-back.{e.order}.{e.batch}")

    @reacts(BatchRetaken)
    def tell_of_retaken(self, store: StoreBooks, e: BatchRetaken, turn: Turn) -> Iterator[Send]:
        """An order that had let them go has them again."""
        batch = store.orders.batch(e.order, e.batch)
        assert batch is not None, "it was fired"
        taken = self._scarce(store, dict.fromkeys(store.orders.takes(batch), 0))
        yield from self._tell(store, taken, turn, f"retaken.{e.order}.{e.batch}")

    @reacts(HeldLineCancelled)
    def tell_of_line_off(self, store: StoreBooks, e: HeldLineCancelled, turn: Turn) -> Iterator[Send]:
        """Some of an order is off before it was fired."""
        takes = store.orders.lines[e.line_id].takes
        back = self._scarce(store, {key: count * e.quantity for key, count in takes})
        yield from self._tell(store, back, turn, f"off.{e.line_id}")

    @reacts(KitchenMoved)
    def tell_of_kitchen(self, store: StoreBooks, e: KitchenMoved, turn: Turn) -> Iterator[Send]:
        """Cancelled before anybody cooked it, or spoilt and made once more."""
        moved = self._scarce(store, dict.fromkeys(e.again, 0) | dict(e.back))
        yield from self._tell(store, moved, turn, f"kitchen.{e.no}")

    @reacts(FlashSaleCreated)
    def tell_of_carved(self, store: StoreBooks, e: FlashSaleCreated, turn: Turn) -> Iterator[Send]:
        """A sale took some of the dish (F10)."""
        carved = self._scarce(store, {e.opening.dish_id: 0})
        yield from self._tell(store, carved, turn, f"carved.{e.flash_sale_id}")

    @reacts(DishReturned)
    def tell_of_returned(self, store: StoreBooks, e: DishReturned, turn: Turn) -> Iterator[Send]:
        """A sale gave some back."""
        returned = self._scarce(store, {e.dish_id: e.quantity})
        yield from self._tell(store, returned, turn, f"returned.{e.flash_sale_id}")

    def _scarce(self, store: StoreBooks, keys: Taken) -> list[str]:
        """Those of which little is left, or was before so many came back."""
        counted = ((key, back, store.stock.of(key)) for key, back in sorted(keys.items()))
        return [key for key, back, stock in counted if stock.counted and stock.left - back <= SCARCE]

    def _tell(self, store: StoreBooks, keys: Iterable[str], turn: Turn, step: str) -> Iterator[Send]:
        left = {key: _told(store.stock.of(key).can_give(turn.at)) for key in keys}
        if not left:
            return
        note = NoteStock(change=store.stock.changes, left=left)
        for table in store.floor.tables.values():
            for sitting in table.note.sessions if table.note is not None else ():
                yield Send(
                    to=f"table-session/{sitting.session_id}",
                    command=note,
                    step=f"stock.{step}.{sitting.session_id}",
                )

    @evolves(StockSet)
    def on_stock_set(self, store: StoreBooks, e: StockSet, at: int) -> None:
        """The events beside it have changed the books; this one names the keys of one command together."""


def _told(can_give: int | None) -> int | None:
    return None if can_give is None or can_give > SCARCE else can_give
