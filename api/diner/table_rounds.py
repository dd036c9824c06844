"""What a table orders and asks for: rounds and calls (T4–T6, T9, T16)."""

from __future__ import annotations

from types import NoneType

import msgspec

from actors.turn import derived_id
from api.approvals import who_if_staff
from api.audiences import DINER
from api.call import Call
from api.diner.tables import GUEST_OR_STAFF, staffed_session
from api.operations import Answer, Key, Table
from api.problems import Problem
from api.table_views import (
    CallShown,
    RoundSubmittedShown,
)
from store_runtime.store.orders.commands import LinesPlaced
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import CartStale, LineProblem
from store_runtime.table_session.commands import (
    CallKind,
    CallStaff,
    RoundRefused,
    Seq,
    SubmitRound,
)
from store_runtime.table_session.projections import (
    CallView,
    RoundAnswer,
    RoundStands,
)
from store_runtime.table_session.rejections import (
    BillLocked,
    CallCoolingDown,
    GuestLeft,
    InvalidField,
    NothingToSubmit,
    SessionClosed,
    SessionMoved,
    TableSessionNotFound,
    ViewTooOld,
)

table = Table("Tables")


class RoundBody(msgspec.Struct, forbid_unknown_fields=True):
    """What stood in the cart at ``seen_seq`` is ordered. ``on_hold``: 叫起, the kitchen waits to be told."""

    seen_seq: Seq
    on_hold: bool = False


class CallBody(msgspec.Struct, forbid_unknown_fields=True):
    """``kind``: water, bill, clean, …"""

    kind: CallKind


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/rounds",
    audience=GUEST_OR_STAFF,
    body=RoundBody,
    answers={201: RoundSubmittedShown},
    key=Key.REQUIRED,
    problems=[
        TableSessionNotFound,
        SessionMoved,
        SessionClosed,
        GuestLeft,
        BillLocked,
        NothingToSubmit,
        ViewTooOld,
        CartStale,
        InvalidField,
    ],
    example={"seen_seq": 12},
)
async def submit_round(call: Call) -> Answer:
    """Order a round.

    Exactly what stood in the cart at seen_seq, each line with its quantity then or now, whichever is less; the rest
    stays. All lines or none: on 409 cart_stale nothing was ordered, and the lines are back in the cart.
    """
    session = await staffed_session(call)
    command_id = call.command_id()
    submit = SubmitRound(
        seen_seq=call.body.seen_seq,
        on_hold=call.body.on_hold,
        user_id=call.user_id,
        by=who_if_staff(call),
    )
    answer = await call.tell(session, submit, RoundAnswer, command_id)
    # The session's own message places the same lines under the same id; whichever arrives first does it, and a no
    # that one of them heard is what the other hears.
    place_id = derived_id(command_id, "place")
    try:
        placed = await call.tell_step(f"store/{answer.store_id}", answer.place, PlacedLines, place_id)
    except Problem as no:
        if no.status < 500:
            await call.tell(session, _refused(answer, no), NoneType, derived_id(command_id, "refused"))
        raise
    stands = await call.tell(
        session, LinesPlaced(placed=placed), RoundStands, derived_id(command_id, "placed")
    )
    return Answer(201, RoundSubmittedShown.of(placed, stands.seq, stands.pay_by))


def _refused(answer: RoundAnswer, no: Problem) -> RoundRefused:
    lines = no.facts.get("lines", []) if no.code == CartStale.code else []
    return RoundRefused(round_no=answer.round_no, problems=msgspec.convert(lines, tuple[LineProblem, ...]))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/calls",
    audience=DINER,
    body=CallBody,
    answers={201: CallShown},
    problems=[TableSessionNotFound, SessionMoved, SessionClosed, GuestLeft, CallCoolingDown],
    example={"kind": "water"},
)
async def call_staff(call: Call) -> Answer:
    """Call the staff.

    One call of a kind is open at a time; a second one is the first one's.
    """
    command = CallStaff(kind=call.body.kind, user_id=call.user_id)
    view = await call.tell(f"table-session/{call.params['session_id']}", command, CallView)
    return Answer(201, CallShown.of(view))
