"""How the events of the store itself change it. The other desks' effects live with their desks."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.entity import evolves, upcasts_state
from store_runtime.store.books import Desk
from store_runtime.store.events import SettingsChanged, StoreCreated
from store_runtime.store.state import Settings, StoreBooks


class StoreEvolution(Desk):
    """The evolving half of Store."""

    state_version: ClassVar[int] = 2

    def blank(self) -> StoreBooks:
        return StoreBooks()

    @evolves(StoreCreated)
    def on_created(self, store: StoreBooks, e: StoreCreated, at: int) -> None:
        store.created = True
        store.settings.name = e.name
        store.settings.time_zone, store.settings.cutoff = e.time_zone, e.cutoff
        store.settings.zone_offsets = e.zone_offsets
        store.menu.changes += 1

    @evolves(SettingsChanged)
    def on_settings_changed(self, store: StoreBooks, e: SettingsChanged, at: int) -> None:
        store.settings = Settings(**msgspec.structs.asdict(e))
        store.menu.changes += 1
        if store.stock.refill_at:
            store.stock.refill_at = store.settings.day_ends_at(at)
        store.floor.version += 1

    @upcasts_state(1)
    @staticmethod
    def with_a_menu_apart_from_its_stock(fields: dict[str, object]) -> dict[str, object]:
        """Version 1 kept name, price and books of a dish together, and had nothing else of a menu."""
        dishes = fields.pop("dishes", {})
        assert isinstance(dishes, dict), "as version 1 wrote it"
        offered = [
            {"dish_id": dish_id, "name": dish["name"], "price_fen": dish["price_fen"]}
            for dish_id, dish in dishes.items()
        ]
        books = {dish_id: dish["stock"] for dish_id, dish in dishes.items()}
        fields["menu"] = {
            "number": 1,
            "published": {"dishes": offered},
            "changes": fields.pop("menu_version", 0),
        }
        fields["stock"] = {"books": books, "back_at": fields.pop("back_at", 0)}
        return fields
