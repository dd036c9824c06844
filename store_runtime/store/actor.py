"""Store: settings, menu, stock, and the flash sales it carved stock out for."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from actors.entity import Decision, answers, decides, reacts, wakes
from actors.turn import Turn
from actors.words import Send, Wake
from flash_sale.commands import OpenSale
from store_runtime.store.commands import (
    DISHES_MAX,
    SALES_LISTED_MAX,
    ChangeSettings,
    CreateFlashSale,
    CreateStore,
    GetDish,
    GetDishStock,
    GetMenu,
    GetStore,
    ListFlashSales,
    PutDish,
    RecordSold,
    ReturnStock,
    SetDishStock,
    UndoFlashSale,
)
from store_runtime.store.events import (
    DishAdded,
    DishBack,
    DishChanged,
    DishCounted,
    DishOut,
    DishReturned,
    DishSold,
    DishUncounted,
    FlashSaleCreated,
    FlashSaleUndone,
    SettingsChanged,
    StoreCreated,
)
from store_runtime.store.evolution import StoreEvolution
from store_runtime.store.projections import (
    DishView,
    FlashSaleCreation,
    FlashSaleList,
    MenuView,
    SettingsView,
    StockView,
    StoreView,
    dish_view,
    flash_sale_row,
    menu_view,
    settings_view,
    stock_view,
)
from store_runtime.store.rejections import (
    DishNotFound,
    FlashSaleUnknown,
    InvalidField,
    MenuFull,
    NotEnoughStock,
    StoreExists,
    StoreNotFound,
)
from store_runtime.store.state import CarvedSale, Dish, Settings, StoreBooks
from store_runtime.store.stock import DishStock


class Store(StoreEvolution):
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
        self._must_exist(store)
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
        self._must_exist(store)
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
        dish = self._dish_of(store, cmd.dish_id)
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

    # --- flash sales -----------------------------------------------------------------------------------

    @decides(CreateFlashSale)
    def create_flash_sale(
        self, store: StoreBooks, cmd: CreateFlashSale, turn: Turn
    ) -> Decision[FlashSaleCreation]:
        """Carve the stock out of the dish; the sale itself checks the rest of its terms when it opens
        (F10).
        """
        dish = self._dish_of(store, cmd.dish_id)
        InvalidField.check(cmd)
        if cmd.ends_at <= max(cmd.starts_at, turn.at):
            raise InvalidField(path="$.ends_at", problem="after starts_at and in the future")
        can_give = dish.stock.can_give(turn.at)
        if can_give is not None and can_give < cmd.stock:
            raise NotEnoughStock(dish_id=cmd.dish_id, left=can_give)
        created = FlashSaleCreated(
            flash_sale_id=turn.new_id("f"),
            opening=OpenSale(
                store_id=self.id,
                dish_id=cmd.dish_id,
                dish_name=dish.name,
                title=cmd.title,
                price_fen=cmd.price_fen,
                stock=cmd.stock,
                per_user_limit=cmd.per_user_limit,
                starts_at=cmd.starts_at,
                ends_at=cmd.ends_at,
                hold_seconds=cmd.hold_seconds,
                grace_ms=store.settings.grace_s * 1_000,
                policy=cmd.policy,
                draw_window_ms=cmd.draw_window_ms,
                entry_required=cmd.entry_required,
            ),
        )
        yield created
        return FlashSaleCreation(flash_sale_id=created.flash_sale_id, opening=created.opening)

    @decides(UndoFlashSale)
    def undo_flash_sale(self, store: StoreBooks, cmd: UndoFlashSale, turn: Turn) -> Decision[None]:
        """The sale refused its terms and never opened: nothing of it was claimed, all of it comes back."""
        sale = store.sales.get(cmd.flash_sale_id)
        if sale is not None and sale.out == sale.opening.stock:
            yield FlashSaleUndone(flash_sale_id=cmd.flash_sale_id)

    @decides(ReturnStock)
    def return_stock(self, store: StoreBooks, cmd: ReturnStock, turn: Turn) -> Decision[None]:
        """What the sale gives back is left again, as much as it has out at most."""
        self._sale_with(store, cmd.flash_sale_id, cmd.quantity)
        yield DishReturned(flash_sale_id=cmd.flash_sale_id, dish_id=cmd.dish_id, quantity=cmd.quantity)

    @decides(RecordSold)
    def record_sold(self, store: StoreBooks, cmd: RecordSold, turn: Turn) -> Decision[None]:
        """What the sale sold is no longer held."""
        self._sale_with(store, cmd.flash_sale_id, cmd.quantity)
        yield DishSold(flash_sale_id=cmd.flash_sale_id, dish_id=cmd.dish_id, quantity=cmd.quantity)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetStore)
    def show(self, store: StoreBooks, query: GetStore, at: int) -> StoreView:
        """Name and settings."""
        self._must_exist(store)
        return StoreView(store_id=self.id, settings=settings_view(store.settings))

    @answers(GetMenu)
    def show_menu(self, store: StoreBooks, query: GetMenu, at: int) -> MenuView:
        """The menu with what is available now."""
        self._must_exist(store)
        return menu_view(store, self.id, at)

    @answers(GetDish)
    def show_dish(self, store: StoreBooks, query: GetDish, at: int) -> DishView:
        """One dish."""
        return dish_view(query.dish_id, self._dish_of(store, query.dish_id), at)

    @answers(GetDishStock)
    def show_stock(self, store: StoreBooks, query: GetDishStock, at: int) -> StockView:
        """The books of one dish."""
        return stock_view(query.dish_id, self._dish_of(store, query.dish_id), at)

    @answers(ListFlashSales)
    def list_flash_sales(self, store: StoreBooks, query: ListFlashSales, at: int) -> FlashSaleList:
        """The newest flash sales first."""
        self._must_exist(store)
        newest = list(store.sales.items())[: -SALES_LISTED_MAX - 1 : -1]
        return FlashSaleList(items=[flash_sale_row(sale_id, sale) for sale_id, sale in newest])

    def _must_exist(self, store: StoreBooks) -> None:
        if not store.created:
            raise StoreNotFound()

    def _dish_of(self, store: StoreBooks, dish_id: str) -> Dish:
        self._must_exist(store)
        dish = store.dishes.get(dish_id)
        if dish is None:
            raise DishNotFound(dish_id=dish_id)
        return dish

    def _sale_with(self, store: StoreBooks, flash_sale_id: str, quantity: int) -> CarvedSale:
        sale = store.sales.get(flash_sale_id)
        if sale is None or not 0 < quantity <= sale.out:
            raise FlashSaleUnknown(flash_sale_id=flash_sale_id)
        return sale

    # --- reactions -------------------------------------------------------------------------------------

    @reacts(FlashSaleCreated)
    def open_sale(self, store: StoreBooks, e: FlashSaleCreated, turn: Turn) -> Iterator[Send]:
        """The sale opens, or its stock comes back."""
        yield Send(
            to=f"flash-sale/{e.flash_sale_id}",
            command=e.opening,
            step="sale",
            if_rejected=UndoFlashSale(flash_sale_id=e.flash_sale_id),
        )

    @wakes
    def next_deadline(self, store: StoreBooks) -> int | None:
        """When the first dish that is out for a while is back."""
        return store.back_at or None


def _left(state: str, left: int | None) -> int | None:
    """``left`` belongs to qty and to nothing else."""
    if (state == "qty") != (left is not None):
        raise InvalidField(path="$.left", problem="with state qty, and only then")
    return left
