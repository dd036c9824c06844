"""清台 (T11): the party has gone; all phones can read their bill, and change nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.table_session.commands import ClearSession
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import SessionCleared
from store_runtime.table_session.rejections import InvalidField
from store_runtime.table_session.state import STAFF, Session


class ClearingDesk(Desk):
    """Ends the visit."""

    @decides(ClearSession)
    def clear(self, session: Session, cmd: ClearSession, turn: Turn) -> Decision[None]:
        """Refused while a round is under way, or unpaid without a reason; clearing again changes nothing."""
        self.must_exist(session)
        InvalidField.check(cmd)
        if session.closed:
            return
        self.must_stand_still(session)
        yield SessionCleared(by=cmd.by, reason=cmd.reason)

    @reacts(SessionCleared)
    def tell_cleared(self, session: Session, e: SessionCleared, turn: Turn) -> Iterator[Send]:
        """The table is free, or will be when it is clean."""
        yield self.note_to_table(session, "cleared")

    @evolves(SessionCleared)
    def on_cleared(self, session: Session, e: SessionCleared, at: int) -> None:
        session.cleared_at, session.cleared_by = at, STAFF + e.by.account
        session.live.add("session_cleared", at, by=session.cleared_by)
