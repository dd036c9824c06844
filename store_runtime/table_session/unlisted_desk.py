"""临时菜 (D8): staff order a dish that is on no menu, at the price they name.

It is a round of one line that goes to the store as every round does, and was never in the cart: when the store does
not take it, it is gone. Who named the price is in the store's log (A1).
"""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from pricing.selection import Selection
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.store.orders.commands import PlaceUnlisted
from store_runtime.table_session.commands import AddUnlisted, Quote, RoundRefused
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import UnlistedSubmitted
from store_runtime.table_session.projections import UnlistedAnswer, line_id, round_view, shown
from store_runtime.table_session.rejections import BillLocked, InvalidField
from store_runtime.table_session.state import STAFF, OrderedLine, Round, Session

NO_DISH = Selection(dish_id="-")
"""Of a line that is on no menu: nobody reads it."""


class UnlistedDesk(Audited, Desk):
    """Takes what is on no menu to the store."""

    @decides(AddUnlisted)
    def add_unlisted(self, session: Session, cmd: AddUnlisted, turn: Turn) -> Decision[UnlistedAnswer]:
        """On its way to the store; where rounds are paid first it is held like any other (T6)."""
        self.must_be_open(session)
        InvalidField.check(cmd)
        if session.locked:
            raise BillLocked()
        round_no = max(session.rounds, default=0) + 1
        number = session.cart.next_line
        place = self._unlisted(session, cmd, round_no, line_id(self.id, number), turn.at)
        yield UnlistedSubmitted(round_no=round_no, by=cmd.by, line=number, place=place)
        yield from act_done(
            session.store_id,
            turn,
            cmd.by,
            "line.unlisted",
            f"table-session/{self.id}/lines/{place.line_id}",
            after={"name": cmd.name, "unit_price_fen": cmd.unit_price_fen, "quantity": cmd.quantity},
            amount_fen=cmd.unit_price_fen * cmd.quantity,
        )
        return UnlistedAnswer(
            round_no=round_no, seq=session.live.seq + 1, place=place, store_id=session.store_id
        )

    def _unlisted(
        self, session: Session, cmd: AddUnlisted, round_no: int, line_id: str, at: int
    ) -> PlaceUnlisted:
        terms = session.terms
        pay_first = terms.pay_mode == "pay_first"
        return PlaceUnlisted(
            order=f"table-session/{self.id}",
            batch=round_no,
            label=session.label,
            channel="dine_in",
            line_id=line_id,
            name=cmd.name,
            unit_price_fen=cmd.unit_price_fen,
            quantity=cmd.quantity,
            station=cmd.station,
            fire=not pay_first,
            hold_until=at + (terms.order_hold_s + terms.grace_s) * 1_000 if pay_first else 0,
        )

    @reacts(UnlistedSubmitted)
    def place_unlisted(self, session: Session, e: UnlistedSubmitted, turn: Turn) -> Iterator[Send]:
        """The store takes it, or says no for good."""
        yield Send(
            to=f"store/{session.store_id}",
            command=e.place,
            step="place",
            if_rejected=RoundRefused(round_no=e.round_no),
        )

    @evolves(UnlistedSubmitted)
    def on_unlisted_submitted(self, session: Session, e: UnlistedSubmitted, at: int) -> None:
        author, place = STAFF + e.by.account, e.place
        session.cart.next_line = max(session.cart.next_line, e.line + 1)
        session.ordered[place.line_id] = OrderedLine(
            round_no=e.round_no,
            selection=NO_DISH,
            quote=Quote(name=place.name, unit_price_fen=place.unit_price_fen, menu_version=0),
            counts={author: place.quantity},
            quantity=place.quantity,
            added_by=author,
            added_at=at,
            unlisted=True,
        )
        session.rounds[e.round_no] = Round(
            state="placing", by=author, at=at, lines=(place.line_id,), hold_until=place.hold_until
        )
        view = shown(round_view(session, e.round_no, session.rounds[e.round_no]))
        session.live.add("round_submitted", at, round=view, gone=[], changed=[])
