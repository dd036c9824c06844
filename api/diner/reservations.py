"""Reservations as a diner makes them: slots, booking with pre-order and deposit, cancelling (T14, T18)."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from actors.turn import readable
from api.addressed import Person
from api.approvals import who_if_staff
from api.audiences import PUBLIC, Audience, diner_or_staff
from api.call import Call
from api.diner.channel_orders import OrderLineBody
from api.operations import Answer, Key, Table
from api.problems import Problem
from api.reserving import (
    ReservationShown,
    SlotShown,
    Wanted,
    book_of,
    plan_of,
    preorder,
    slot_of,
    slots_of,
)
from flash_sale.commands import PaymentChannel
from pricing.selection import Selection
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.reservations.commands import (
    PREORDER_MAX,
    Book,
    CancelReservation,
    GetBook,
    GetReservation,
    PartySize,
    Reason,
)
from store_runtime.reservations.projections import BookView, ReservationView
from store_runtime.reservations.rejections import (
    BookFull,
    PartyTooLarge,
    ReservationNotFound,
    SlotFull,
    SlotNotFound,
)
from store_runtime.store.commands import GetStore
from store_runtime.store.orders.commands import Note
from store_runtime.store.orders.rejections import CartStale
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound

table = Table("Reservations and queue")

GUEST_OR_STAFF = Audience(diner=True, action="reservation.manage", where="store")
OWN_OR_STAFF = diner_or_staff("reservation.manage")


class SlotsQuery(msgspec.Struct):
    """``date``: a day of the store's calendar, YYYY-MM-DD."""

    date: date


class ReserveBody(msgspec.Struct, forbid_unknown_fields=True):
    """``lines``: dishes that are ordered before and kept from some hours before the slot on."""

    slot_id: Annotated[str, Meta(max_length=64)]
    party_size: PartySize
    person: Person | None = None
    lines: Annotated[tuple[OrderLineBody, ...], Meta(max_length=PREORDER_MAX)] = ()
    payment_channel: PaymentChannel = "simulated"
    note: Note = ""


class CancelReservationBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why, for the record."""

    reason: Reason = ""


class SlotsShown(msgspec.Struct, frozen=True, kw_only=True):
    """The slots of a day, by time."""

    items: list[SlotShown]


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/reservation-slots",
    audience=PUBLIC,
    query=SlotsQuery,
    answers={200: SlotsShown},
    problems=[StoreNotFound, InvalidField],
)
async def list_slots(call: Call) -> Answer:
    """What can be reserved on a day, with the seats and kitchen minutes that are left."""
    store_id, day = call.params["store_id"], call.query.date
    settings = (await call.ask(f"store/{store_id}", GetStore(), StoreView)).settings
    slots = slots_of(await plan_of(call, store_id), day, ZoneInfo(settings.time_zone))
    key = f"{day:%Y%m%d}"
    view = await call.ask(f"reservation-book/{store_id}.{key}", GetBook(slots=slots), BookView)
    return Answer(200, SlotsShown(items=[SlotShown.of(key, slot) for slot in view.slots]))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/reservations",
    audience=GUEST_OR_STAFF,
    body=ReserveBody,
    answers={201: ReservationShown},
    key=Key.REQUIRED,
    problems=[StoreNotFound, SlotNotFound, SlotFull, PartyTooLarge, BookFull, CartStale, InvalidField],
    example={
        "slot_id": "20261124.dinner-1800",
        "party_size": 4,
        "person": {"contact": "王女士", "phone": "13800138000"},
        "lines": [{"dish_id": "noodles", "quantity": 2}],
    },
)
async def reserve(call: Call) -> Answer:
    """Reserve seats, perhaps with dishes.

    Seats and kitchen minutes are held at once. Where the store asks for a deposit, the reservation is held until it
    is paid. A pre-order costs what the menu says on the day; its dishes are kept from some hours before on. Staff
    reserve for guests on the telephone.
    """
    body: ReserveBody = call.body
    store_id, command_id = call.params["store_id"], call.command_id()
    code = "r" + readable(command_id[:10])
    request = hashlib.blake2b(msgspec.msgpack.encode(body), digest_size=16).digest()
    settings = (await call.ask(f"store/{store_id}", GetStore(), StoreView)).settings
    plan = await plan_of(call, store_id)
    now = call.door.clock.now_ms()
    day, slot = slot_of(plan, body.slot_id, ZoneInfo(settings.time_zone), now)
    board = await call.door.menus.board_of(store_id)
    wanted = [
        Wanted(
            Selection(dish_id=one.dish_id, options=one.options, choices=one.choices), one.quantity, one.note
        )
        for one in body.lines
    ]
    lines, minutes = preorder(board, wanted, slot.starts_at)
    command = Book(
        code=code,
        store_id=store_id,
        slot=slot,
        policy=plan.policy,
        party_size=body.party_size,
        user_id=call.user_id,
        person=call.door.seal.close(body.person, command_id) if body.person is not None else "",
        note=body.note,
        lines=lines,
        kitchen_minutes=minutes,
        payment_channel=body.payment_channel,
        hold_ms=settings.order_hold_s * 1_000,
        grace_ms=settings.grace_s * 1_000,
        request=request,
        by=who_if_staff(call),
    )
    book = f"reservation-book/{store_id}.{day}"
    try:
        view = await call.tell(book, command, ReservationView, command_id)
    except Problem as problem:
        # What plan and menu say goes into the command; the book knows which request it came from.
        if problem.code != "idempotency_key_reused":
            raise
        view = await call.ask(book, GetReservation(code=code, request=request), ReservationView)
    location = f"/api/v1/reservations/{view.reservation_id}".encode()
    return Answer(201, ReservationShown.of(view, call.door.seal), ((b"location", location),))


@table.route(
    "GET",
    "/api/v1/reservations/{reservation_id}",
    audience=OWN_OR_STAFF,
    answers={200: ReservationShown},
    problems=[ReservationNotFound],
)
async def show_reservation(call: Call) -> Answer:
    """A reservation as it stands."""
    book, code = book_of(call.params["reservation_id"])
    view = await call.ask(book, GetReservation(code=code, user_id=call.user_id), ReservationView)
    await call.must_be_allowed_at(view.store_id)
    return Answer(200, ReservationShown.of(view, call.door.seal))


@table.route(
    "POST",
    "/api/v1/reservations/{reservation_id}/cancel",
    audience=OWN_OR_STAFF,
    body=CancelReservationBody,
    answers={200: ReservationShown},
    problems=[ReservationNotFound, IllegalTransition],
    example={"reason": "临时有事"},
)
async def cancel_reservation(call: Call) -> Answer:
    """Cancel a reservation.

    Until free_until the deposit goes back; a diner who cancels later loses it. When the store cancels it goes back.
    """
    book, code = book_of(call.params["reservation_id"])
    by = who_if_staff(call)
    if by is not None:
        view = await call.ask(book, GetReservation(code=code), ReservationView)
        await call.must_be_allowed_at(view.store_id)
    command = CancelReservation(code=code, user_id=call.user_id, reason=call.body.reason, by=by)
    view = await call.tell(book, command, ReservationView)
    return Answer(200, ReservationShown.of(view, call.door.seal))
