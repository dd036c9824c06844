"""A reservation's pre-order becomes a round of the session that its guests sit at (T14).

Its lines come into the cart and leave it as a round in one turn. The store takes the round in the turn in which it
lets go of the hold, so that nobody comes between; a round that it refuses all the same is back in the cart, with what
stands against each line.
"""

from __future__ import annotations

from actors.entity import Decision, decides
from actors.turn import Turn
from store_runtime.reservations.commands import SeatReservation
from store_runtime.store.orders.commands import ANY_PRICE, PlaceLines, WantedLine
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import LineAdded, RoundSubmitted, TakenLine
from store_runtime.table_session.projections import RoundAnswer, line_id
from store_runtime.table_session.state import STAFF, Session


class PreorderDesk(Desk):
    """Seats reservations."""

    @decides(SeatReservation)
    def seat_reservation(
        self, session: Session, cmd: SeatReservation, turn: Turn
    ) -> Decision[RoundAnswer | None]:
        """They sit here, and what they ordered before is on its way to the store."""
        self.must_be_open(session)
        if not cmd.lines:
            return None
        author = STAFF + cmd.by.account
        first = session.cart.next_line
        round_no = max(session.rounds, default=0) + 1
        place = self._place(session, cmd, round_no, first, turn.at)
        for number, line in enumerate(cmd.lines):
            yield LineAdded(
                op_id=f"preorder.{number}.{cmd.reservation_id[-17:]}",
                by=author,
                line=first + number,
                selection=line.selection,
                quantity=line.quantity,
                quote=line.quote,
                note=line.note,
            )
        seq = session.live.seq + len(cmd.lines)
        taken = tuple(
            TakenLine(line=first + number, ordered=first + number, counts={author: line.quantity})
            for number, line in enumerate(cmd.lines)
        )
        yield RoundSubmitted(round_no=round_no, by=author, seen_seq=seq, taken=taken, place=place)
        return RoundAnswer(round_no=round_no, seq=seq + 1, place=place, store_id=session.store_id)

    def _place(
        self, session: Session, cmd: SeatReservation, round_no: int, first: int, at: int
    ) -> PlaceLines:
        terms = session.terms
        pay_first = terms.pay_mode == "pay_first"
        return PlaceLines(
            order=f"table-session/{self.id}",
            batch=round_no,
            label=session.label,
            channel="dine_in",
            menu_version=max(line.quote.menu_version for line in cmd.lines),
            lines=tuple(
                WantedLine(
                    line_id=line_id(self.id, first + number),
                    selection=line.selection,
                    quantity=line.quantity,
                    # A pre-order costs what the menu says on the day: no price was promised.
                    quoted_fen=ANY_PRICE,
                    note=line.note,
                    allergy=bool(session.clashing(line.quote.allergens)),
                )
                for number, line in enumerate(cmd.lines)
            ),
            fire=not pay_first,
            hold_until=at + (terms.order_hold_s + terms.grace_s) * 1_000 if pay_first else 0,
            instead_of=cmd.instead_of,
        )
