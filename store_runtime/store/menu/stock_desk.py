"""The stock desk: 估清 of dishes and options, alone or many at once (D4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from actors.entity import Decision, answers, decides, evolves
from actors.turn import Turn
from actors.words import Event
from pricing.menu import Dish, Option
from store_runtime.audit_log.acts import act_done
from store_runtime.by import By
from store_runtime.store.books import Desk
from store_runtime.store.menu.commands import (
    GetDish,
    GetDishStock,
    ListStock,
    SetDishStock,
    SetStocks,
    StockSetting,
)
from store_runtime.store.menu.events import (
    DishBack,
    DishCounted,
    DishOut,
    DishUncounted,
    RefillSet,
    StockRefilled,
    StockSet,
)
from store_runtime.store.menu.projections import (
    DishView,
    DishViews,
    StockList,
    StockView,
    availability,
    dish_view,
    option_view,
    stock_view,
)
from store_runtime.store.menu.rejections import DishNotFound
from store_runtime.store.rejections import InvalidField
from store_runtime.store.state import StoreBooks
from store_runtime.store.stock import DishStock


class StockDesk(Desk):
    """Says what is left. Who takes it are orders and flash sales."""

    @decides(SetDishStock)
    def set_stock(self, store: StoreBooks, cmd: SetDishStock, turn: Turn) -> Decision[DishView]:
        """估清: in, so many left, or out. What sales and orders hold stays with them."""
        self.must_have(store, cmd.dish_id)
        InvalidField.check(cmd)
        stock = yield from self._set(store, cmd.setting, turn, "$", cmd.by)
        yield StockSet(keys=(cmd.dish_id,))
        return self._view(store, cmd.dish_id, stock, turn.at)

    @decides(SetStocks)
    def set_stocks(self, store: StoreBooks, cmd: SetStocks, turn: Turn) -> Decision[DishViews]:
        """All of them, or none."""
        self.must_exist(store)
        InvalidField.check(cmd)
        views: list[DishView] = []
        for number, item in enumerate(cmd.items):
            path = f"$.items[{number}]"
            if any(item.dish_id == other.dish_id for other in cmd.items[:number]):
                raise InvalidField(path=f"{path}.dish_id", problem="named once")
            self.must_have(store, item.dish_id)
            stock = yield from self._set(store, item, turn, path, cmd.by)
            views.append(self._view(store, item.dish_id, stock, turn.at))
        yield StockSet(keys=tuple(item.dish_id for item in cmd.items))
        return DishViews(items=views)

    def must_have(self, store: StoreBooks, key: str) -> None:
        """Of a dish on the menu, an option of one, or what has books because it was on the menu."""
        self.must_exist(store)
        index = self.menu_index(store)
        dish_id, _, option_id = key.partition("#")
        known = option_id in index.options.get(dish_id, ()) if option_id else dish_id in index.dishes
        if not known and key not in store.stock.books:
            raise DishNotFound(dish_id=key)

    def _set(
        self, store: StoreBooks, setting: StockSetting, turn: Turn, path: str, by: By | None
    ) -> Decision[DishStock]:
        """The events of one setting; returns the books as they then are."""
        key, left = setting.dish_id, left_of(setting.state, setting.left, path)
        if setting.until is not None and (setting.state != "out" or setting.until <= turn.at):
            raise InvalidField(
                path=f"{path}.until", problem="a moment in the future, and only with state out"
            )
        stock = replace(store.stock.of(key))
        match setting.state:
            case "out":
                yield DishOut(dish_id=key, until=setting.until)
                stock.go_out(setting.until or 0)
            case "qty":
                yield DishCounted(dish_id=key, left=left or 0)
                stock.count(left or 0)
            case "in":
                yield DishUncounted(dish_id=key)
                stock.uncount()
        if setting.refill is not None and setting.refill != stock.refill:
            yield RefillSet(dish_id=key, refill=setting.refill)
            stock.refill = setting.refill
        before, after = _facts(store.stock.of(key), turn.at), _facts(stock, turn.at)
        subject = f"store/{self.id}/dishes/{key}"
        yield from act_done(self.id, turn, by, "stock.set", subject, before=before, after=after)
        return stock

    def _view(self, store: StoreBooks, key: str, stock: DishStock, at: int) -> DishView:
        index = self.menu_index(store)
        dish_id, _, option_id = key.partition("#")
        if option_id:
            option = index.options.get(dish_id, {}).get(option_id) or Option(
                option_id=option_id, name=option_id
            )
            return option_view(key, option, stock, at)
        dish = index.dishes.get(dish_id) or Dish(dish_id=dish_id, name=dish_id, price_fen=0)
        return dish_view(dish, stock, at)

    def stock_due(self, store: StoreBooks, turn: Turn) -> Iterator[Event]:
        """Of a Wake: what was out until now is back."""
        for key, stock in store.stock.books.items():
            if stock.out and 0 < stock.until <= turn.at:
                yield DishBack(dish_id=key)
        if 0 < store.stock.refill_at <= turn.at:
            yield StockRefilled()

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetDish)
    def show_dish(self, store: StoreBooks, query: GetDish, at: int) -> DishView:
        """One dish, or an option."""
        self.must_have(store, query.dish_id)
        return self._view(store, query.dish_id, store.stock.of(query.dish_id), at)

    @answers(GetDishStock)
    def show_stock(self, store: StoreBooks, query: GetDishStock, at: int) -> StockView:
        """The books of one key."""
        self.must_have(store, query.dish_id)
        return stock_view(query.dish_id, store.stock.of(query.dish_id), at)

    @answers(ListStock)
    def list_stock(self, store: StoreBooks, query: ListStock, at: int) -> StockList:
        """The books of all keys that have some."""
        self.must_exist(store)
        return StockList(items=[stock_view(key, stock, at) for key, stock in store.stock.books.items()])

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(DishCounted)
    def on_dish_counted(self, store: StoreBooks, e: DishCounted, at: int) -> None:
        store.stock.opened(e.dish_id).count(e.left)
        self._set_by_hand(store, e.dish_id, at)

    @evolves(DishUncounted)
    def on_dish_uncounted(self, store: StoreBooks, e: DishUncounted, at: int) -> None:
        store.stock.opened(e.dish_id).uncount()
        self._set_by_hand(store, e.dish_id, at)

    @evolves(DishOut)
    def on_dish_out(self, store: StoreBooks, e: DishOut, at: int) -> None:
        store.stock.opened(e.dish_id).go_out(e.until or 0)
        self._set_by_hand(store, e.dish_id, at)

    @evolves(DishBack)
    def on_dish_back(self, store: StoreBooks, e: DishBack, at: int) -> None:
        store.stock.opened(e.dish_id).back()
        store.stock.next_back()
        store.stock.changes += 1
        self._say(store, e.dish_id, at)

    @evolves(RefillSet)
    def on_refill_set(self, store: StoreBooks, e: RefillSet, at: int) -> None:
        store.stock.opened(e.dish_id).refill = e.refill
        refilled = any(stock.refill for stock in store.stock.books.values())
        store.stock.refill_at = store.settings.day_ends_at(at) if refilled else 0

    @evolves(StockRefilled)
    def on_stock_refilled(self, store: StoreBooks, e: StockRefilled, at: int) -> None:
        store.stock.refill(at, store.settings.day_ends_at(at))
        filled = {key: stock.left for key, stock in store.stock.books.items() if stock.refill}
        store.live.add("stock_left", at, left=filled)

    def _set_by_hand(self, store: StoreBooks, key: str, at: int) -> None:
        store.stock.shown()
        self._say(store, key, at)

    def _say(self, store: StoreBooks, key: str, at: int) -> None:
        """Screens that follow the store hear of it at once (X1)."""
        store.live.add(
            "stock_set", at, dish_id=key, **msgspec.to_builtins(availability(store.stock.of(key), at))
        )


def _facts(stock: DishStock, at: int) -> dict[str, Any]:
    """What of a key goes into the audit log."""
    facts = msgspec.to_builtins(availability(stock, at))
    return {**facts, "refill": stock.refill} if stock.refill else facts


def left_of(state: str, left: int | None, path: str = "$") -> int | None:
    """``left`` belongs to qty and to nothing else."""
    if (state == "qty") != (left is not None):
        raise InvalidField(path=f"{path}.left", problem="with state qty, and only then")
    return left
