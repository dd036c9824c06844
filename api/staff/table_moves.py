"""换台, 并台, 拼台, 拆台, 转菜 over HTTP (T8).

Each handler goes the way of the sessions' own messages, word by word under their ids, so that the answer is there
when all is done; whichever arrives first does it, and if this silo dies the messages finish it.
"""

from __future__ import annotations

from types import NoneType
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from actors.words import Command
from api.approvals import WHO_HEADERS, who
from api.audiences import Audience
from api.call import Call
from api.operations import Answer, Key, Table
from api.problems import Problem
from api.staff.tables import session_for_staff
from api.table_views import SessionShown
from store_runtime.table.projections import Received
from store_runtime.table.rejections import TableFull, TableNotFound, TableTaken
from store_runtime.table_session.commands import GetSession
from store_runtime.table_session.moving.commands import (
    BeCombined,
    Combine,
    ComeBack,
    GiveBackRefused,
    Merge,
    MergeRefused,
    MoveLines,
    MoveQuantity,
    ParcelArrived,
    ParcelReturned,
    SessionId,
    Transfer,
    TransferRefused,
    Uncombine,
)
from store_runtime.table_session.moving.projections import (
    MergeAnswer,
    ParcelAnswer,
    ReservedAnswer,
    TransferAnswer,
)
from store_runtime.table_session.projections import SessionView
from store_runtime.table_session.rejections import (
    IllegalTransition,
    InvalidField,
    LineNotFound,
    MoneyMoved,
    SessionBusy,
    SessionClosed,
    SessionMoved,
    TableSessionNotFound,
)

table = Table("Tables")

MANAGE_SESSION = Audience(action="table.manage", where="any")
EVERY_MOVE = (TableSessionNotFound, SessionClosed, SessionMoved, SessionBusy, InvalidField)
View = TypeVar("View")
REJECTED = "rejected"
"""The step of an undoing, as the courier names it."""


class TransferBody(msgspec.Struct, forbid_unknown_fields=True):
    """Where the party goes."""

    to_table_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$(?!\n)")]


class MergeBody(msgspec.Struct, forbid_unknown_fields=True):
    """``from``: the session whose guests and lines come here."""

    from_session: SessionId = msgspec.field(name="from")


class UnmergeBody(msgspec.Struct, forbid_unknown_fields=True):
    """``session_id``: the session that was merged, or combined with, this one."""

    session_id: SessionId


class CombineBody(msgspec.Struct, forbid_unknown_fields=True):
    """``session_id``: the other party."""

    session_id: SessionId


class MoveBody(msgspec.Struct, forbid_unknown_fields=True):
    """``quantity`` of the line, or with 0 all of it."""

    to_session_id: SessionId
    quantity: MoveQuantity = 0


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/transfer",
    audience=MANAGE_SESSION,
    body=TransferBody,
    answers={200: SessionShown},
    key=Key.OPTIONAL,
    problems=[*EVERY_MOVE, TableNotFound, TableTaken, TableFull],
    headers=WHO_HEADERS,
    example={"to_table_id": "9"},
)
async def transfer_session(call: Call) -> Answer:
    """换台: the party sits at another table.

    Session, cart, bill and phones go along; the kitchen gets one slip. A table that is taken refuses, unless
    strangers share it.
    """
    session, _ = await session_for_staff(call)
    command_id = call.command_id()
    transfer = Transfer(to_table_id=call.body.to_table_id, by=who(call))
    answer = await call.tell(session, transfer, TransferAnswer, command_id)
    await _reserve(call, session, answer, command_id)
    return await _shown(call, session)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/merge",
    audience=MANAGE_SESSION,
    body=MergeBody,
    answers={200: SessionShown},
    key=Key.OPTIONAL,
    problems=[*EVERY_MOVE, MoneyMoved],
    headers=WHO_HEADERS,
    example={"from": "ts4kq2zt7x3v6m1b5d"},
)
async def merge_sessions(call: Call) -> Answer:
    """并台: another party's guests, cart and lines come here, on one bill.

    The other session can still be read and says where it went; its guests' tokens are good here.
    """
    session, _ = await session_for_staff(call)
    command_id = call.command_id()
    merge = Merge(from_session=call.body.from_session, by=who(call))
    answer = await call.tell(session, merge, MergeAnswer, command_id)
    other, give_id = f"table-session/{answer.from_session}", derived_id(command_id, "give")
    undo = MergeRefused(from_session=answer.from_session)
    parcel = await _step(call, other, answer.give, ParcelAnswer, give_id, session, undo)
    await _hand_over(call, other, parcel, give_id)
    return await _shown(call, session)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/unmerge",
    audience=MANAGE_SESSION,
    body=UnmergeBody,
    answers={200: SessionShown},
    key=Key.OPTIONAL,
    problems=[*EVERY_MOVE, MoneyMoved, IllegalTransition, TableTaken, TableNotFound, TableFull],
    headers=WHO_HEADERS,
    example={"session_id": "ts4kq2zt7x3v6m1b5d"},
)
async def unmerge_session(call: Call) -> Answer:
    """拆台: a merged party sits at its table again and has its lines back; of combined ones, each sits alone.

    Those who stay may have paid theirs; 409 money_moved once somebody paid, or is paying, what would go.
    """
    session, store_id = await session_for_staff(call)
    command_id, other_id = call.command_id(), call.body.session_id
    other = f"table-session/{other_id}"
    view = await call.ask(session, GetSession(), SessionView)
    if other_id in view.combined:
        apart = Uncombine(with_session=other_id, by=who(call))
        await call.tell(session, apart, NoneType, command_id)
        return await _shown(call, session)
    there = await call.ask(other, GetSession(), SessionView)
    if there.store_id != store_id or (there.moved_to and there.moved_to != call.params["session_id"]):
        raise TableSessionNotFound()
    answer = await call.tell(other, ComeBack(by=who(call)), TransferAnswer, command_id)
    reserved, reserved_id = await _reserve(call, other, answer, command_id)
    if reserved is not None and reserved.give_back is not None:
        give_id = derived_id(reserved_id, "giveback")
        parcel = await _step(
            call, session, reserved.give_back, ParcelAnswer, give_id, other, GiveBackRefused()
        )
        await _hand_over(call, session, parcel, give_id)
    return await _shown(call, session)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/combine",
    audience=MANAGE_SESSION,
    body=CombineBody,
    answers={200: SessionShown},
    key=Key.OPTIONAL,
    problems=EVERY_MOVE,
    headers=WHO_HEADERS,
    example={"session_id": "ts4kq2zt7x3v6m1b5d"},
)
async def combine_sessions(call: Call) -> Answer:
    """拼台: two parties sit together and keep their bills."""
    session, _ = await session_for_staff(call)
    command_id, other_id = call.command_id(), call.body.session_id
    answer = await call.tell(session, Combine(with_session=other_id, by=who(call)), BeCombined, command_id)
    undo = Uncombine(with_session=other_id, told=True)
    step_id = derived_id(command_id, "combine")
    await _step(call, f"table-session/{other_id}", answer, NoneType, step_id, session, undo)
    return await _shown(call, session)


