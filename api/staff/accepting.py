"""接单, 拒单 of rounds of tables, where the store wants that (O2). Orders of the channels: ``orders.py``."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.operations import Answer, Table
from api.staff.kitchen_lines import OrderAddress
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.orders.commands import AcceptLines, RejectLines
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import OrderUnknown
from store_runtime.store.rejections import StoreNotFound

table = Table("Kitchen")

HANDLE = store_staff("order.handle")

BatchNumber = Annotated[int, Meta(ge=1, le=1_000_000)]


class AcceptRoundBody(msgspec.Struct, forbid_unknown_fields=True):
    """``order`` and ``batch`` as the kitchen's list of what waits names them."""

    order: OrderAddress
    batch: BatchNumber


class RejectRoundBody(msgspec.Struct, forbid_unknown_fields=True):
    """The same, and why; the guest reads it."""

    order: OrderAddress
    batch: BatchNumber
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/kitchen/rounds/accept",
    audience=HANDLE,
    body=AcceptRoundBody,
    answers={204: None},
    problems=[StoreNotFound, OrderUnknown, IllegalTransition, InvalidField],
    headers=WHO_HEADERS,
    example={"order": "table-session/ts7mkb2h6vqx3a4c5d", "batch": 2},
)
async def accept_round(call: Call) -> Answer:
    """接单 of a round of a table: it goes to the kitchen."""
    accept = AcceptLines(order=call.body.order, batch=call.body.batch, by=who(call))
    await call.tell(f"store/{call.params['store_id']}", accept, PlacedLines)
    return Answer(204)


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/kitchen/rounds/reject",
    audience=HANDLE,
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
