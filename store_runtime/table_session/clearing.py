"""清台 (T11): the party has gone; all phones can read their bill, and change nothing any more."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.audit_log.acts import act_done
from store_runtime.bill import lines, paying
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.rejections import LineUnconfirmed
from store_runtime.table_session.billing import give_up_held
from store_runtime.table_session.commands import ClearSession
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import RoundReleased, SessionCleared
from store_runtime.table_session.rejections import BillUnsettled, InvalidField
from store_runtime.table_session.state import STAFF, Session
from store_runtime.table_session.wishes import wishes_changed


class ClearingDesk(Desk):
    """Ends the visit."""

    @decides(ClearSession)
    def clear(self, session: Session, cmd: ClearSession, turn: Turn) -> Decision[None]:
        """Refused while a round is under way, or unpaid without a reason.

        Clearing again changes nothing, unless the bill was opened since: then it is closed by the same rules (O5).
        """
        self.must_exist(session)
        InvalidField.check(cmd)
        if session.closed:
            if session.bill.reopened_until or session.bill.due_fen(turn.at) > 0:
                yield from self._settled(session, cmd, turn)
            return
        self.must_stand_still(session)
        yield from self._settled(session, cmd, turn)
        yield from wishes_changed(session, ())
        yield SessionCleared(by=cmd.by, reason=cmd.reason)

    def _settled(self, session: Session, cmd: ClearSession, turn: Turn) -> Iterator[Event]:
        """What nobody pays is written off, with a reason; rounds that wait to be paid are given up."""
        ledger = Ledger(session.bill, self.id, turn.at)
        given_up = give_up_held(session, ledger)
        due_fen, unconfirmed = max(0, ledger.due_fen), ledger.bill.unconfirmed
        gives_up = bool(due_fen or unconfirmed)
        if gives_up:
            may_fen = cmd.may_write_off_fen
            if not cmd.reason and not due_fen:
                raise LineUnconfirmed(line_ids=unconfirmed)
            if not cmd.reason:
                raise BillUnsettled(due_fen=due_fen)
            lines.take_as_shown(ledger, cmd.by)
            due_fen = max(0, ledger.due_fen)
            if may_fen is not None and due_fen > may_fen:
                raise BillUnsettled(due_fen=due_fen)
        paying.write_off(ledger, cmd.reason, cmd.by)
        paying.finish(ledger)
        yield from (RoundReleased(round_no=number, reason="cleared") for number in given_up)
        yield from ledger.events
        if gives_up:
            subject = f"table-session/{self.id}"
            yield from act_done(
                session.store_id,
                turn,
                cmd.by,
                "bill.write_off",
                subject,
                before={"due_fen": due_fen, "unconfirmed": unconfirmed},
                after={"due_fen": max(0, ledger.due_fen), "unconfirmed": ledger.bill.unconfirmed},
                reason=cmd.reason,
                amount_fen=due_fen,
            )

    @reacts(SessionCleared)
    def tell_cleared(self, session: Session, e: SessionCleared, turn: Turn) -> Iterator[Send]:
        """The table is free, or will be when it is clean."""
        yield self.note_to_table(session, "cleared")

    @evolves(SessionCleared)
    def on_cleared(self, session: Session, e: SessionCleared, at: int) -> None:
        session.cleared_at, session.cleared_by = at, STAFF + e.by.account
        session.live.add("session_cleared", at, by=session.cleared_by)
