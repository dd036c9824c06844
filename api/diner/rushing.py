"""催菜 by guests: where is what we ordered (O8)? The kitchen hears it, and its reply is a new promise."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.audiences import DINER
from api.call import Call
from api.operations import Answer, Table
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.kitchen.commands import RushLines
from store_runtime.store.kitchen.rejections import TooSoon
from store_runtime.store.orders.commands import LINES_MAX
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.table_session.commands import GetSession
from store_runtime.table_session.projections import SessionView
from store_runtime.table_session.rejections import SessionClosed, TableSessionNotFound
from store_runtime.takeout.commands import GetOrder
from store_runtime.takeout.projections import OrderView
from store_runtime.takeout.rejections import OrderNotFound

table = Table("Kitchen")

LineId = Annotated[str, Meta(min_length=1, max_length=160)]


class RushBody(msgspec.Struct, forbid_unknown_fields=True):
    """Lines of one's order, or a course of it; nothing: all that is not served."""

    line_ids: Annotated[tuple[LineId, ...], Meta(max_length=LINES_MAX)] = ()
    course: Annotated[str, Meta(max_length=64)] = ""


class Rushed(msgspec.Struct, frozen=True):
    """The lines that the kitchen was asked for; those that it heard of a moment ago are left out."""

    line_ids: list[str]


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/rush",
    audience=DINER,
    body=RushBody,
    answers={200: Rushed},
    problems=[TableSessionNotFound, SessionClosed, OrderUnknown, IllegalTransition, InvalidField, TooSoon],
    example={"line_ids": ["ts7mkb2h6vqx3a4c5d.l3"]},
)
async def rush_table(call: Call) -> Answer:
    """Ask the kitchen where your table's dishes are.

    Once per line and cooldown (409 too_soon with again_at). What is on hold is fired by the staff.
    """
    session = f"table-session/{call.params['session_id']}"
    view = await call.ask(session, GetSession(user_id=call.user_id), SessionView)
    if view.state == "closed":
        raise SessionClosed()
    return await _rush(call, view.store_id, session)


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/rush",
    audience=DINER,
    body=RushBody,
    answers={200: Rushed},
    problems=[OrderNotFound, OrderUnknown, IllegalTransition, InvalidField, TooSoon],
    example={},
)
async def rush_order(call: Call) -> Answer:
    """Ask the kitchen where your order is.

    Once per line and cooldown (409 too_soon with again_at).
    """
    order = f"takeout/{call.params['order_id']}"
    view = await call.ask(order, GetOrder(user_id=call.user_id), OrderView)
    return await _rush(call, view.store_id, order)


async def _rush(call: Call, store_id: str, order: str) -> Answer:
    command = RushLines(order=order, line_ids=call.body.line_ids, course=call.body.course)
    return Answer(200, Rushed(await call.tell(f"store/{store_id}", command, list[str])))
