"""Flash sales as a manager runs them: create, change, stop."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.turn import derived_id
from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.bodies import moment_field
from api.call import Call
from api.moments import MomentField
from api.operations import Answer, Key, Table
from api.views import Sale
from flash_sale.commands import (
    HOLD_SECONDS,
    ChangeSale,
    DrawWindowMs,
    GetSale,
    HoldSeconds,
    PerUserLimit,
    Policy,
    PriceFen,
    Stock,
    StopSale,
    Text,
    Title,
)
from flash_sale.projections import SaleView
from flash_sale.rejections import AlreadyStarted, Ended, FlashSaleNotFound, InvalidField
from store_runtime.store.commands import CreateFlashSale
from store_runtime.store.menu.rejections import DishNotFound
from store_runtime.store.projections import FlashSaleCreation
from store_runtime.store.rejections import NotEnoughStock, StoreNotFound

table = Table("Flash sale")

MANAGE = store_staff("flash_sale.manage")


class CreateBody(msgspec.Struct, forbid_unknown_fields=True):
    """A sale as it is planned. A ``starts_at`` that is past opens it at once."""

    title: Title
    dish_id: Text
    price_fen: PriceFen
    stock: Stock
    per_user_limit: PerUserLimit
    starts_at: MomentField
    ends_at: MomentField
    hold_seconds: HoldSeconds = HOLD_SECONDS
    policy: Policy = "fifo"
    draw_window_ms: DrawWindowMs = 0
    entry_required: bool = True


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    title: Title | None = None
    price_fen: PriceFen | None = None
    starts_at: MomentField | None = None
    ends_at: MomentField | None = None
    per_user_limit: PerUserLimit | None = None
    hold_seconds: HoldSeconds | None = None
    draw_window_ms: DrawWindowMs | None = None
    entry_required: bool | None = None


class StopBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why it is stopped, for the record."""

    reason: Annotated[str, Meta(max_length=200)] = ""


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/flash-sales",
    audience=MANAGE,
    body=CreateBody,
    answers={201: Sale},
    key=Key.REQUIRED,
    problems=[StoreNotFound, DishNotFound, NotEnoughStock, InvalidField],
    headers=WHO_HEADERS,
    example={
        "title": "夜宵小龙虾",
        "dish_id": "crayfish",
        "price_fen": 990,
        "stock": 100,
        "per_user_limit": 2,
        "starts_at": "2026-11-24T21:00:00+08:00",
        "ends_at": "2026-11-24T22:00:00+08:00",
        "hold_seconds": 300,
        "policy": "fifo",
    },
)
async def create_sale(call: Call) -> Answer:
    """Create a flash sale.

    Its stock leaves the dish's at once, and what nobody bought returns at its end.
    """
    body = call.body
    command_id = call.command_id()
    command = CreateFlashSale(
        title=body.title,
        dish_id=body.dish_id,
        price_fen=body.price_fen,
        stock=body.stock,
        per_user_limit=body.per_user_limit,
        starts_at=moment_field(body.starts_at, "$.starts_at"),
        ends_at=moment_field(body.ends_at, "$.ends_at"),
        hold_seconds=body.hold_seconds,
        policy=body.policy,
        draw_window_ms=body.draw_window_ms,
        entry_required=body.entry_required,
        by=who(call),
    )
    creation = await call.tell(f"store/{call.params['store_id']}", command, FlashSaleCreation, command_id)
    # The store's own message opens the same sale under the same id; whichever arrives first does it.
    view = await call.tell(
        f"flash-sale/{creation.flash_sale_id}", creation.opening, SaleView, derived_id(command_id, "sale")
    )
    location = f"/api/v1/flash-sales/{view.flash_sale_id}".encode()
    return Answer(201, Sale.of(view), ((b"location", location),))


@table.route(
    "PATCH",
    "/api/v1/stores/{store_id}/flash-sales/{flash_sale_id}",
    audience=MANAGE,
    body=ChangeBody,
    answers={200: Sale},
    problems=[FlashSaleNotFound, AlreadyStarted, Ended, InvalidField],
    headers=WHO_HEADERS,
    example={"title": "夜宵小龙虾（加场）"},
)
async def change_sale(call: Call) -> Answer:
    """Change a flash sale.

    Price, start and the draw's window are fixed once it has started, everything once it has ended.
    """
    sale = await _sale_of_store(call)
    body = call.body
    command = ChangeSale(
        title=body.title,
        price_fen=body.price_fen,
        starts_at=None if body.starts_at is None else moment_field(body.starts_at, "$.starts_at"),
        ends_at=None if body.ends_at is None else moment_field(body.ends_at, "$.ends_at"),
        per_user_limit=body.per_user_limit,
        hold_seconds=body.hold_seconds,
        draw_window_ms=body.draw_window_ms,
        entry_required=body.entry_required,
        by=who(call),
    )
    view = await call.tell(sale, command, SaleView)
    call.door.terms.heard(view.flash_sale_id, view.entry_required, call.door.clock.monotonic())
    return Answer(200, Sale.of(view))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/flash-sales/{flash_sale_id}/stop",
    audience=MANAGE,
    body=StopBody,
    answers={200: Sale},
    problems=[FlashSaleNotFound, Ended],
    headers=WHO_HEADERS,
    example={"reason": "锅坏了"},
)
async def stop_sale(call: Call) -> Answer:
    """Stop a flash sale.

    Holds stay payable until they run out; what nobody holds returns to the dish.
    """
    sale = await _sale_of_store(call)
    view = await call.tell(sale, StopSale(reason=call.body.reason, by=who(call)), SaleView)
    return Answer(200, Sale.of(view))


async def _sale_of_store(call: Call) -> str:
    """The sale's entity, if it is this store's: a role in one store is none in another."""
    sale = f"flash-sale/{call.params['flash_sale_id']}"
    view = await call.ask(sale, GetSale(), SaleView)
    if view.store_id != call.params["store_id"]:
        raise FlashSaleNotFound()
    return sale
