"""What the store says of stock, on the lines of the cart that want it (D4): 剩 2, or 估清."""

from __future__ import annotations

from actors.entity import Decision, decides, evolves
from actors.turn import Turn
from store_runtime.store.menu.commands import NoteStock
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import CartStockNoted
from store_runtime.table_session.projections import cart_line_view, shown
from store_runtime.table_session.state import Session
from store_runtime.table_session.wishes import wishes_changed


class StockDesk(Desk):
    """Keeps the store's last word, of keys that no line needs too: an older word may still be on its way."""

    @decides(NoteStock)
    def note_stock(self, session: Session, cmd: NoteStock, turn: Turn) -> Decision[None]:
        """What is newer than what was heard; a session that has ended wants nothing."""
        if not session.exists or session.closed or session.moved_to:
            return
        if news := session.cart.news(cmd.change, cmd.left):
            yield CartStockNoted(change=cmd.change, left=news)
            heard = session.cart.draft()
            heard.heard = dict(heard.heard)
            heard.hear(cmd.change, news)
            yield from wishes_changed(session, heard.lines.values())

    @evolves(CartStockNoted)
    def on_stock_noted(self, session: Session, e: CartStockNoted, at: int) -> None:
        changed = session.cart.hear(e.change, e.left)
        if changed:
            views = [shown(cart_line_view(self.id, number, session.cart.lines[number])) for number in changed]
            session.live.add("stock_noted", at, changed=views)
