"""「剩 2，8 号桌正在点」: who else has the last ones in their cart, told to all who want them.

A cart holds no stock, so this is news and no claim: who submits first gets it. Only dishes of which little is left
are spoken of, so a quiet evening costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.store.books import Desk
from store_runtime.store.floor.commands import NoteWish
from store_runtime.store.floor.events import WishNoted
from store_runtime.store.floor.state import Wish
from store_runtime.store.state import StoreBooks
from store_runtime.table_session.commands import NoteOthers

WISHERS_MAX = 500


class WishDesk(Desk):
    """Passes on who wants what is scarce."""

    @decides(NoteWish)
    def note_wish(self, store: StoreBooks, cmd: NoteWish, turn: Turn) -> Decision[None]:
        """What is newer than what the party said before; beyond the bound nobody is told of one more."""
        known = store.floor.wishes.get(cmd.session_id)
        if known is not None and known.seq >= cmd.seq:
            return
        if known is None and (not cmd.wishes or len(store.floor.wishes) >= WISHERS_MAX):
            return
        keys = tuple(sorted({*cmd.wishes, *(known.wishes if known is not None else ())}))
        yield WishNoted(session_id=cmd.session_id, label=cmd.label, seq=cmd.seq, wishes=cmd.wishes, keys=keys)

    @reacts(WishNoted)
    def tell_others(self, store: StoreBooks, e: WishNoted, turn: Turn) -> Iterator[Send]:
        """Everybody who wants one of them knows who else does."""
        floor = store.floor
        for session_id, wish in floor.wishes.items():
            others = {
                key: {
                    other.label: other.wishes[key]
                    for other_id, other in floor.wishes.items()
                    if other_id != session_id and key in other.wishes
                }
                for key in e.keys
                if key in wish.wishes
            }
            if others:
                note = NoteOthers(change=floor.wish_changes, others=others)
                yield Send(to=f"table-session/{session_id}", command=note, step=f"others.{session_id}")

    @evolves(WishNoted)
    def on_wish_noted(self, store: StoreBooks, e: WishNoted, at: int) -> None:
        floor = store.floor
        floor.wish_changes += 1
        floor.wishes[e.session_id] = Wish(label=e.label, seq=e.seq, wishes=e.wishes)
        if not e.wishes:
            del floor.wishes[e.session_id]
