"""A table as its guests meet it: scan, sit, share a cart (T1–T4); what they order is ``table_rounds.py``.

Staff use the same addresses for guests without a phone (T16). Cart ops are a hot route: one command carries them all.
"""

from __future__ import annotations

from types import NoneType
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from api.approvals import who_if_staff
from api.audiences import DINER, diner_or_staff
from api.call import Call
from api.cart_ops import CartOpsBody, ignored, need_menu, resolved
from api.menus import Board
from api.operations import Answer, Done, Key, Table
from api.rejections import TableTokenInvalid
from api.table_door import local_time, when_allowed_at
from api.table_views import (
    CartShown,
    DeltaShown,
    OpShown,
    SessionShown,
    TableJoined,
)
from pricing.menu import Allergen
from store_runtime.live import Delta, GetDelta
from store_runtime.table.commands import PartySize, Pin, ScanCode
from store_runtime.table.projections import ScanAnswer
from store_runtime.table.rejections import (
    JoinOrNew,
    PinLocked,
    PinWrong,
    TableCodeNotFound,
    TableCodeVoid,
    TableFull,
    TableLocked,
    TableNotFound,
)
from store_runtime.table_session.commands import (
    ChangeParty,
    DeclareAllergens,
    EditCart,
    GetSession,
    JoinSession,
    LeaveSession,
    Seq,
    SetHost,
    WhereIsSession,
)
from store_runtime.table_session.projections import (
    CartAnswer,
    Joined,
    SessionPlace,
    SessionView,
)
from store_runtime.table_session.rejections import (
    GuestLeft,
    GuestNotFound,
    NotHost,
    PartyFixed,
    SessionClosed,
    SessionFull,
    SessionMoved,
    TableSessionNotFound,
)

table = Table("Tables")

GUEST_OR_STAFF = diner_or_staff("table.serve")


class JoinBody(msgspec.Struct, forbid_unknown_fields=True):
    """``join``: the party to join at a shared table; ``new``: have one of your own there."""

    party_size: PartySize = 0
    pin: Pin = ""
    join: Annotated[str, Meta(max_length=64)] = ""
    new: bool = False


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays. ``host``: a guest_id."""

    party_size: PartySize | None = None
    host: Annotated[str, Meta(max_length=64)] | None = None


class AllergensBody(msgspec.Struct, forbid_unknown_fields=True):
    """What you must not eat; it replaces what you said before, and nobody is told that it is you."""

    allergens: Annotated[tuple[Allergen, ...], Meta(max_length=11)]


class LeaveBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is asked."""


class SinceQuery(msgspec.Struct):
    """With ``since``: only what happened after that seq."""

    since: Seq | None = None


# --- cart ops, first because they are hot --------------------------------------------------------------------


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/cart/ops",
    audience=GUEST_OR_STAFF,
    body=CartOpsBody,
    answers={200: CartShown},
    key=Key.NONE,
    problems=[TableSessionNotFound, SessionMoved, SessionClosed, GuestLeft],
    example={"ops": [{"op_id": "a1", "op": "add", "dish_id": "crayfish", "quantity": 2}], "seen_seq": 3},
)
def change_cart(call: Call, done: Done) -> None:
    """Change the shared cart.

    Each op is accepted, merged or rejected by itself, and has an op_id of its own: sent again it is answered and not
    done again. Two who each add one have added two. A set_quantity on a line that others have changed since based_on
    is merged: the difference counts. Prices are the menu's.
    """

    def found(store_id: str) -> None:
        when_allowed_at(call, store_id, lambda: _change(call, store_id, done), done)

    call.door.sessions.find(call, found, done)


def _change(call: Call, store_id: str, done: Done) -> None:
    body: CartOpsBody = call.body

    def send(board: Board | None) -> None:
        now_ms = call.door.clock.now_ms()
        weekday, minute = (1, 0) if board is None else local_time(board.time_zone, now_ms)
        command = EditCart(
            ops=resolved(body, board, weekday, minute), user_id=call.user_id, by=who_if_staff(call)
        )
        session = f"table-session/{call.params['session_id']}"
        call.submit(session, command, CartAnswer, answered, done, call.command_id())

    def answered(answer: CartAnswer) -> None:
        results = [
            OpShown.of(result, fields) for result, fields in zip(answer.results, ignored(body), strict=True)
        ]
        done(Answer(200, CartShown(seq=answer.seq, results=results)))

    def failing(board: Board | None) -> None:
        try:
            send(board)
        except Exception as error:
            done(error)

    if need_menu(body):
        call.door.menus.read(store_id, failing, done)
    else:
        send(None)


# --- sit down ------------------------------------------------------------------------------------------------


