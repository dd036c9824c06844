"""The queue as staff run it: call, pass, seat (T15)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.diner.queue import move_ticket
from api.operations import Answer, Table
from api.queueing import TicketShown, tables_of
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound
from store_runtime.table_session.commands import WhereIsSession
from store_runtime.table_session.projections import RoundAnswer, SessionPlace
from store_runtime.table_session.rejections import SessionClosed, TableSessionNotFound
from store_runtime.waiting_queue.commands import CallTicket, ChangeQueue, ListTickets, QueueTerms, SeatTicket
from store_runtime.waiting_queue.projections import QueueView, SeatedAnswer, TicketList, TicketView
from store_runtime.waiting_queue.rejections import NobodyWaiting, TicketNotFound

table = Table("Reservations and queue")

MANAGE = store_staff("queue.manage")


class CallBody(msgspec.Struct, forbid_unknown_fields=True):
    """The next of a band, by its prefix; or one ticket, perhaps again."""

    prefix: Annotated[str, Meta(max_length=2)] = ""
    ticket_id: Annotated[str, Meta(max_length=64)] = ""


class SeatBody(msgspec.Struct, forbid_unknown_fields=True):
    """The session of the table that was opened for them."""

    session_id: Annotated[str, Meta(min_length=1, max_length=128)]


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing more is asked."""


class TicketsShown(msgspec.Struct, frozen=True, kw_only=True):
    """All tickets of the day, and the terms."""

    terms: QueueTerms
    items: list[TicketShown]


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/queue",
    audience=store_staff("store.settings"),
    body=QueueTerms,
    answers={200: QueueView},
    headers=WHO_HEADERS,
    problems=[StoreNotFound, InvalidField],
    example={
        "bands": [
            {"prefix": "A", "party_from": 1, "party_to": 2, "minutes": 45},
            {"prefix": "B", "party_from": 3, "party_to": 8},
        ],
        "pass_after_s": 180,
        "back_by": 3,
    },
)
async def change_queue(call: Call) -> Answer:
    """Set how the store queues: bands by party size, and what becomes of who does not come."""
    store_id = call.params["store_id"]
    await call.ask(f"store/{store_id}", GetStore(), StoreView)
    command = ChangeQueue(terms=call.body, by=who(call))
    return Answer(200, await call.tell(f"waiting-queue/{store_id}", command, QueueView))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/queue/tickets",
    audience=MANAGE,
    answers={200: TicketsShown},
    problems=[StoreNotFound],
)
async def list_tickets(call: Call) -> Answer:
    """The tickets of the day."""
    store_id = call.params["store_id"]
    query = ListTickets(tables=await tables_of(call, store_id))
    view = await call.ask(f"waiting-queue/{store_id}", query, TicketList)
    items = [TicketShown.of(one, call.door.seal) for one in view.tickets]
    return Answer(200, TicketsShown(terms=view.terms, items=items))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/queue/call",
    audience=MANAGE,
    body=CallBody,
    answers={200: TicketShown},
    headers=WHO_HEADERS,
    problems=[StoreNotFound, TicketNotFound, NobodyWaiting, IllegalTransition],
    example={"prefix": "B"},
)
async def call_ticket(call: Call) -> Answer:
    """叫号: call the next party of a band, or one ticket again."""
    body: CallBody = call.body
    command = CallTicket(prefix=body.prefix, code=body.ticket_id, by=who(call))
    view = await call.tell(f"waiting-queue/{call.params['store_id']}", command, TicketView)
    return Answer(200, TicketShown.of(view, call.door.seal))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/queue/tickets/{queue_ticket_id}/pass",
    audience=MANAGE,
    body=NoBody,
    answers={200: TicketShown},
    headers=WHO_HEADERS,
    problems=[StoreNotFound, TicketNotFound, IllegalTransition],
    example={},
)
async def pass_ticket(call: Call) -> Answer:
    """过号: they were called and did not come. After some time the clock does it."""
    return await move_ticket(call, "passed")


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/queue/tickets/{queue_ticket_id}/seat",
    audience=MANAGE,
    body=SeatBody,
    answers={200: TicketShown},
    headers=WHO_HEADERS,
    problems=[StoreNotFound, TicketNotFound, TableSessionNotFound, SessionClosed, IllegalTransition],
    example={"session_id": "tsabcdefghijklmnop"},
)
async def seat_ticket(call: Call) -> Answer:
    """They sit down; what they ordered while waiting is the first round of the session."""
    store_id, command_id = call.params["store_id"], call.command_id()
    session_id = call.body.session_id
    place = await call.ask(f"table-session/{session_id}", WhereIsSession(), SessionPlace)
    if place.store_id != store_id:
        raise TableSessionNotFound()
    if place.closed:
        raise SessionClosed()
    command = SeatTicket(code=call.params["queue_ticket_id"], session_id=session_id, by=who(call))
    seated = await call.tell(f"waiting-queue/{store_id}", command, SeatedAnswer, command_id)
    # The queue's own message seats them under the same id.
    seat_id = derived_id(command_id, "seat")
    await call.tell_step(f"table-session/{session_id}", seated.seat, RoundAnswer | None, seat_id)  # type: ignore[arg-type]
    return Answer(200, TicketShown.of(seated.ticket, call.door.seal))
