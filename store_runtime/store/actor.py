"""Store: its settings, and the desks that it is made of."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from actors.entity import Decision, answers, decides, wakes
from actors.turn import Turn
from actors.words import Wake
from store_runtime.audit_log.acts import act_done
from store_runtime.store.commands import ChangeSettings, CreateStore, GetStore
from store_runtime.store.events import SettingsChanged, StoreCreated
from store_runtime.store.evolution import StoreEvolution
from store_runtime.store.flash_sales import FlashSaleDesk
from store_runtime.store.floor.desk import FloorDesk
from store_runtime.store.floor.wishing import WishDesk
from store_runtime.store.kitchen.desk import KitchenDesk
from store_runtime.store.live_desk import LiveDesk
from store_runtime.store.menu.desk import MenuDesk
from store_runtime.store.menu.stock_desk import StockDesk
from store_runtime.store.menu.telling import TellingDesk
from store_runtime.store.orders.changes import ChangeDesk
from store_runtime.store.projections import SettingsView, StoreView, settings_view
from store_runtime.store.rejections import InvalidField, StoreExists
from store_runtime.store.state import Settings, StoreBooks


class Store(
    FloorDesk,
    WishDesk,
    MenuDesk,
    StockDesk,
    TellingDesk,
    ChangeDesk,
    KitchenDesk,
    LiveDesk,
    FlashSaleDesk,
    StoreEvolution,
):
    """One store."""

    kind = "store"

    # --- the store and its settings --------------------------------------------------------------------

    @decides(CreateStore)
    def create(self, store: StoreBooks, cmd: CreateStore, turn: Turn) -> Decision[StoreView]:
        """The store opens its books."""
        if store.created:
            raise StoreExists()
        InvalidField.check(cmd)
        yield StoreCreated(
            name=cmd.name, time_zone=cmd.time_zone, cutoff=cmd.cutoff, zone_offsets=cmd.zone_offsets
        )
        settings = Settings(name=cmd.name, time_zone=cmd.time_zone, cutoff=cmd.cutoff)
        return StoreView(store_id=self.id, settings=settings_view(settings))

    @decides(ChangeSettings)
    def change_settings(self, store: StoreBooks, cmd: ChangeSettings, turn: Turn) -> Decision[SettingsView]:
        """What is not None is changed."""
        self.must_exist(store)
        InvalidField.check(cmd)
        wanted = {name: value for name, value in msgspec.structs.asdict(cmd).items() if value is not None}
        wanted.pop("by", None)
        settings = replace(store.settings, **wanted)
        if settings != store.settings:
            before, after = msgspec.structs.asdict(store.settings), msgspec.structs.asdict(settings)
            yield SettingsChanged(**after)
            subject = f"store/{self.id}"
            yield from act_done(self.id, turn, cmd.by, "store.settings", subject, before=before, after=after)
        return settings_view(settings)

    # --- what is due -----------------------------------------------------------------------------------

    @decides(Wake)
    def wake(self, store: StoreBooks, cmd: Wake, turn: Turn) -> Decision[None]:
        """Every desk looks at its deadlines."""
        yield from self.stock_due(store, turn)
        yield from self.menu_due(store, turn)
        yield from self.orders_due(store, turn.at)
        yield from self.kitchen_due(store, turn.at)

    @wakes
    def next_deadline(self, store: StoreBooks) -> int | None:
        """When the first desk has something due."""
        due = (
            store.stock.back_at,
            store.stock.refill_at,
            store.menu.publish_at,
            store.orders.deadline(),
            store.kitchen.deadline(),
        )
        return min(filter(None, due), default=None)

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetStore)
    def show(self, store: StoreBooks, query: GetStore, at: int) -> StoreView:
        """Name and settings."""
        self.must_exist(store)
        return StoreView(store_id=self.id, settings=settings_view(store.settings))
