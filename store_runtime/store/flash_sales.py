"""The flash sales a store carved stock out for (F10)."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from flash_sale.commands import OpenSale
from store_runtime.audit_log.acts import act_done
from store_runtime.store.books import Desk
from store_runtime.store.commands import (
    SALES_LISTED_MAX,
    CreateFlashSale,
    ListFlashSales,
    RecordSold,
    ReturnStock,
    UndoFlashSale,
)
from store_runtime.store.events import DishReturned, DishSold, FlashSaleCreated, FlashSaleUndone
from store_runtime.store.projections import FlashSaleCreation, FlashSaleList, flash_sale_row
from store_runtime.store.rejections import FlashSaleUnknown, InvalidField, NotEnoughStock
from store_runtime.store.state import CarvedSale, StoreBooks


class FlashSaleDesk(Desk):
    """Carves stock out, takes back what nobody bought, counts what was sold."""

    @decides(CreateFlashSale)
    def create_flash_sale(
        self, store: StoreBooks, cmd: CreateFlashSale, turn: Turn
    ) -> Decision[FlashSaleCreation]:
        """Carve the stock out of the dish; the sale itself checks the rest of its terms when it opens
        (F10).
        """
        dish = self.dish_of(store, cmd.dish_id)
        InvalidField.check(cmd)
        if cmd.ends_at <= max(cmd.starts_at, turn.at):
            raise InvalidField(path="$.ends_at", problem="after starts_at and in the future")
        can_give = store.stock.of(cmd.dish_id).can_give(turn.at)
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
        yield from act_done(
            self.id,
            turn,
            cmd.by,
            "flash_sale.create",
            f"flash-sale/{created.flash_sale_id}",
            after={"dish_id": cmd.dish_id, "stock": cmd.stock, "price_fen": cmd.price_fen},
        )
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

    @answers(ListFlashSales)
    def list_flash_sales(self, store: StoreBooks, query: ListFlashSales, at: int) -> FlashSaleList:
        """The newest flash sales first."""
        self.must_exist(store)
        newest = list(store.sales.items())[: -SALES_LISTED_MAX - 1 : -1]
        return FlashSaleList(items=[flash_sale_row(sale_id, sale) for sale_id, sale in newest])

    @reacts(FlashSaleCreated)
    def open_sale(self, store: StoreBooks, e: FlashSaleCreated, turn: Turn) -> Iterator[Send]:
        """The sale opens, or its stock comes back."""
        yield Send(
            to=f"flash-sale/{e.flash_sale_id}",
            command=e.opening,
            step="sale",
            if_rejected=UndoFlashSale(flash_sale_id=e.flash_sale_id),
        )

    def _sale_with(self, store: StoreBooks, flash_sale_id: str, quantity: int) -> CarvedSale:
        sale = store.sales.get(flash_sale_id)
        if sale is None or not 0 < quantity <= sale.out:
            raise FlashSaleUnknown(flash_sale_id=flash_sale_id)
        return sale

    # --- what the events do ---

    @evolves(FlashSaleCreated)
    def on_flash_sale_created(self, store: StoreBooks, e: FlashSaleCreated, at: int) -> None:
        store.sales[e.flash_sale_id] = CarvedSale(opening=e.opening)
        store.stock.take({e.opening.dish_id: e.opening.stock})

    @evolves(FlashSaleUndone)
    def on_flash_sale_undone(self, store: StoreBooks, e: FlashSaleUndone, at: int) -> None:
        sale = store.sales.pop(e.flash_sale_id)
        store.stock.give_back({sale.opening.dish_id: sale.opening.stock})

    @evolves(DishReturned)
    def on_dish_returned(self, store: StoreBooks, e: DishReturned, at: int) -> None:
        store.sales[e.flash_sale_id].returned += e.quantity
        store.stock.give_back({e.dish_id: e.quantity})

    @evolves(DishSold)
    def on_dish_sold(self, store: StoreBooks, e: DishSold, at: int) -> None:
        store.sales[e.flash_sale_id].sold += e.quantity
        store.stock.sell({e.dish_id: e.quantity})
