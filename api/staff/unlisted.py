"""临时菜: staff order a dish that is on no menu (D8)."""

from __future__ import annotations

import msgspec

from api.approvals import APPROVAL_HEADERS, authorize
from api.audiences import Audience
from api.call import Call
from api.operations import Answer, Key, Table
from api.rejections import ApprovalInvalid, SecondPersonRequired
from api.round_steps import taken_to_store
from api.staff.tables import session_for_staff
from api.table_views import RoundSubmittedShown
from pricing.menu import Name, PriceFen
from pricing.selection import LineQuantity
from store_runtime.store.kitchen.terms import StationName
from store_runtime.table_session.commands import AddUnlisted
from store_runtime.table_session.projections import UnlistedAnswer
from store_runtime.table_session.rejections import (
    BillLocked,
    InvalidField,
    SessionClosed,
    SessionMoved,
    TableSessionNotFound,
)

table = Table("Tables")


class UnlistedBody(msgspec.Struct, forbid_unknown_fields=True):
    """What it is called, what one costs, and where it is cooked; ``station`` may be empty, as a dish's may."""

    name: Name
    unit_price_fen: PriceFen
    quantity: LineQuantity
    station: StationName = ""


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines",
    audience=Audience(action="line.unlisted", where="any"),
    body=UnlistedBody,
    answers={201: RoundSubmittedShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[
        TableSessionNotFound,
        SessionMoved,
        SessionClosed,
        BillLocked,
        InvalidField,
        SecondPersonRequired,
        ApprovalInvalid,
    ],
    example={"name": "长寿面", "unit_price_fen": 3_800, "quantity": 1, "station": "wok"},
)
async def add_unlisted(call: Call) -> Answer:
    """临时菜: order a dish that is on no menu.

    It is a round of its own, cooked and paid like any other, and takes no stock. Whoever may names its price up to
    an amount; above it a second person approves.
    """
    body: UnlistedBody = call.body
    session, store_id = await session_for_staff(call)
    by = await authorize(call, store_id, "line.unlisted", body.unit_price_fen * body.quantity)
    command_id = call.command_id()
    command = AddUnlisted(
        name=body.name,
        unit_price_fen=body.unit_price_fen,
        quantity=body.quantity,
        station=body.station,
        by=by,
    )
    answer = await call.tell(session, command, UnlistedAnswer, command_id)
    return Answer(201, await taken_to_store(call, session, command_id, answer))
