"""Every step of a kitchen line, 起菜 and 催菜 (O3, O8): what cooks, the pass and the floor do."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.words import Command
from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.operations import Answer, Table
from api.staff.kitchen_views import KitchenLine
from pricing.selection import LineQuantity
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.kitchen.commands import (
    REPLY_MINUTES_MAX,
    AnswerCancel,
    AnswerRush,
    FireCourse,
    HandStep,
    MoveLine,
    Reason,
    RushLine,
    TakeStep,
)
from store_runtime.store.kitchen.projections import LineView
from store_runtime.store.kitchen.rejections import KitchenLineNotFound, TooSoon
from store_runtime.store.kitchen.terms import StationName
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.store.rejections import StoreNotFound

table = Table("Kitchen")

COOK = store_staff("kitchen.cook")
PASS = store_staff("kitchen.pass")

LINE = "/api/v1/stores/{store_id}/kitchen/lines/{kitchen_line_id}"
OrderAddress = Annotated[str, Meta(min_length=1, max_length=160, pattern=r"^[a-z-]+/[A-Za-z0-9._-]+$(?!\n)")]
_LINE_PROBLEMS = (KitchenLineNotFound, IllegalTransition, InvalidField)


class StepBody(msgspec.Struct, forbid_unknown_fields=True):
    """``quantity``: only so many of the line, which become a line of their own."""

    quantity: LineQuantity | None = None
    reason: Reason = ""


class AnswerBody(msgspec.Struct, forbid_unknown_fields=True):
    """``reason``: for who asked."""

    reason: Reason = ""


class RushBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is asked."""


class ReplyBody(msgspec.Struct, forbid_unknown_fields=True):
    """``minutes`` from now until it is ready; ``text``: what else there is to say."""

    minutes: Annotated[int, Meta(ge=0, le=REPLY_MINUTES_MAX)]
    text: Reason = ""


class MoveBody(msgspec.Struct, forbid_unknown_fields=True):
    """The station that makes it from now on."""

    station: StationName


class CourseBody(msgspec.Struct, forbid_unknown_fields=True):
    """``order`` as kitchen lines name it; ``course`` empty: all of it that waits."""

    order: OrderAddress
    course: Annotated[str, Meta(max_length=64)] = ""


class Fired(msgspec.Struct, frozen=True):
    """The kitchen lines that went on the fire."""

    line_ids: list[str]


@table.route(
    "POST",
    f"{LINE}/fire",
    audience=PASS,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def fire_kitchen_line(call: Call) -> Answer:
    """起菜: what was on hold is to be made now."""
    return await _step(call, "FIRE")


@table.route(
    "POST",
    f"{LINE}/hold",
    audience=PASS,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def hold_kitchen_line(call: Call) -> Answer:
    """叫起: what is queued waits until it is fired."""
    return await _step(call, "HOLD")


@table.route(
    "POST",
    f"{LINE}/start",
    audience=COOK,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def start_kitchen_line(call: Call) -> Answer:
    """Begin to cook.

    From now on a cancel asks the kitchen, and what it gives up is waste.
    """
    return await _step(call, "START")


@table.route(
    "POST",
    f"{LINE}/ready",
    audience=COOK,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def ready_kitchen_line(call: Call) -> Answer:
    """It is ready, at the pass."""
    return await _step(call, "READY")


@table.route(
    "POST",
    f"{LINE}/serve",
    audience=PASS,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def serve_kitchen_line(call: Call) -> Answer:
    """It is with the guest, or handed out."""
    return await _step(call, "SERVE")


@table.route(
    "POST",
    f"{LINE}/recall",
    audience=COOK,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def recall_kitchen_line(call: Call) -> Answer:
    """Take a step back: served is ready again, ready is cooking again."""
    return await _step(call, "RECALL")


@table.route(
    "POST",
    f"{LINE}/remake",
    audience=COOK,
    body=StepBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={"quantity": 1, "reason": "掉地上了"},
)
async def remake_kitchen_line(call: Call) -> Answer:
    """Make it once more.

    What was made is waste, and another one leaves the stock; the guest pays for one.
    """
    return await _step(call, "REMAKE")


async def _step(call: Call, step: HandStep) -> Answer:
    body = call.body
    return await _line(
        call,
        TakeStep(line_id=_line_id(call), step=step, quantity=body.quantity, reason=body.reason, by=who(call)),
    )


@table.route(
    "POST",
    f"{LINE}/cancel-ok",
    audience=COOK,
    body=AnswerBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={},
)
async def agree_to_cancel(call: Call) -> Answer:
    """退菜: the kitchen gives up what it was asked to.

    What was begun is waste, the rest is in stock again. Of a set one answer is for all its parts.
    """
    return await _answer_cancel(call, agreed=True)


@table.route(
    "POST",
    f"{LINE}/cancel-refuse",
    audience=COOK,
    body=AnswerBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={"reason": "已经出锅了"},
)
async def refuse_to_cancel(call: Call) -> Answer:
    """退菜: too late; the line goes on from where it was."""
    return await _answer_cancel(call, agreed=False)


async def _answer_cancel(call: Call, *, agreed: bool) -> Answer:
    command = AnswerCancel(line_id=_line_id(call), agreed=agreed, reason=call.body.reason, by=who(call))
    return await _line(call, command)


@table.route(
    "POST",
    f"{LINE}/move",
    audience=COOK,
    body=MoveBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={"station": "grill"},
)
async def move_kitchen_line(call: Call) -> Answer:
    """Another station makes it."""
    return await _line(call, MoveLine(line_id=_line_id(call), station=call.body.station, by=who(call)))


@table.route(
    "POST",
    f"{LINE}/rush",
    audience=PASS,
    body=RushBody,
    answers={200: KitchenLine},
    problems=(*_LINE_PROBLEMS, TooSoon),
    headers=WHO_HEADERS,
    example={},
)
async def rush_kitchen_line(call: Call) -> Answer:
    """催菜: ask the kitchen where it is.

    Once per cooldown and line; the kitchen answers with rush-reply.
    """
    return await _line(call, RushLine(line_id=_line_id(call), by=who(call)))


@table.route(
    "POST",
    f"{LINE}/rush-reply",
    audience=COOK,
    body=ReplyBody,
    answers={200: KitchenLine},
    problems=_LINE_PROBLEMS,
    headers=WHO_HEADERS,
    example={"minutes": 4, "text": "马上好"},
)
async def answer_rush(call: Call) -> Answer:
    """The kitchen says when it will be ready; the guest hears it."""
    body = call.body
    return await _line(
        call, AnswerRush(line_id=_line_id(call), minutes=body.minutes, text=body.text, by=who(call))
    )


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/kitchen/courses/fire",
    audience=PASS,
    body=CourseBody,
    answers={200: Fired},
    problems=[StoreNotFound, OrderUnknown, IllegalTransition, InvalidField, TooSoon],
    headers=WHO_HEADERS,
    example={"order": "table-session/ts7mkb2h6vqx3a4c5d", "course": "main"},
)
async def fire_course(call: Call) -> Answer:
    """起菜 of a course of an order, or of all of it that waits."""
    command = FireCourse(order=call.body.order, course=call.body.course, by=who(call))
    return Answer(200, Fired(await call.tell(_store(call), command, list[str])))


def _store(call: Call) -> str:
    return f"store/{call.params['store_id']}"


def _line_id(call: Call) -> str:
    return call.params["kitchen_line_id"]


async def _line(call: Call, command: Command) -> Answer:
    return Answer(200, KitchenLine.of(await call.tell(_store(call), command, LineView)))