@table.route(
    "POST",
    "/api/v1/tables/{table_token}/sessions",
    audience=DINER,
    body=JoinBody,
    answers={200: TableJoined, 201: TableJoined},
    problems=[
        TableTokenInvalid,
        TableCodeNotFound,
        TableNotFound,
        TableCodeVoid,
        TableLocked,
        PinWrong,
        PinLocked,
        JoinOrNew,
        TableFull,
        SessionFull,
        SessionMoved,
        SessionClosed,
    ],
    example={"party_size": 4},
)
async def sit_down(call: Call) -> Answer:
    """Scan a table's code.

    201: a session was opened, and you are its host. 200: you joined the one that was there. A table that its staff
    open answers 409 table_locked until they have; they have been told.
    """
    place = await call.door.tables.of(call, call.params["table_token"])
    body, command_id = call.body, call.command_id()
    scan = ScanCode(
        rotation=place.rotation,
        user_id=call.user_id,
        nickname=call.diner.nickname,
        party_size=body.party_size,
        pin=body.pin,
        session_id=body.join,
        new=body.new,
    )
    answer = await call.tell(f"table/{place.store_id}.{place.table_id}", scan, ScanAnswer, command_id)
    if answer.outcome == "waiting":
        raise TableLocked()
    if answer.outcome == "pin_wrong":
        raise PinWrong()
    session = f"table-session/{answer.session_id}"
    if answer.opening is not None:
        # The table's own message opens the same session under the same id; whichever arrives first does it.
        joined = await call.tell(session, answer.opening, Joined, derived_id(command_id, "open"))
    else:
        join = JoinSession(user_id=call.user_id, nickname=call.diner.nickname)
        joined = await call.tell(session, join, Joined, derived_id(command_id, "join"))
    call.door.sessions.heard(joined.session_id, place.store_id)
    shown = TableJoined(
        session_id=joined.session_id,
        seq=joined.seq,
        store_id=place.store_id,
        table_id=place.table_id,
        guest_id=joined.guest_id,
        label=answer.opening.label if answer.opening is not None else None,
    )
    return Answer(201 if answer.opening is not None else 200, shown)


@table.route(
    "GET",
    "/api/v1/table-sessions/{session_id}",
    audience=GUEST_OR_STAFF,
    query=SinceQuery,
    answers={200: (SessionShown, DeltaShown)},
    problems=[TableSessionNotFound],
)
async def show_session(call: Call) -> Answer:
    """A table's session: the whole view, or with since only what happened after that seq.

    Its guests may read it also after the table was cleared.
    """
    session = await staffed_session(call)
    if call.query.since is not None:
        delta = await call.ask(session, GetDelta(since=call.query.since, who=call.user_id), Delta)
        return Answer(200, DeltaShown.of(delta))
    return Answer(
        200, SessionShown.of(await call.ask(session, GetSession(user_id=call.user_id), SessionView))
    )


@table.route(
    "PATCH",
    "/api/v1/table-sessions/{session_id}",
    audience=GUEST_OR_STAFF,
    body=ChangeBody,
    answers={200: SessionShown},
    problems=[
        TableSessionNotFound,
        SessionMoved,
        SessionClosed,
        GuestLeft,
        NotHost,
        PartyFixed,
        GuestNotFound,
    ],
    example={"party_size": 4},
)
async def change_session(call: Call) -> Answer:
    """Change head count or host.

    Guests say how many they are until something was ordered; then it is the staff's.
    """
    session = await staffed_session(call)
    body, by, command_id = call.body, who_if_staff(call), call.command_id()
    if body.party_size is not None:
        party = ChangeParty(party_size=body.party_size, user_id=call.user_id, by=by)
        await call.tell(session, party, NoneType, derived_id(command_id, "party"))
    if body.host is not None:
        host = SetHost(guest_id=body.host, user_id=call.user_id, by=by)
        await call.tell(session, host, NoneType, derived_id(command_id, "host"))
    return Answer(
        200, SessionShown.of(await call.ask(session, GetSession(user_id=call.user_id), SessionView))
    )


@table.route(
    "PUT",
    "/api/v1/table-sessions/{session_id}/allergens",
    audience=DINER,
    body=AllergensBody,
    answers={200: SessionShown},
    problems=[TableSessionNotFound, SessionMoved, SessionClosed, GuestLeft],
    example={"allergens": ["peanut"]},
)
async def declare_allergens(call: Call) -> Answer:
    """Say what you must not eat.

    Only you see it. Whoever adds a dish that clashes is warned, and the kitchen sees a banner; nobody is named.
    """
    session = f"table-session/{call.params['session_id']}"
    await call.tell(session, DeclareAllergens(user_id=call.user_id, allergens=call.body.allergens), NoneType)
    return Answer(
        200, SessionShown.of(await call.ask(session, GetSession(user_id=call.user_id), SessionView))
    )


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/leave",
    audience=DINER,
    body=LeaveBody,
    answers={204: None},
    problems=[TableSessionNotFound, SessionMoved, SessionClosed],
    example={},
)
async def leave_session(call: Call) -> Answer:
    """Leave the table.

    What you put into the cart stays. The next guest is host. You can read the session and pay its bill;
    to order again, scan the table's code.
    """
    session = f"table-session/{call.params['session_id']}"
    await call.tell(session, LeaveSession(user_id=call.user_id), NoneType)
    return Answer(204)


async def staffed_session(call: Call) -> str:
    """The session's entity; of staff only when they may serve in its store. Raises Forbidden, or a Problem."""
    session = f"table-session/{call.params['session_id']}"
    if call.user_id:
        return session
    place = await call.ask(session, WhereIsSession(), SessionPlace)
    await call.must_be_allowed_at(place.store_id)
    return session
