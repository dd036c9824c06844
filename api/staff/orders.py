"""Orders of the channels as staff handle them: accept, reject, call, hand over, send out, give money back."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from api.approvals import APPROVAL_HEADERS, WHO_HEADERS, authorize, who
from api.audiences import Audience
from api.call import Call
from api.operations import Answer, Key, Table
from api.order_views import OrderShown
from api.rejections import ApprovalInvalid, SecondPersonRequired
from store_runtime.store.orders.commands import AcceptLines, LinesPlaced, RejectLines, RejectOrder
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.takeout.channel import BATCH
from store_runtime.takeout.commands import (
    CallNumber,
    FulfilOrder,
    GetOrder,
    GetRefund,
    MoveRider,
    Reason,
    RefundedLines,
    RefundLines,
    RideState,
)
from store_runtime.takeout.projections import HeldAnswer, OrderView, RefundView
from store_runtime.takeout.rejections import (
    IllegalTransition,
    InvalidField,
    OrderNotFound,
    OverRefund,
    RefundChanged,
)

table = Table("Orders and money")

HANDLE = Audience(action="order.handle", where="any")
REFUND = Audience(action="line.refund", where="any")


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing more is asked."""


class RejectBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why; the diner reads it."""

    reason: Reason


class RiderBody(msgspec.Struct, forbid_unknown_fields=True):
    """``rider``: who it is, with assigned; ``reason`` with failed."""

    to: RideState
    rider: Annotated[str, Meta(max_length=64)] = ""
    reason: Annotated[str, Meta(max_length=200)] = ""


class RefundBody(msgspec.Struct, forbid_unknown_fields=True):
    """So many of which lines, and why."""

    lines: RefundedLines
    reason: Reason


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/accept",
    audience=HANDLE,
    body=NoBody,
    answers={200: OrderShown},
    headers=WHO_HEADERS,
    problems=[OrderNotFound, OrderUnknown, IllegalTransition],
    example={},
)
async def accept_order(call: Call) -> Answer:
    """接单: what is paid goes to the kitchen.

    Impossible after a rejection, because its refund has begun. Accepting twice changes nothing.
    """
    store_id = await _store_of(call)
    order, command_id = _order(call), call.command_id()
    command = AcceptLines(order=order, batch=BATCH, by=who(call))
    placed = await call.tell(f"store/{store_id}", command, PlacedLines, command_id)
    # The store's own message says the same under the same id; whichever arrives first does it.
    told = LinesPlaced(placed=placed, fired=True)
    await call.tell(order, told, HeldAnswer, derived_id(command_id, "fired"))
    return await _shown(call)


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/reject",
    audience=HANDLE,
    body=RejectBody,
    answers={200: OrderShown},
    headers=WHO_HEADERS,
    problems=[OrderNotFound, OrderUnknown, IllegalTransition, InvalidField],
    example={"reason": "今天的鱼卖完了"},
)
async def reject_order(call: Call) -> Answer:
    """拒单: its dishes are free again and what was paid goes back.

    The refund starts in the turn in which the order hears of it.
    """
    store_id = await _store_of(call)
    order, command_id, by = _order(call), call.command_id(), who(call)
    reason = call.body.reason
    command = RejectLines(order=order, batch=BATCH, reason=reason, by=by)
    await call.tell(f"store/{store_id}", command, type(None), command_id)
    told = RejectOrder(batch=BATCH, reason=reason, by=by)
    await call.tell(order, told, type(None), derived_id(command_id, "rejected"))
    return await _shown(call)


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/call",
    audience=HANDLE,
    body=NoBody,
    answers={200: OrderShown},
    headers=WHO_HEADERS,
    problems=[OrderNotFound, IllegalTransition],
    example={},
)
async def call_number(call: Call) -> Answer:
    """叫号: call the number, or call it again."""
    await _store_of(call)
    view = await call.tell(_order(call), CallNumber(by=who(call)), OrderView)
    return Answer(200, OrderShown.of(view, call.door.seal))


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/fulfil",
    audience=HANDLE,
    body=NoBody,
    answers={200: OrderShown},
    headers=WHO_HEADERS,
    problems=[OrderNotFound, IllegalTransition],
    example={},
)
async def fulfil_order(call: Call) -> Answer:
    """The guest has their food.

    An order whose lines were all served in the kitchen is fulfilled by itself, a delivery when it is delivered.
    """
    await _store_of(call)
    view = await call.tell(_order(call), FulfilOrder(by=who(call)), OrderView)
    return Answer(200, OrderShown.of(view, call.door.seal))


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/rider",
    audience=HANDLE,
    body=RiderBody,
    answers={200: OrderShown},
    headers=WHO_HEADERS,
    problems=[OrderNotFound, IllegalTransition, InvalidField],
    example={"to": "assigned", "rider": "小李"},
)
async def move_rider(call: Call) -> Answer:
    """How a delivery is on its way.

    assigned → picked_up → delivered, which fulfils it, or failed, after which it may be assigned again.
    """
    await _store_of(call)
    body: RiderBody = call.body
    command = MoveRider(to=body.to, rider=body.rider, reason=body.reason, by=who(call))
    view = await call.tell(_order(call), command, OrderView)
    return Answer(200, OrderShown.of(view, call.door.seal))


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/refunds",
    audience=REFUND,
    body=RefundBody,
    answers={200: OrderShown},
    key=Key.REQUIRED,
    headers=APPROVAL_HEADERS,
    problems=[
        OrderNotFound,
        IllegalTransition,
        OverRefund,
        RefundChanged,
        SecondPersonRequired,
        ApprovalInvalid,
        InvalidField,
    ],
    example={"lines": [{"line_id": "oabcdefghijklmnop.l1", "quantity": 1}], "reason": "漏了一份"},
)
async def refund_lines(call: Call) -> Answer:
    """Give money back for lines.

    The amount is what the bill comes to before, less what it comes to after; the box goes back with its dish. What
    the kitchen has not begun it need not make. Above what the role may do alone, a second person approves.
    """
    store_id = await _store_of(call)
    body: RefundBody = call.body
    order = _order(call)
    request = call.command_id()
    refund = await call.ask(order, GetRefund(lines=body.lines, request=request), RefundView)
    by = await authorize(call, store_id, "line.refund", refund.amount_fen)
    command = RefundLines(
        lines=body.lines, reason=body.reason, amount_fen=refund.amount_fen, request=request, by=by
    )
    view = await call.tell(order, command, OrderView)
    return Answer(200, OrderShown.of(view, call.door.seal))


def _order(call: Call) -> str:
    return f"takeout/{call.params['order_id']}"


async def _store_of(call: Call) -> str:
    """The order's store, where the caller must be allowed to act."""
    view = await call.ask(_order(call), GetOrder(), OrderView)
    await call.must_be_allowed_at(view.store_id)
    return view.store_id


async def _shown(call: Call) -> Answer:
    view = await call.ask(_order(call), GetOrder(), OrderView)
    return Answer(200, OrderShown.of(view, call.door.seal))
