"""Tables as the staff run them: set up, open, hand out codes, answer calls, clear (T1, T8, T9, T11, T16)."""

from __future__ import annotations

from types import NoneType
from typing import Literal

import msgspec

from actors.turn import derived_id
from api.approvals import APPROVAL_HEADERS, WHO_HEADERS, authorize, who
from api.audiences import Audience, store_staff
from api.call import Call
from api.operations import Answer, Key, Table
from api.rejections import ApprovalInvalid, SecondPersonRequired
from api.table_tokens import hand_out
from api.table_views import (
    CallShown,
    FloorShown,
    FloorTableShown,
    SessionShown,
    TableJoined,
    TableShown,
)
from flash_sale.commands import Name
from pricing.facts import BillTerms
from store_runtime.bill.projections import Giveaway
from store_runtime.bill.rejections import LineUnconfirmed
from store_runtime.store.commands import JoinPolicy, PayMode
from store_runtime.store.floor.commands import (
    Area,
    ClearingS,
    GetFloor,
    PutTable,
    RemoveTable,
    Seats,
    TablePlan,
)
from store_runtime.store.floor.projections import FloorTableView, FloorView
from store_runtime.store.floor.rejections import FloorFull, TableOccupied
from store_runtime.store.rejections import InvalidField, StoreNotFound
from store_runtime.table.commands import (
    FreeTable,
    GetTable,
    OpenTable,
    PartySize,
    RevokeCode,
    RotateCode,
)
from store_runtime.table.projections import ScanAnswer, TableView
from store_runtime.table.rejections import IllegalTransition, TableFull, TableNotFound, TableTaken
from store_runtime.table_session.bill_commands import GetGiveaway
from store_runtime.table_session.commands import (
    AcknowledgeCall,
    ClearSession,
    GetSession,
    Reason,
    WhereIsSession,
)
from store_runtime.table_session.projections import CallView, Joined, SessionPlace, SessionView
from store_runtime.table_session.rejections import (
    BillUnsettled,
    CallNotFound,
    SessionBusy,
    SessionMoved,
    TableSessionNotFound,
)

table = Table("Tables")

SERVE = store_staff("table.serve")
MANAGE = store_staff("table.manage")
SERVE_SESSION = Audience(action="table.serve", where="any")


class TableBody(msgspec.Struct, forbid_unknown_fields=True):
    """A table. What is left out has its default; a policy that is left out is the store's setting.

    ``bill``: its fees and how totals are rounded (T10, M7).
    """

    name: Name
    area: Area = ""
    room: bool = False
    seats: Seats = 4
    join_policy: JoinPolicy | None = None
    pay_mode: PayMode | None = None
    shared: bool = False
    clearing_s: ClearingS = 0
    bill: BillTerms = BillTerms()


class OpenBody(msgspec.Struct, forbid_unknown_fields=True):
    """How many guests there are."""

    party_size: PartySize = 0


class CodeBody(msgspec.Struct, forbid_unknown_fields=True):
    """``rotate``: another code, and printed ones are void; ``revoke``: none until it is rotated."""

    action: Literal["rotate", "revoke"]


class NothingBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is asked."""


class ClearBody(msgspec.Struct, forbid_unknown_fields=True):
    """``reason``: why what is unpaid is written off."""

    reason: Reason = ""


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/tables",
    audience=SERVE,
    answers={200: FloorShown},
    problems=[StoreNotFound],
)
async def show_floor(call: Call) -> Answer:
    """The floor.

    Every table with its phase, its parties, and who calls.
    """
    view = await call.ask(f"store/{call.params['store_id']}", GetFloor(), FloorView)
    return Answer(200, FloorShown.of(view))


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/tables/{table_id}",
    audience=store_staff("store.settings"),
    body=TableBody,
    answers={200: FloorTableShown},
    problems=[StoreNotFound, TableNotFound, FloorFull, InvalidField],
    headers=WHO_HEADERS,
    example={"name": "8", "area": "大厅", "seats": 4},
)
async def put_table(call: Call) -> Answer:
    """Set up a table, or change it.

    Sessions that are open keep the terms that they were opened with.
    """
    plan = TablePlan(**msgspec.structs.asdict(call.body))
    command = PutTable(table_id=call.params["table_id"], plan=plan, by=who(call))
    view = await call.tell(f"store/{call.params['store_id']}", command, FloorTableView)
    return Answer(200, FloorTableShown.of(view))


@table.route(
    "DELETE",
    "/api/v1/stores/{store_id}/tables/{table_id}",
    audience=store_staff("store.settings"),
    answers={204: None},
    problems=[StoreNotFound, TableNotFound, TableOccupied],
    headers=WHO_HEADERS,
)
async def remove_table(call: Call) -> Answer:
    """Remove a free table."""
    command = RemoveTable(table_id=call.params["table_id"], by=who(call))
    await call.tell(f"store/{call.params['store_id']}", command, NoneType)
    return Answer(204)


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/tables/{table_id}",
    audience=SERVE,
    answers={200: TableShown},
    problems=[TableNotFound],
)
async def show_table(call: Call) -> Answer:
    """A table with the token of its code and its PIN."""
    return await _shown(call, await call.ask(_table(call), GetTable(), TableView))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/tables/{table_id}/sessions",
    audience=SERVE,
    body=OpenBody,
    answers={201: TableJoined},
    problems=[TableNotFound, TableTaken, TableFull],
    headers=WHO_HEADERS,
    example={"party_size": 4},
)
async def open_table(call: Call) -> Answer:
    """Open a table for guests, with or without a phone."""
    command_id = call.command_id()
    command = OpenTable(by=who(call), party_size=call.body.party_size)
    answer = await call.tell(_table(call), command, ScanAnswer, command_id)
    assert answer.opening is not None, "a table that staff open is opened"
    session = f"table-session/{answer.session_id}"
    # The table's own message opens the same session under the same id; whichever arrives first does it.
    joined = await call.tell(session, answer.opening, Joined, derived_id(command_id, "open"))
    shown = TableJoined(
        session_id=joined.session_id,
        seq=joined.seq,
        store_id=call.params["store_id"],
        table_id=call.params["table_id"],
        label=answer.opening.label,
    )
    location = f"/api/v1/table-sessions/{joined.session_id}".encode()
    return Answer(201, shown, ((b"location", location),))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/tables/{table_id}/code",
    audience=MANAGE,
    body=CodeBody,
    answers={200: TableShown},
    problems=[TableNotFound],
    headers=WHO_HEADERS,
    example={"action": "rotate"},
)
async def change_code(call: Call) -> Answer:
    """Give a table another code, or none.

    Guests who sit at it stay; printed copies of the old code let nobody in any more.
    """
    by = who(call)
    command = RotateCode(by=by) if call.body.action == "rotate" else RevokeCode(by=by)
    return await _shown(call, await call.tell(_table(call), command, TableView))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/tables/{table_id}/free",
    audience=SERVE,
    body=NothingBody,
    answers={200: TableShown},
    problems=[TableNotFound, IllegalTransition],
    headers=WHO_HEADERS,
    example={},
)
async def free_table(call: Call) -> Answer:
    """A cleared table is clean: clearing → free."""
    return await _shown(call, await call.tell(_table(call), FreeTable(by=who(call)), TableView))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/calls/{call_id}/acknowledge",
    audience=SERVE_SESSION,
    body=NothingBody,
    answers={200: CallShown},
    problems=[TableSessionNotFound, CallNotFound],
    headers=WHO_HEADERS,
    example={},
)
async def acknowledge_call(call: Call) -> Answer:
    """A call was seen; somebody comes."""
    session, _ = await session_for_staff(call)
    command = AcknowledgeCall(call_id=call.params["call_id"], by=who(call))
    return Answer(200, CallShown.of(await call.tell(session, command, CallView)))


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/clear",
    audience=SERVE_SESSION,
    body=ClearBody,
    answers={200: SessionShown},
    key=Key.OPTIONAL,
    problems=[
        TableSessionNotFound,
        SessionMoved,
        SessionBusy,
        BillUnsettled,
        LineUnconfirmed,
        SecondPersonRequired,
        ApprovalInvalid,
    ],
    headers=APPROVAL_HEADERS,
    example={},
)
async def clear_session(call: Call) -> Answer:
    """清台: the party has gone.

    What is unpaid is written off (免单, 跑单) with a reason, by whoever may; what was never weighed at the price that
    guests were shown. Its phones can read their bill and change nothing any more; the table is free, or will be when
    it is clean.
    """
    session, store_id = await session_for_staff(call)
    by, due_fen = who(call), 0
    if call.body.reason:
        given = await call.ask(session, GetGiveaway(act="write_off"), Giveaway)
        due_fen = given.amount_fen
        if due_fen or given.unconfirmed:
            by = await authorize(call, store_id, "bill.write_off", due_fen)
    command = ClearSession(by=by, reason=call.body.reason, may_write_off_fen=due_fen)
    await call.tell(session, command, NoneType)
    return Answer(200, SessionShown.of(await call.ask(session, GetSession(), SessionView)))


async def session_for_staff(call: Call) -> tuple[str, str]:
    """The session's entity and its store, once it is known that this account may act there. Raises Forbidden."""
    session = f"table-session/{call.params['session_id']}"
    place = await call.ask(session, WhereIsSession(), SessionPlace)
    await call.must_be_allowed_at(place.store_id)
    return session, place.store_id


def _table(call: Call) -> str:
    if "." in call.params["table_id"]:
        # ``s1`` with table ``a.b`` would be the table ``b`` of a store ``s1.a``.
        raise TableNotFound()
    return f"table/{call.params['store_id']}.{call.params['table_id']}"


async def _shown(call: Call, view: TableView) -> Answer:
    token = await hand_out(call, view.store_id, view.table_id, view.rotation)
    return Answer(200, TableShown.of(view, token))
