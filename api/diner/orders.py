"""Orders and payments: a diner sees their own, staff those of their store."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api import ids
from api.audiences import DINER, diner_or_staff
from api.call import Call
from api.operations import Answer, Table
from api.order_views import OrderShown
from api.views import OrderLine, OrderList, PaymentShown
from store_runtime.diner_orders.commands import PAGE_MAX, ListOrders
from store_runtime.diner_orders.projections import OrderPage
from store_runtime.rejections import InvalidField
from store_runtime.takeout.commands import CancelOrder, GetOrder, GetPayment, PaymentOutcome, ReportPayment
from store_runtime.takeout.projections import OrderView, PaymentView
from store_runtime.takeout.rejections import IllegalTransition, OrderNotFound, PaymentNotFound

table = Table("Orders and money")


class OrdersQuery(msgspec.Struct):
    """``cursor``: the next_cursor of the page before; ``limit``: rows of a page."""

    cursor: Annotated[str, Meta(max_length=200)] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20


class CancelBody(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing is asked of the diner."""


class OutcomeBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the simulated channel says of the payment."""

    outcome: PaymentOutcome


@table.route(
    "GET",
    "/api/v1/orders",
    audience=DINER,
    query=OrdersQuery,
    answers={200: OrderList},
    problems=[InvalidField],
)
async def list_orders(call: Call) -> Answer:
    """One's own orders, newest first."""
    query = ListOrders(cursor=call.query.cursor, limit=call.query.limit)
    page = await call.ask(f"diner-orders/{call.user_id}", query, OrderPage)
    items = [OrderLine.of(row) for row in page.items]
    return Answer(200, OrderList(items=items, next_cursor=page.next_cursor))


@table.route(
    "GET",
    "/api/v1/orders/{order_id}",
    audience=diner_or_staff("order.read"),
    answers={200: OrderShown},
    problems=[OrderNotFound],
)
async def show_order(call: Call) -> Answer:
    """An order with its bill."""
    order = f"takeout/{call.params['order_id']}"
    view = await call.ask(order, GetOrder(user_id=call.user_id), OrderView)
    await call.must_be_allowed_at(view.store_id)
    seen_whole = call.user_id or await call.may_at(view.store_id, "order.handle")
    return Answer(200, OrderShown.of(view, call.door.seal if seen_whole else None))


@table.route(
    "POST",
    "/api/v1/orders/{order_id}/cancel",
    audience=DINER,
    body=CancelBody,
    answers={200: OrderShown},
    problems=[OrderNotFound, IllegalTransition],
    example={},
)
async def cancel_order(call: Call) -> Answer:
    """Cancel an order that is not paid.

    Its payment is closed and its claim given back; money that comes all the same is refunded.
    """
    order = f"takeout/{call.params['order_id']}"
    view = await call.tell(order, CancelOrder(user_id=call.user_id), OrderView)
    return Answer(200, OrderShown.of(view, call.door.seal))


@table.route(
    "GET",
    "/api/v1/payments/{payment_id}",
    audience=diner_or_staff("order.read"),
    answers={200: PaymentShown},
    problems=[PaymentNotFound],
)
async def show_payment(call: Call) -> Answer:
    """A payment as it stands."""
    return Answer(200, PaymentShown.of(await _payment(call)))


@table.route(
    "POST",
    "/api/v1/payments/simulated/{payment_id}",
    audience=diner_or_staff("order.handle"),
    body=OutcomeBody,
    answers={200: PaymentShown},
    problems=[PaymentNotFound, IllegalTransition],
    example={"outcome": "paid"},
)
async def report_simulated_payment(call: Call) -> Answer:
    """Say what the simulated channel says: paid, failed, or late.

    ``late`` may be sent at any time: the channel then reports it paid after our close or expiry. Only where the
    simulated channel is on.
    """
    payment_id = call.params["payment_id"]
    if not call.user_id:
        await _payment(call)
    command = ReportPayment(payment_id=payment_id, outcome=call.body.outcome, user_id=call.user_id)
    view = await call.tell(_owner_of(payment_id), command, PaymentView)
    return Answer(200, PaymentShown.of(view))


async def _payment(call: Call) -> PaymentView:
    """The payment, if the caller may see it."""
    payment_id = call.params["payment_id"]
    query = GetPayment(payment_id=payment_id, user_id=call.user_id)
    view = await call.ask(_owner_of(payment_id), query, PaymentView)
    await call.must_be_allowed_at(view.store_id)
    return view


def _owner_of(payment_id: str) -> str:
    if not ids.order_of(payment_id):
        raise PaymentNotFound()
    return ids.owner_of(payment_id)
