"""接单, 拒单: orders of the channels by their id, rounds of tables by the kitchen's name for them (O2)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from api.approvals import WHO_HEADERS, who
from api.audiences import Audience, store_staff
from api.call import Call
from api.operations import Answer, Table
from api.order_views import OrderShown
from api.staff.kitchen_lines import OrderAddress
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.orders.commands import AcceptLines, LinesPlaced, RejectLines, RejectOrder
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.store.rejections import StoreNotFound
from store_runtime.takeout.commands import GetOrder
from store_runtime.takeout.projections import HeldAnswer, OrderView
from store_runtime.takeout.rejections import OrderNotFound

table = Table("Orders and money")

HANDLE = Audience(action="order.handle", where="any")
BATCH = 1
"""An order of a channel is placed at once."""

RejectReason = Annotated[str, Meta(min_length=1, max_length=200)]


class AcceptBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is asked."""


class RejectBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why; the guest reads it."""

    reason: RejectReason


class AcceptRoundBody(msgspec.Struct, forbid_unknown_fields=True):
    """``order`` and ``batch`` as the kitchen's list of what waits names them."""

    order: OrderAddress
    batch: Annotated[int, Meta(ge=1, le=1_000_000)]


class RejectRoundBody(msgspec.Struct, forbid_unknown_fields=True):
    """The same, and why; the guest reads it."""

    order: OrderAddress
    batch: Annotated[int, Meta(ge=1, le=1_000_000)]
    reason: RejectReason


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/accept",
    audience=HANDLE,
    body=AcceptBody,
    answers={200: OrderShown},
    problems=[OrderNotFound, OrderUnknown, IllegalTransition],
    headers=WHO_HEADERS,
    example={},
)
async def accept_order(call: Call) -> Answer:
    """接单: what was paid goes to the kitchen.

    Impossible once it was rejected or its refund has begun. Accepting twice changes nothing.
    """
    order, view = await _order(call)
    command_id = call.command_id()
    accept = AcceptLines(order=order, batch=BATCH, by=who(call))
    placed = await call.tell(f"store/{view.store_id}", accept, PlacedLines, command_id)
    # The store's own message says the same under the same id; whichever arrives first does it.
    told = LinesPlaced(placed=placed, fired=True)
    await call.tell(order, told, HeldAnswer, derived_id(command_id, "fired"))
    return await _shown(call, order)


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/reject",
    audience=HANDLE,
    body=RejectBody,
    answers={200: OrderShown},
    problems=[OrderNotFound, OrderUnknown, IllegalTransition, InvalidField],
    headers=WHO_HEADERS,
    example={"reason": "煤气停了"},
)
async def reject_order(call: Call) -> Answer:
    """拒单: its stock is free, and what was paid is refunded.

    Impossible once it was accepted; then its lines are cancelled or refunded.
    """
    order, view = await _order(call)
    command_id, by = call.command_id(), who(call)
    reject = RejectLines(order=order, batch=BATCH, reason=call.body.reason, by=by)
    await call.tell(f"store/{view.store_id}", reject, type(None), command_id)
    told = RejectOrder(batch=BATCH, reason=call.body.reason, by=by)
    await call.tell(order, told, type(None), derived_id(command_id, "rejected"))
    return await _shown(call, order)


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/kitchen/rounds/accept",
    audience=store_staff("order.handle"),
    body=AcceptRoundBody,
    answers={204: None},
    problems=[StoreNotFound, OrderUnknown, IllegalTransition, InvalidField],
    headers=WHO_HEADERS,
    example={"order": "table-session/ts7mkb2h6vqx3a4c5d", "batch": 2},
)
async def accept_round(call: Call) -> Answer:
    """接单 of a round of a table, where the store wants that."""
    accept = AcceptLines(order=call.body.order, batch=call.body.batch, by=who(call))
    await call.tell(f"store/{call.params['store_id']}", accept, PlacedLines)
    return Answer(204)


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/kitchen/rounds/reject",
    audience=store_staff("order.handle"),
    body=RejectRoundBody,
    answers={204: None},
    problems=[StoreNotFound, OrderUnknown, IllegalTransition, InvalidField],
    headers=WHO_HEADERS,
    example={"order": "table-session/ts7mkb2h6vqx3a4c5d", "batch": 2, "reason": "卖完了"},
)
async def reject_round(call: Call) -> Answer:
    """拒单 of a round of a table: its stock is free, and what was paid for it is refunded."""
    body = call.body
    reject = RejectLines(order=body.order, batch=body.batch, reason=body.reason, by=who(call))
    await call.tell(f"store/{call.params['store_id']}", reject, type(None))
    return Answer(204)


async def _order(call: Call) -> tuple[str, OrderView]:
    """The order's entity and its view, if it is of a store where the caller may handle orders."""
    order = f"takeout/{call.params['order_id']}"
    view = await call.ask(order, GetOrder(), OrderView)
    await call.must_be_allowed_at(view.store_id)
    return order, view


async def _shown(call: Call, order: str) -> Answer:
    return Answer(200, OrderShown.of(await call.ask(order, GetOrder(), OrderView)))
