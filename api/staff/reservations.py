"""Reservations as staff run them: the plan, the day, check-in, no-show, deposits (T14, T18)."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from api.approvals import APPROVAL_HEADERS, WHO_HEADERS, authorize, who
from api.audiences import PUBLIC, Audience, store_staff
from api.call import Call
from api.operations import Answer, Key, Table
from api.rejections import ApprovalInvalid, SecondPersonRequired
from api.reserving import ReservationShown, SlotShown, book_of, plan_of, slots_of
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.reservations.commands import (
    SLOTS_MAX,
    ChangePlan,
    CheckIn,
    GetBook,
    GetReservation,
    MarkNoShow,
    Policy,
    Reason,
    ReturnDeposit,
    SlotPlan,
)
from store_runtime.reservations.projections import BookView, CheckInAnswer, PlanView, ReservationView
from store_runtime.reservations.rejections import ReservationNotFound
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound
from store_runtime.table_session.commands import WhereIsSession
from store_runtime.table_session.projections import RoundAnswer, SessionPlace
from store_runtime.table_session.rejections import SessionClosed, TableSessionNotFound

table = Table("Reservations and queue")

MANAGE = Audience(action="reservation.manage", where="any")


class PlanBody(msgspec.Struct, forbid_unknown_fields=True):
    """All slots and the policy at once."""

    slots: Annotated[tuple[SlotPlan, ...], Meta(max_length=SLOTS_MAX)]
    policy: Policy = Policy()
    days_ahead: Annotated[int, Meta(ge=0, le=365)] = 30


class CheckInBody(msgspec.Struct, forbid_unknown_fields=True):
    """The session that they sit at: of a table that was opened for them."""

    session_id: Annotated[str, Meta(min_length=1, max_length=128)]


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing more is asked."""


class ReturnBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why, for the record."""

    reason: Reason = ""


class DayQuery(msgspec.Struct):
    """``date``: a day of the store's calendar, YYYY-MM-DD."""

    date: date


class DayShown(msgspec.Struct, frozen=True, kw_only=True):
    """A day: its slots and its reservations, by time."""

    slots: list[SlotShown]
    items: list[ReservationShown]


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/reservation-plan",
    audience=store_staff("store.settings"),
    body=PlanBody,
    answers={200: PlanView},
    headers=WHO_HEADERS,
    problems=[StoreNotFound, InvalidField],
    example={
        "slots": [{"slot_id": "dinner-1800", "starts": "18:00", "seats": 40, "kitchen_minutes": 600}],
        "policy": {"deposit_per_guest_fen": 5_000, "deposit_from_guests": 6},
    },
)
async def change_reservation_plan(call: Call) -> Answer:
    """Set what can be reserved.

    Reservations that were made keep their terms; a slot that becomes smaller sends nobody away.
    """
    body: PlanBody = call.body
    store_id = call.params["store_id"]
    await call.ask(f"store/{store_id}", GetStore(), StoreView)
    command = ChangePlan(slots=body.slots, policy=body.policy, days_ahead=body.days_ahead, by=who(call))
    return Answer(200, await call.tell(f"reservation-plan/{store_id}", command, PlanView))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/reservation-plan",
    audience=PUBLIC,
    answers={200: PlanView},
    problems=[StoreNotFound],
)
async def show_reservation_plan(call: Call) -> Answer:
    """Slots and policy of a store."""
    return Answer(200, await plan_of(call, call.params["store_id"]))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/reservations",
    audience=store_staff("reservation.manage"),
    query=DayQuery,
    answers={200: DayShown},
    problems=[StoreNotFound, InvalidField],
)
async def list_reservations(call: Call) -> Answer:
    """The reservations of a day."""
    store_id, day = call.params["store_id"], call.query.date
    settings = (await call.ask(f"store/{store_id}", GetStore(), StoreView)).settings
    slots = slots_of(await plan_of(call, store_id), day, ZoneInfo(settings.time_zone))
    key = f"{day:%Y%m%d}"
    view = await call.ask(f"reservation-book/{store_id}.{key}", GetBook(slots=slots), BookView)
    items = [ReservationShown.of(one, call.door.seal) for one in view.reservations]
    return Answer(200, DayShown(slots=[SlotShown.of(key, slot) for slot in view.slots], items=items))


@table.route(
    "POST",
    "/api/v1/reservations/{reservation_id}/check-in",
    audience=MANAGE,
    body=CheckInBody,
    answers={200: ReservationShown},
    headers=WHO_HEADERS,
    problems=[ReservationNotFound, TableSessionNotFound, SessionClosed, IllegalTransition],
    example={"session_id": "tsabcdefghijklmnop"},
)
async def check_in(call: Call) -> Answer:
    """The guests are here.

    Their pre-order becomes a round of the session they sit at, with the dishes that were kept for them. A session
    that does not take them leaves the reservation as it was.
    """
    book, code, view = await _managed(call)
    session_id, command_id = call.body.session_id, call.command_id()
    place = await call.ask(f"table-session/{session_id}", WhereIsSession(), SessionPlace)
    if place.store_id != view.store_id:
        raise TableSessionNotFound()
    if place.closed:
        raise SessionClosed()
    command = CheckIn(code=code, session_id=session_id, by=who(call))
    arrived = await call.tell(book, command, CheckInAnswer, command_id)
    # The book's own message seats them under the same id, and the session's places the round.
    seat_id = derived_id(command_id, "seat")
    await call.tell_step(f"table-session/{session_id}", arrived.seat, RoundAnswer | None, seat_id)  # type: ignore[arg-type]
    return Answer(200, ReservationShown.of(arrived.reservation, call.door.seal))


@table.route(
    "POST",
    "/api/v1/reservations/{reservation_id}/no-show",
    audience=MANAGE,
    body=NoBody,
    answers={200: ReservationShown},
    headers=WHO_HEADERS,
    problems=[ReservationNotFound, IllegalTransition],
    example={},
)
async def mark_no_show(call: Call) -> Answer:
    """Nobody came: give the table away.

    From the slot's time on; some time later the clock does it. The deposit is forfeited or refunded, as the policy
    said when the reservation was made.
    """
    book, code, _ = await _managed(call)
    view = await call.tell(book, MarkNoShow(code=code, by=who(call)), ReservationView)
    return Answer(200, ReservationShown.of(view, call.door.seal))


@table.route(
    "POST",
    "/api/v1/reservations/{reservation_id}/deposit/return",
    audience=Audience(action="line.refund", where="any"),
    body=ReturnBody,
    answers={200: ReservationShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[ReservationNotFound, IllegalTransition, SecondPersonRequired, ApprovalInvalid],
    example={"reason": "账单已另付"},
)
async def return_deposit(call: Call) -> Answer:
    """Give a deposit back that is still kept (T18)."""
    book, code, view = await _managed(call)
    by = await authorize(call, view.store_id, "line.refund", view.deposit_fen)
    returned = await call.tell(
        book, ReturnDeposit(code=code, by=by, reason=call.body.reason), ReservationView
    )
    return Answer(200, ReservationShown.of(returned, call.door.seal))


async def _managed(call: Call) -> tuple[str, str, ReservationView]:
    """Book, code and reservation, where the caller may act."""
    book, code = book_of(call.params["reservation_id"])
    view = await call.ask(book, GetReservation(code=code), ReservationView)
    await call.must_be_allowed_at(view.store_id)
    return book, code, view
