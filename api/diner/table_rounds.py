"""What a table orders and asks for: rounds and calls (T4–T6, T9, T16)."""

from __future__ import annotations

import msgspec

from api.approvals import who_if_staff
from api.audiences import DINER
from api.call import Call
from api.diner.tables import GUEST_OR_STAFF, staffed_session
from api.operations import Answer, Key, Table
from api.round_steps import taken_to_store
from api.table_views import (
    CallShown,
    RoundSubmittedShown,
)
from store_runtime.store.orders.rejections import CartStale
from store_runtime.table_session.commands import (
    CallKind,
    CallStaff,
    Seq,
    SubmitRound,
)
from store_runtime.table_session.projections import (
    CallView,
    RoundAnswer,
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
    return Answer(201, await taken_to_store(call, session, command_id, answer))


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
