"""TableSession: one party's visit; its desks side by side, its questions, and when it is woken."""

from __future__ import annotations

from actors.entity import Decision, answers, decides, wakes
from actors.turn import Turn
from actors.words import Wake
from store_runtime.live import Delta, GetDelta
from store_runtime.table_session.bill_staff_desk import BillStaffDesk
from store_runtime.table_session.billing import what_is_due
from store_runtime.table_session.calls import CallsDesk
from store_runtime.table_session.cart_desk import CartDesk
from store_runtime.table_session.clearing import ClearingDesk
from store_runtime.table_session.commands import GetSession, WhereIsSession
from store_runtime.table_session.guests import GuestsDesk
from store_runtime.table_session.moving.combining import CombineDesk
from store_runtime.table_session.moving.merging import MergeDesk
from store_runtime.table_session.moving.transfer import TransferDesk
from store_runtime.table_session.preorder import PreorderDesk
from store_runtime.table_session.projections import SessionPlace, SessionView, session_view
from store_runtime.table_session.rounds import RoundsDesk
from store_runtime.table_session.state import Session
from store_runtime.table_session.stock_desk import StockDesk
from store_runtime.table_session.unlisted_desk import UnlistedDesk
from store_runtime.table_session.wishes import WishDesk


class TableSession(
    GuestsDesk,
    CartDesk,
    StockDesk,
    WishDesk,
    RoundsDesk,
    UnlistedDesk,
    PreorderDesk,
    BillStaffDesk,
    CallsDesk,
    ClearingDesk,
    TransferDesk,
    MergeDesk,
    CombineDesk,
):
    """One visit of one party."""

    kind = "table-session"

    def blank(self) -> Session:
        return Session()

    @decides(Wake)
    def wake(self, session: Session, cmd: Wake, turn: Turn) -> Decision[None]:
        """What is due: calls that nobody has answered, payments and rounds that ran out."""
        yield from self.overdue(session, turn.at)
        yield from what_is_due(session, self.id, turn.at)

    @wakes
    def next_deadline(self, session: Session) -> int | None:
        """The earliest of them."""
        moments = [self.next_escalation(session), session.bill.next_deadline]
        moments += [one.hold_until for one in session.rounds.values() if one.state == "held"]
        return min((moment for moment in moments if moment), default=None)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetSession)
    def show(self, session: Session, query: GetSession, at: int) -> SessionView:
        """The whole view, as who asks may see it."""
        self.must_exist(session)
        you = self.guest_of(session, query.user_id) if query.user_id else ""
        return session_view(self.id, session, at, you)

    @answers(GetDelta)
    def delta(self, session: Session, query: GetDelta, at: int) -> Delta:
        """What happened since; ``who`` is a guest's user id, or empty for staff."""
        self.must_exist(session)
        if query.who:
            self.guest_of(session, query.who)
        return session.live.since(query.since)

    @answers(WhereIsSession)
    def where(self, session: Session, query: WhereIsSession, at: int) -> SessionPlace:
        """Store and table."""
        self.must_exist(session)
        return SessionPlace(store_id=session.store_id, table_id=session.table_id, closed=session.closed)
