"""Stock as a kitchen keeps it: 估清 of dishes and options, one or many at once, and the books (D4)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.bodies import moment_field
from api.call import Call
from api.moments import MomentField
from api.operations import Answer, Key, Table
from api.views import AvailabilityShown, Dish
from store_runtime.store.menu.commands import (
    BATCH_MAX,
    Left,
    ListStock,
    SetDishStock,
    SetStocks,
    StockKey,
    StockSetting,
    StockState,
)
from store_runtime.store.menu.projections import DishView, DishViews, StockList
from store_runtime.store.menu.rejections import DishNotFound
from store_runtime.store.rejections import InvalidField, StoreNotFound

table = Table("Menu, stock, settings")

SET = store_staff("stock.set")


class StockBody(msgspec.Struct, forbid_unknown_fields=True):
    """``in``: not counted; ``qty`` with ``left``; ``out``, perhaps ``until`` a moment.

    ``refill``: counted to this many at every change of the business day; 0 ends that, null leaves it as it is.
    """

    state: StockState
    left: Left | None = None
    until: MomentField | None = None
    refill: Left | None = None


class StockItem(msgspec.Struct, forbid_unknown_fields=True):
    """The same of the key ``dish_id``: a dish, or an option as ``<dish_id>#<option_id>``."""

    dish_id: StockKey
    state: StockState
    left: Left | None = None
    until: MomentField | None = None
    refill: Left | None = None


class StockItems(msgspec.Struct, forbid_unknown_fields=True):
    """Each key once."""

    items: Annotated[list[StockItem], Meta(min_length=1, max_length=BATCH_MAX)]


class Dishes(msgspec.Struct, frozen=True, kw_only=True):
    """What was set, as it is now."""

    items: list[Dish]


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """The books of a key: sold + held + left + waste = initial + restocked."""

    dish_id: str
    availability: AvailabilityShown
    initial: int
    restocked: int
    left: int
    held: int
    sold: int
    waste: int
    refill: int


class Stocks(msgspec.Struct, frozen=True, kw_only=True):
    """The books of all keys that have some."""

    items: list[Stock]
    next_cursor: str | None = None


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/stock/{dish_id}",
    audience=SET,
    body=StockBody,
    answers={200: Dish},
    key=Key.REQUIRED,
    problems=[StoreNotFound, DishNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"state": "qty", "left": 20},
)
async def set_stock(call: Call) -> Answer:
    """估清: what is left of a dish, or of an option of one.

    An option is named dish_id#option_id, with # as %23 in the address. It counts for every channel at once; what
    orders and flash sales hold stays with them.
    """
    body = call.body
    command = SetDishStock(
        dish_id=call.params["dish_id"],
        state=body.state,
        left=body.left,
        until=None if body.until is None else moment_field(body.until, "$.until"),
        refill=body.refill,
        by=who(call),
    )
    view = await call.tell(f"store/{call.params['store_id']}", command, DishView)
    call.door.menus.changed(call.params["store_id"])
    return Answer(200, Dish.of(view))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/stock:batch",
    audience=SET,
    body=StockItems,
    answers={200: Dishes},
    key=Key.REQUIRED,
    problems=[StoreNotFound, DishNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"items": [{"dish_id": "crayfish", "state": "qty", "left": 20}]},
)
async def set_stocks(call: Call) -> Answer:
    """估清 of many at once: all of them, or none."""
    items = tuple(
        StockSetting(
            dish_id=item.dish_id,
            state=item.state,
            left=item.left,
            until=None if item.until is None else moment_field(item.until, f"$.items[{number}].until"),
            refill=item.refill,
        )
        for number, item in enumerate(call.body.items)
    )
    view = await call.tell(
        f"store/{call.params['store_id']}", SetStocks(items=items, by=who(call)), DishViews
    )
    call.door.menus.changed(call.params["store_id"])
    return Answer(200, Dishes(items=[Dish.of(dish) for dish in view.items]))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/stock",
    audience=SET,
    answers={200: Stocks},
    problems=[StoreNotFound],
)
async def list_stock(call: Call) -> Answer:
    """The books of every dish and option that has some."""
    view = await call.ask(f"store/{call.params['store_id']}", ListStock(), StockList)
    items = [
        Stock(
            dish_id=stock.dish_id,
            availability=AvailabilityShown.of(stock.availability),
            initial=stock.initial,
            restocked=stock.restocked,
            left=stock.left,
            held=stock.held,
            sold=stock.sold,
            waste=stock.waste,
            refill=stock.refill,
        )
        for stock in view.items
    ]
    return Answer(200, Stocks(items=items))