@table.route(
    "POST",
    "/api/v1/table-sessions/{session_id}/lines/{line_id}/move",
    audience=MANAGE_SESSION,
    body=MoveBody,
    answers={200: SessionShown},
    key=Key.REQUIRED,
    problems=[*EVERY_MOVE, LineNotFound, MoneyMoved],
    headers=WHO_HEADERS,
    example={"to_session_id": "ts4kq2zt7x3v6m1b5d", "quantity": 1},
)
async def move_line(call: Call) -> Answer:
    """转菜: an ordered line, or some of it, is another party's from now on."""
    session, _ = await session_for_staff(call)
    command_id = call.command_id()
    move = MoveLines(
        line_ids=(call.params["line_id"],),
        quantity=call.body.quantity,
        to_session=call.body.to_session_id,
        by=who(call),
    )
    parcel = await call.tell(session, move, ParcelAnswer, command_id)
    await _hand_over(call, session, parcel, command_id)
    return await _shown(call, session)


async def _reserve(
    call: Call, session: str, answer: TransferAnswer, cause: bytes
) -> tuple[ReservedAnswer | None, bytes]:
    """The table is asked, and the session hears what it said; the id under which it heard it."""
    if answer.receive is None:
        return None, b""
    ask_id = derived_id(cause, "receive")
    undo = TransferRefused(table_id=answer.table.rpartition(".")[2])
    received = await _step(call, f"table/{answer.table}", answer.receive, Received, ask_id, session, undo)
    heard_id = derived_id(ask_id, "received")
    return await call.tell(session, received.reserved, ReservedAnswer, heard_id), heard_id


async def _hand_over(call: Call, sender: str, answer: ParcelAnswer, cause: bytes) -> None:
    """The parcel is taken, and its sender hears it; or it is back."""
    take_id, parcel_id = derived_id(cause, "parcel"), answer.take.parcel.parcel_id
    receiver = f"table-session/{answer.to_session}"
    undo = ParcelReturned(parcel_id=parcel_id)
    await _step(call, receiver, answer.take, NoneType, take_id, sender, undo)
    await call.tell(sender, ParcelArrived(parcel_id=parcel_id), NoneType, derived_id(take_id, "arrived"))


async def _step(
    call: Call, entity: str, word: Command, view: type[View], id: bytes, sender: str, undo: Command
) -> View:
    """A step of a saga: what the entity answers; if it is a no, the sender undoes what it did, and the no is told."""
    try:
        return await call.tell_step(entity, word, view, id)
    except Problem as no:
        if no.status < 500:
            await call.tell(sender, undo, NoneType, derived_id(id, REJECTED))
        raise


async def _shown(call: Call, session: str) -> Answer:
    return Answer(200, SessionShown.of(await call.ask(session, GetSession(), SessionView)))
