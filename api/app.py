"""Puts the ingress together: ``create_app(services)`` is all that the silo calls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api import accounts, docs_page, ops
from api.audiences import PUBLIC
from api.call import Call
from api.diner import (
    bills,
    channel_orders,
    delivery,
    flash_sales,
    menu,
    orders,
    queue,
    recommendations,
    reservations,
    rushing,
    table_rounds,
    tables,
)
from api.door import Door
from api.endpoint import Endpoint, Resource
from api.fast_road import FastRoad
from api.live import routes as live_routes
from api.live.desk import Desk
from api.openapi import document
from api.operations import Answer, Handler, Operation
from api.rejections import RouteNotFound
from api.settings import Services
from api.staff import (
    accepting,
    approvals,
    audit,
    kitchen,
    kitchen_lines,
    menu_files,
    shifts,
    table_moves,
    unlisted,
)
from api.staff import accounts as staff_accounts
from api.staff import bills as staff_bills
from api.staff import delivery as staff_delivery
from api.staff import flash_sales as staff_flash_sales
from api.staff import menu as staff_menu
from api.staff import orders as staff_orders
from api.staff import queue as staff_queue
from api.staff import replay as staff_replay
from api.staff import reservations as staff_reservations
from api.staff import stock as staff_stock
from api.staff import store as staff_store
from api.staff import tables as staff_tables

API_VERSION = "1.0"

TABLES = (
    flash_sales.table,  # first, because the router tries one address after the other
    tables.table,
    table_rounds.table,
    rushing.table,
    bills.table,
    menu.table,
    recommendations.table,
    orders.table,
    delivery.table,
    channel_orders.table,
    reservations.table,
    staff_reservations.table,
    queue.table,
    staff_queue.table,
    staff_orders.table,
    staff_delivery.table,
    accounts.table,
    staff_flash_sales.table,
    staff_menu.table,
    menu_files.table,
    staff_stock.table,
    staff_tables.table,
    unlisted.table,
    staff_bills.table,
    table_moves.table,
    staff_store.table,
    kitchen.table,
    kitchen_lines.table,
    accepting.table,
    approvals.table,
    audit.table,
    shifts.table,
    staff_accounts.table,
    live_routes.table,
    staff_replay.table,
    ops.table,
    docs_page.table,
)


def all_operations() -> list[Operation]:
    """Every operation there is, the hottest first."""
    return [operation for table in TABLES for operation in table.operations]


def operations_of(services: Services) -> list[Operation]:
    """The operations of an ingress with these settings."""
    simulated = services.settings.simulated_channel
    return [one for one in all_operations() if simulated or "/payments/simulated/" not in one.path]


class Ingress(FastAPI):
    """FastAPI without what is never used here: no middleware of its own, documented by our operations.

    Errors, ids, limits and the size of a body are the endpoints' business (``endpoint.py``), so the stack that
    FastAPI puts around its router would only cost time. Middleware that is added is still run, but for what takes
    the fast road.
    """

    def __init__(self, services: Services) -> None:
        self.door = Door(services)
        self.operations = operations_of(services)
        super().__init__(
            title="Kaifan",
            openapi_url=None,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            lifespan=_lifespan,
        )
        for path, operations in _by_path([*self.operations, *docs_page.files.operations]).items():
            self.router.routes.append(Route(path, Resource(self.door, operations, _unrouted)))
        self.router.default = Endpoint(self.door, _unrouted(_nothing_here))
        self.door.openapi = self.openapi
        self.live = Desk(self.door, services.live, self.operations) if services.live is not None else None
        self.door.more_metrics = self.live.metrics if self.live is not None else tuple
        self.fast_road = FastRoad(self.door, self.operations) if services.settings.fast_road else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Starlette's; FastAPI's would look for telemetry in the environment at every request."""
        if scope["type"] == "http":
            await Starlette.__call__(self, scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """The router, inside middleware that was added by hand."""
        app: ASGIApp = self.router.app
        for middleware, args, kwargs in reversed(self.user_middleware):
            app = middleware(app, *args, **kwargs)
        return app

    def openapi(self) -> dict[str, Any]:
        """The document of the operations that run."""
        if self.openapi_schema is None:
            self.openapi_schema = document(self.operations, API_VERSION)
        return self.openapi_schema


def create_app(services: Services) -> Ingress:
    """The ingress of one silo, to be run on the silo's loop (``server.py``)."""
    return Ingress(services)


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    assert isinstance(app, Ingress)
    async with app.door.open():
        yield


def _by_path(operations: Sequence[Operation]) -> dict[str, list[Operation]]:
    paths: dict[str, list[Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, []).append(operation)
    return paths


def _unrouted(handler: Handler) -> Operation:
    """What answers where no operation does; counted under one name, so that no address becomes a label."""
    return Operation(
        method="*",
        path="/…",
        handler=handler,
        audience=PUBLIC,
        tag="System",
        summary="",
        description="",
        answers={},
        entity=False,
    )


async def _nothing_here(call: Call) -> Answer:
    raise RouteNotFound()
