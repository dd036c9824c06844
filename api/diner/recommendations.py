"""What else one might order, each with the reason why it is named (D6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.audiences import PUBLIC
from api.call import Call
from api.menu_views import stock_in
from api.menus import Board
from api.operations import Answer, Table
from api.table_door import local_time
from pricing.menu import Dish, Id
from store_runtime.store.menu.availability import dish_availability, has_some
from store_runtime.store.menu.commands import GetCompanions
from store_runtime.store.menu.companions import Companion
from store_runtime.store.menu.projections import CompanionList
from store_runtime.store.menu.rejections import DishNotFound
from store_runtime.store.rejections import StoreNotFound

table = Table("Menu, stock, settings")

LIMIT_MAX = 20

Why = Literal["ordered_together", "recommended", "signature"]


class TogetherQuery(msgspec.Struct):
    """``dish_id``: the dish that is there already; without one the house's own picks."""

    dish_id: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = 5


class Reason(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``ordered_together``: ``together`` of ``orders`` orders with the dish had it too. Else the house picked it."""

    why: Why
    together: int | None = None
    orders: int | None = None


class Recommended(msgspec.Struct, frozen=True, kw_only=True):
    """A dish that can be had now, and why it is named."""

    dish_id: str
    name: str
    name_en: str
    price_fen: int
    reason: Reason


class RecommendedList(msgspec.Struct, frozen=True, kw_only=True):
    """The best first."""

    items: list[Recommended]
    next_cursor: str | None = None


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/together",
    audience=PUBLIC,
    query=TogetherQuery,
    answers={200: RecommendedList},
    problems=[StoreNotFound, DishNotFound],
)
async def show_together(call: Call) -> Answer:
    """What is ordered together with a dish, then what the house recommends.

    Never a dish that is out, off the shelf or outside its time slots. Each names its reason: how many orders had
    both, or that the house picked it.
    """
    query, store_id = call.query, call.params["store_id"]
    board = await call.door.menus.board_of(store_id)
    companions: list[Companion] = []
    if query.dish_id is not None:
        asked = GetCompanions(dish_id=query.dish_id)
        companions = (await call.ask(f"store/{store_id}", asked, CompanionList)).items
    weekday, minute = local_time(board.time_zone, call.door.clock.now_ms())
    seen = {query.dish_id}
    items: list[Recommended] = []
    for dish, reason in (*_together(board, companions), *_picked(board)):
        if len(items) == query.limit:
            break
        if dish.dish_id not in seen and _can_be_had(dish, board, weekday, minute):
            seen.add(dish.dish_id)
            items.append(
                Recommended(
                    dish_id=dish.dish_id,
                    name=dish.name,
                    name_en=dish.name_en,
                    price_fen=dish.price_fen,
                    reason=reason,
                )
            )
    return Answer(200, RecommendedList(items=items))


def _together(board: Board, companions: list[Companion]) -> Iterator[tuple[Dish, Reason]]:
    for companion in companions:
        dish = board.index.dishes.get(companion.dish_id)
        if dish is not None:
            yield (
                dish,
                Reason(why="ordered_together", together=companion.together, orders=companion.orders),
            )


def _picked(board: Board) -> Iterator[tuple[Dish, Reason]]:
    picks: tuple[Why, ...] = ("recommended", "signature")
    for why in picks:
        for dish in board.index.menu.dishes:
            if why in dish.flags:
                yield dish, Reason(why=why)


def _can_be_had(dish: Dish, board: Board, weekday: int, minute: int) -> bool:
    return board.index.offered(dish, weekday, minute) and has_some(
        dish_availability(dish, board.index, stock_in(board.stock))
    )
