"""A store's stock and settings."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.bodies import moment_field
from api.call import Call
from api.moments import MomentField
from api.operations import Answer, Key, Table
from api.views import Dish, Settings
from flash_sale.commands import Text
from store_runtime.store.commands import (
    ChangeSettings,
    Cutoff,
    GraceS,
    HoldS,
    JoinPolicy,
    OrderHoldS,
    PayMode,
    TimeZone,
)
from store_runtime.store.menu.commands import Left, SetDishStock, StockState
from store_runtime.store.menu.projections import DishView
from store_runtime.store.menu.rejections import DishNotFound
from store_runtime.store.rejections import InvalidField, StoreNotFound

table = Table("Menu, stock, settings")


class StockBody(msgspec.Struct, forbid_unknown_fields=True):
    """``in``: not counted; ``qty`` with ``left``; ``out``, perhaps ``until`` a moment."""

    state: StockState
    left: Left | None = None
    until: MomentField | None = None


class SettingsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is. ``_s`` are seconds."""

    name: Text | None = None
    time_zone: TimeZone | None = None
    cutoff: Cutoff | None = None
    order_hold_s: OrderHoldS | None = None
    grace_s: GraceS | None = None
    seat_hold_s: HoldS | None = None
    ticket_ttl_s: HoldS | None = None
    join_policy: JoinPolicy | None = None
    pay_mode: PayMode | None = None
    auto_accept: bool | None = None


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/stock/{dish_id}",
    audience=store_staff("stock.set"),
    body=StockBody,
    answers={200: Dish},
    key=Key.REQUIRED,
    problems=[StoreNotFound, DishNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"state": "qty", "left": 20},
)
async def set_stock(call: Call) -> Answer:
    """估清: what is left of a dish.

    It counts for every channel at once; what flash sales hold stays with them.
    """
    body = call.body
    command = SetDishStock(
        dish_id=call.params["dish_id"],
        state=body.state,
        left=body.left,
        until=None if body.until is None else moment_field(body.until, "$.until"),
        by=who(call),
    )
    view = await call.tell(f"store/{call.params['store_id']}", command, DishView)
    return Answer(200, Dish.of(view))


@table.route(
    "PATCH",
    "/api/v1/stores/{store_id}/settings",
    audience=store_staff("store.settings"),
    body=SettingsBody,
    answers={200: Settings},
    problems=[StoreNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"order_hold_s": 900, "cutoff": "04:00", "pay_mode": "pay_first"},
)
async def change_settings(call: Call) -> Answer:
    """Change a store's settings."""
    body = call.body
    if body.time_zone is not None:
        _must_be_a_zone(body.time_zone)
    command = ChangeSettings(**msgspec.structs.asdict(body), by=who(call))
    return Answer(200, await call.tell(f"store/{call.params['store_id']}", command, Settings))


def _must_be_a_zone(name: str) -> None:
    """The entity takes the name as it is: which zones exist is the machine's knowledge, not a decision's."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
        raise InvalidField(
            path="$.time_zone", problem="a zone of the IANA list, as Asia/Shanghai"
        ) from unknown
