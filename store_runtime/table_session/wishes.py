"""「剩 2，8 号桌正在点」: what the cart wants of what is scarce goes to the store; who else wants it comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.store.floor.commands import NoteWish
from store_runtime.table_session.cart import CartLine
from store_runtime.table_session.commands import NoteOthers
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import OthersNoted, WishesChanged
from store_runtime.table_session.state import Session


def wishes_of(lines: Iterable[CartLine]) -> dict[str, int]:
    """Stock key → how many the cart wants, of those of which little is left."""
    wishes: dict[str, int] = {}
    for line in lines:
        for key, (_, left) in line.stock.items():
            if left is not None:
                wishes[key] = wishes.get(key, 0) + line.quantity
    return wishes


def wishes_changed(session: Session, lines: Iterable[CartLine]) -> Iterator[WishesChanged]:
    """``yield from`` it at the end of a decision after which the cart has these lines."""
    wishes = wishes_of(lines)
    if wishes != session.wishes:
        yield WishesChanged(wishes=wishes)


class WishDesk(Desk):
    """Says what the cart wants, and hears who else does."""

    @decides(NoteOthers)
    def note_others(self, session: Session, cmd: NoteOthers, turn: Turn) -> Decision[None]:
        """Newer than what was heard before, and of what the cart still wants."""
        if cmd.change <= session.others_change or session.closed:
            return
        others = {key: tables for key, tables in cmd.others.items() if key in session.wishes}
        if any(session.others.get(key, {}) != tables for key, tables in others.items()):
            yield OthersNoted(change=cmd.change, others=others)

    @reacts(WishesChanged)
    def tell_wishes(self, session: Session, e: WishesChanged, turn: Turn) -> Iterator[Send]:
        """The store tells the others."""
        wish = NoteWish(session_id=self.id, label=session.label, seq=session.wishes_told, wishes=e.wishes)
        yield Send(to=f"store/{session.store_id}", command=wish, step="wish")

    @evolves(WishesChanged)
    def on_wishes_changed(self, session: Session, e: WishesChanged, at: int) -> None:
        session.wishes = e.wishes
        session.wishes_told += 1
        session.others = {key: tables for key, tables in session.others.items() if key in e.wishes}

    @evolves(OthersNoted)
    def on_others_noted(self, session: Session, e: OthersNoted, at: int) -> None:
        session.others_change = e.change
        session.others.update(e.others)
        session.live.add("others_noted", at, others=session.others)
