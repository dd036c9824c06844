"""Store: settings, menu, stock, and the flash sales it carved stock out for."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from actors.entity import Decision, answers, decides, wakes
from actors.turn import Turn
from actors.words import Wake
from store_runtime.store.commands import (
    DISHES_MAX,
    ChangeSettings,
    CreateStore,
    GetDish,
    GetDishStock,
    GetMenu,
    GetStore,
    PutDish,
    SetDishStock,
)
from store_runtime.store.events import (
    DishAdded,
    DishBack,
    DishChanged,
    DishCounted,
    DishOut,
    DishUncounted,
    SettingsChanged,
    StoreCreated,
)
from store_runtime.store.evolution import StoreEvolution
from store_runtime.store.flash_sales import FlashSaleDesk
from store_runtime.store.projections import (
    DishView,
    MenuView,
    SettingsView,
    StockView,
    StoreView,
    dish_view,
    menu_view,
    settings_view,
    stock_view,
)
from store_runtime.store.rejections import (
    InvalidField,
    MenuFull,
    StoreExists,
)
from store_runtime.store.state import Dish, Settings, StoreBooks
from store_runtime.store.stock import DishStock


class Store(FlashSaleDesk, StoreEvolution):
    """One store."""

    kind = "store"

    # --- the store and its settings --------------------------------------------------------------------

    @decides(CreateStore)
    def create(self, store: StoreBooks, cmd: CreateStore, turn: Turn) -> Decision[StoreView]:
        """The store opens its books."""
        if store.created:
            raise StoreExists()
        InvalidField.check(cmd)
        yield StoreCreated(name=cmd.name, time_zone=cmd.time_zone, cutoff=cmd.cutoff)
        settings = Settings(name=cmd.name, time_zone=cmd.time_zone, cutoff=cmd.cutoff)
        return StoreView(store_id=self.id, settings=settings_view(settings))

    @decides(ChangeSettings)
    def change_settings(self, store: StoreBooks, cmd: ChangeSettings, turn: Turn) -> Decision[SettingsView]:
        """What is not None is changed."""
        self.must_exist(store)
        InvalidField.check(cmd)
        wanted = {name: value for name, value in msgspec.structs.asdict(cmd).items() if value is not None}
        settings = replace(store.settings, **wanted)
        if settings != store.settings:
            yield SettingsChanged(**msgspec.structs.asdict(settings))
        return settings_view(settings)

    # --- menu and stock --------------------------------------------------------------------------------

    @decides(PutDish)
    def put_dish(self, store: StoreBooks, cmd: PutDish, turn: Turn) -> Decision[DishView]:
        """A new dish with its stock, or a new name and price of one that was there."""
        self.must_exist(store)
        InvalidField.check(cmd)
        dish = store.dishes.get(cmd.dish_id)
        if dish is not None:
            if (dish.name, dish.price_fen) != (cmd.name, cmd.price_fen):
                yield DishChanged(dish_id=cmd.dish_id, name=cmd.name, price_fen=cmd.price_fen)
            return dish_view(cmd.dish_id, replace(dish, name=cmd.name, price_fen=cmd.price_fen), turn.at)
        if len(store.dishes) >= DISHES_MAX:
            raise MenuFull(dishes_max=DISHES_MAX)
        left = _left(cmd.state, cmd.left)
        yield DishAdded(
            dish_id=cmd.dish_id,
            name=cmd.name,
            price_fen=cmd.price_fen,
            left=left,
            out=cmd.state == "out",
        )
        stock = DishStock(counted=left is not None, left=left or 0, out=cmd.state == "out")
        return dish_view(cmd.dish_id, Dish(name=cmd.name, price_fen=cmd.price_fen, stock=stock), turn.at)

    @decides(SetDishStock)
    def set_stock(self, store: StoreBooks, cmd: SetDishStock, turn: Turn) -> Decision[DishView]:
        """估清: in, so many left, or out. What sales hold stays with them."""
        dish = self.dish_of(store, cmd.dish_id)
        InvalidField.check(cmd)
        left = _left(cmd.state, cmd.left)
        if cmd.until is not None and (cmd.state != "out" or cmd.until <= turn.at):
            raise InvalidField(path="$.until", problem="a moment in the future, and only with state out")
        stock = replace(dish.stock)
        match cmd.state:
            case "out":
                yield DishOut(dish_id=cmd.dish_id, until=cmd.until)
                stock.go_out(cmd.until or 0)
            case "qty":
                yield DishCounted(dish_id=cmd.dish_id, left=left or 0)
                stock.count(left or 0)
            case "in":
                yield DishUncounted(dish_id=cmd.dish_id)
                stock.uncount()
        return dish_view(cmd.dish_id, replace(dish, stock=stock), turn.at)

    @decides(Wake)
    def wake(self, store: StoreBooks, cmd: Wake, turn: Turn) -> Decision[None]:
        """Dishes whose time to be out is over are back."""
        for dish_id, dish in store.dishes.items():
            if dish.stock.out and 0 < dish.stock.until <= turn.at:
                yield DishBack(dish_id=dish_id)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetStore)
    def show(self, store: StoreBooks, query: GetStore, at: int) -> StoreView:
        """Name and settings."""
        self.must_exist(store)
        return StoreView(store_id=self.id, settings=settings_view(store.settings))

    @answers(GetMenu)
    def show_menu(self, store: StoreBooks, query: GetMenu, at: int) -> MenuView:
        """The menu with what is available now."""
        self.must_exist(store)
        return menu_view(store, self.id, at)

    @answers(GetDish)
    def show_dish(self, store: StoreBooks, query: GetDish, at: int) -> DishView:
        """One dish."""
        return dish_view(query.dish_id, self.dish_of(store, query.dish_id), at)

    @answers(GetDishStock)
    def show_stock(self, store: StoreBooks, query: GetDishStock, at: int) -> StockView:
        """The books of one dish."""
        return stock_view(query.dish_id, self.dish_of(store, query.dish_id), at)

    @wakes
    def next_deadline(self, store: StoreBooks) -> int | None:
        """When the first dish that is out for a while is back."""
        return store.back_at or None


def _left(state: str, left: int | None) -> int | None:
    """``left`` belongs to qty and to nothing else."""
    if (state == "qty") != (left is not None):
        raise InvalidField(path="$.left", problem="with state qty, and only then")
    return left
