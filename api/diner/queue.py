"""The queue at the door as a diner meets it: how long, a number, what to eat meanwhile (T15)."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from actors.turn import readable
from api.addressed import Person
from api.approvals import who_if_staff
from api.audiences import DINER, PUBLIC, Audience
from api.call import Call
from api.diner.channel_orders import OrderLineBody
from api.operations import Answer, Key, Table
from api.problems import Problem
from api.queueing import TicketShown, tables_of
from api.reserving import Wanted, preorder
from pricing.selection import Selection
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.reservations.commands import PREORDER_MAX, Preorder
from store_runtime.store.commands import GetStore
from store_runtime.store.orders.commands import Note
from store_runtime.store.orders.rejections import CartStale
from store_runtime.store.projections import SettingsView, StoreView
from store_runtime.store.rejections import StoreNotFound
from store_runtime.waiting_queue.commands import (
    GetQueue,
    GetTicket,
    MoveTicket,
    PartySize,
    PreorderWaiting,
    TakeTicket,
    TicketMove,
)
from store_runtime.waiting_queue.projections import QueueView, TicketView
from store_runtime.waiting_queue.rejections import (
    AlreadyWaiting,
    NoBand,
    QueueClosed,
    QueueFull,
    TicketNotFound,
)

table = Table("Reservations and queue")

GUEST_OR_STAFF = Audience(diner=True, action="queue.manage", where="store")

Lines = Annotated[tuple[OrderLineBody, ...], Meta(max_length=PREORDER_MAX)]


class TicketBody(msgspec.Struct, forbid_unknown_fields=True):
    """``lines``: what they want when they sit down."""

    party_size: PartySize
    person: Person | None = None
    lines: Lines = ()
    note: Note = ""


class LinesBody(msgspec.Struct, forbid_unknown_fields=True):
    """All of it; what was ordered before is replaced."""

    lines: Lines


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing more is asked."""


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/queue",
    audience=PUBLIC,
    answers={200: QueueView},
    problems=[StoreNotFound],
)
async def show_queue(call: Call) -> Answer:
    """The queue at the door, for diners and for the screen.

    Who is called, how many wait, and how long it may take, by the tables as they stand.
    """
    store_id = call.params["store_id"]
    query = GetQueue(tables=await tables_of(call, store_id))
    return Answer(200, await call.ask(f"waiting-queue/{store_id}", query, QueueView))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/queue/tickets",
    audience=GUEST_OR_STAFF,
    body=TicketBody,
    answers={201: TicketShown},
    key=Key.REQUIRED,
    problems=[StoreNotFound, QueueClosed, QueueFull, NoBand, AlreadyWaiting, CartStale, InvalidField],
    example={"party_size": 4},
)
async def take_ticket(call: Call) -> Answer:
    """取号: wait for a table.

    A diner waits once; staff take numbers for guests without a phone.
    """
    body: TicketBody = call.body
    store_id, command_id = call.params["store_id"], call.command_id()
    settings = (await call.ask(f"store/{store_id}", GetStore(), StoreView)).settings
    now = call.door.clock.now_ms()
    code = "q" + readable(command_id[:10])
    request = hashlib.blake2b(msgspec.msgpack.encode(body), digest_size=16).digest()
    command = TakeTicket(
        code=code,
        store_id=store_id,
        day=_business_day(settings, now),
        party_size=body.party_size,
        user_id=call.user_id,
        person=call.door.seal.close(body.person, command_id) if body.person is not None else "",
        note=body.note,
        lines=await _preorder(call, body.lines, now),
        request=request,
        by=who_if_staff(call),
    )
    queue = f"waiting-queue/{store_id}"
    try:
        view = await call.tell(queue, command, TicketView, command_id)
    except Problem as problem:
        # What menu and calendar say goes into the command; the ticket knows which request it came from.
        if problem.code != "idempotency_key_reused":
            raise
        view = await call.ask(queue, GetTicket(code=code, request=request), TicketView)
    return await _shown(call, view.ticket_id, 201)


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/queue/tickets/{queue_ticket_id}",
    audience=GUEST_OR_STAFF,
    answers={200: TicketShown},
    problems=[StoreNotFound, TicketNotFound],
)
async def show_ticket(call: Call) -> Answer:
    """A ticket, how many are before it, and how long that may take."""
    return await _shown(call, call.params["queue_ticket_id"], 200)


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/queue/tickets/{queue_ticket_id}/lines",
    audience=DINER,
    body=LinesBody,
    answers={200: TicketShown},
    problems=[StoreNotFound, TicketNotFound, CartStale, IllegalTransition, InvalidField],
    example={"lines": [{"dish_id": "noodles", "quantity": 2}]},
)
async def order_while_waiting(call: Call) -> Answer:
    """Order while waiting: it is the first round once you sit. Nothing is held until then."""
    lines = await _preorder(call, call.body.lines, call.door.clock.now_ms())
    ticket_id = call.params["queue_ticket_id"]
    command = PreorderWaiting(code=ticket_id, lines=lines, user_id=call.user_id)
    await call.tell(f"waiting-queue/{call.params['store_id']}", command, TicketView)
    return await _shown(call, ticket_id, 200)


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/queue/tickets/{queue_ticket_id}/leave",
    audience=GUEST_OR_STAFF,
    body=NoBody,
    answers={200: TicketShown},
    problems=[StoreNotFound, TicketNotFound, IllegalTransition],
    example={},
)
async def leave_queue(call: Call) -> Answer:
    """Wait no longer."""
    return await move_ticket(call, "left")


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/queue/tickets/{queue_ticket_id}/rejoin",
    audience=GUEST_OR_STAFF,
    body=NoBody,
    answers={200: TicketShown},
    problems=[StoreNotFound, TicketNotFound, IllegalTransition],
    example={},
)
async def rejoin_queue(call: Call) -> Answer:
    """Come back after the number was passed, behind some others.

    A diner as often as the store allows, staff always.
    """
    return await move_ticket(call, "waiting")


async def move_ticket(call: Call, to: TicketMove) -> Answer:
    """A ticket is passed, comes back or leaves; a diner's own only."""
    ticket_id = call.params["queue_ticket_id"]
    command = MoveTicket(code=ticket_id, to=to, user_id=call.user_id, by=who_if_staff(call))
    await call.tell(f"waiting-queue/{call.params['store_id']}", command, TicketView)
    return await _shown(call, ticket_id, 200)


async def _shown(call: Call, ticket_id: str, status: int) -> Answer:
    store_id = call.params["store_id"]
    tables = await tables_of(call, store_id)
    query = GetTicket(code=ticket_id, user_id=call.user_id, tables=tables)
    view = await call.ask(f"waiting-queue/{store_id}", query, TicketView)
    return Answer(status, TicketShown.of(view, call.door.seal))


async def _preorder(call: Call, lines: tuple[OrderLineBody, ...], now: int) -> Preorder:
    if not lines:
        return ()
    board = await call.door.menus.board_of(call.params["store_id"])
    wanted = [
        Wanted(
            Selection(dish_id=one.dish_id, options=one.options, choices=one.choices), one.quantity, one.note
        )
        for one in lines
    ]
    return preorder(board, wanted, now)[0]


def _business_day(settings: SettingsView, now: int) -> int:
    """As a number that grows: 20261124. It begins at the cut-off."""
    hours, _, minutes = settings.cutoff.partition(":")
    local = datetime.fromtimestamp(now / 1_000, ZoneInfo(settings.time_zone))
    return int(f"{local - timedelta(hours=int(hours), minutes=int(minutes)):%Y%m%d}")
