"""Calls for the staff (T9): typed, one of a kind at a time, a cooldown once answered, louder when they are not."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Event, Send
from store_runtime.table_session.commands import OPEN_CALLS_MAX, AcknowledgeCall, CallStaff
from store_runtime.table_session.desk import Desk
from store_runtime.table_session.events import CallAcknowledged, CallEscalated, CallMade
from store_runtime.table_session.projections import CallView, call_view, shown
from store_runtime.table_session.rejections import CallCoolingDown, CallNotFound, InvalidField
from store_runtime.table_session.state import Session, StaffCall

COOLDOWN_MS = 30_000
ESCALATE_MS = 120_000
CALLS_KEPT_MAX = 20


class CallsDesk(Desk):
    """Passes calls on."""

    @decides(CallStaff)
    def call(self, session: Session, cmd: CallStaff, turn: Turn) -> Decision[CallView]:
        """One of a kind is open at a time: the second is the first one's, and asks nobody again."""
        author = self.present_guest(session, cmd.user_id)
        InvalidField.check(cmd)
        last = next((one for one in reversed(session.calls) if one.kind == cmd.kind), None)
        if last is not None and not last.acknowledged_by:
            return call_view(last)
        if last is not None and turn.at < last.answered_at + COOLDOWN_MS:
            raise CallCoolingDown(again_at=last.answered_at + COOLDOWN_MS)
        if sum(1 for one in session.calls if not one.acknowledged_by) >= OPEN_CALLS_MAX:
            raise CallCoolingDown(again_at=turn.at + COOLDOWN_MS)
        made = CallMade(call_id=turn.new_id("k"), kind=cmd.kind, by=author, escalate_at=turn.at + ESCALATE_MS)
        yield made
        return CallView(call_id=made.call_id, kind=made.kind, by=author, at=turn.at)

    @decides(AcknowledgeCall)
    def acknowledge(self, session: Session, cmd: AcknowledgeCall, turn: Turn) -> Decision[CallView]:
        """Somebody is coming; whoever is first."""
        self.must_exist(session)
        call = next((one for one in session.calls if one.call_id == cmd.call_id), None)
        if call is None:
            raise CallNotFound()
        if call.acknowledged_by:
            return call_view(call)
        yield CallAcknowledged(call_id=cmd.call_id, by=cmd.by)
        answered = call_view(call)
        return CallView(
            call_id=answered.call_id,
            kind=answered.kind,
            by=answered.by,
            at=answered.at,
            escalated=answered.escalated,
            acknowledged_by=cmd.by.account,
        )

    def overdue(self, session: Session, at: int) -> Iterator[Event]:
        """Calls that nobody has answered in time."""
        for call in session.calls:
            if not call.acknowledged_by and not call.escalated and call.escalate_at <= at:
                yield CallEscalated(call_id=call.call_id)

    def next_escalation(self, session: Session) -> int | None:
        """When the first unanswered call is more urgent."""
        waiting = (
            call.escalate_at for call in session.calls if not call.acknowledged_by and not call.escalated
        )
        return None if session.closed else min(waiting, default=None)

    @reacts(CallMade)
    @reacts(CallEscalated)
    @reacts(CallAcknowledged)
    def tell_calls(self, session: Session, e: Event, turn: Turn) -> Iterator[Send]:
        """The floor shows who calls."""
        call_id = getattr(e, "call_id", "")
        yield self.note_to_table(session, f"{type(e).__name__}.{call_id}")

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(CallMade)
    def on_call(self, session: Session, e: CallMade, at: int) -> None:
        call = StaffCall(call_id=e.call_id, kind=e.kind, by=e.by, at=at, escalate_at=e.escalate_at)
        session.calls.append(call)
        del session.calls[:-CALLS_KEPT_MAX]
        session.live.add("call_made", at, call=shown(call_view(call)))

    @evolves(CallEscalated)
    def on_escalated(self, session: Session, e: CallEscalated, at: int) -> None:
        self._call(session, e.call_id).escalated = True
        session.live.add("call_escalated", at, call_id=e.call_id)

    @evolves(CallAcknowledged)
    def on_acknowledged(self, session: Session, e: CallAcknowledged, at: int) -> None:
        call = self._call(session, e.call_id)
        call.acknowledged_by, call.answered_at = e.by.account, at
        session.live.add("call_acknowledged", at, call_id=e.call_id)

    def _call(self, session: Session, call_id: str) -> StaffCall:
        return next(one for one in session.calls if one.call_id == call_id)
