"""What the store says of stock, on the lines of the cart that want it (D4): 剩 2, or 估清."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from actors.entity import Decision, decides, evolves
from actors.turn import Turn
from pricing.selection import Selection
from store_runtime.store.menu.commands import NoteStock
from store_runtime.store.stock import option_key
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import CartStockNoted
from store_runtime.table_session.projections import cart_line_view, shown
from store_runtime.table_session.state import Session


class StockDesk(Desk):
    """Keeps with each line what is left of what it needs."""

    @decides(NoteStock)
    def note_stock(self, session: Session, cmd: NoteStock, turn: Turn) -> Decision[None]:
        """Only what a line wants and has not heard; a session that has ended wants nothing."""
        if session.closed or session.moved_to:
            return
        news: dict[int, dict[str, int | None]] = {}
        for number, line in session.cart.lines.items():
            told = {
                key: cmd.left[key]
                for key in keys_of(line.selection)
                if key in cmd.left and line.stock.get(key, (-1, None))[0] < cmd.change
            }
            if any(left is not None or key in line.stock for key, left in told.items()):
                news[number] = told
        if news:
            yield CartStockNoted(change=cmd.change, lines=news)

    @evolves(CartStockNoted)
    def on_stock_noted(self, session: Session, e: CartStockNoted, at: int) -> None:
        changed = []
        for number, told in e.lines.items():
            line = session.cart.lines[number]
            stock = {**line.stock, **{key: (e.change, left) for key, left in told.items()}}
            line = session.cart.lines[number] = msgspec.structs.replace(line, stock=stock)
            changed.append(shown(cart_line_view(self.id, number, line)))
        session.live.add("stock_noted", at, changed=changed)


def keys_of(selection: Selection) -> Iterator[str]:
    """The stock keys of what was chosen, each once or more.

    >>> list(keys_of(Selection(dish_id="noodles", options=("egg",))))
    ['noodles', 'noodles#egg']
    """
    for dish_id, options in (
        (selection.dish_id, selection.options),
        *((choice.dish_id, choice.options) for choice in selection.choices),
    ):
        yield dish_id
        for option_id in options:
            yield option_key(dish_id, option_id)
