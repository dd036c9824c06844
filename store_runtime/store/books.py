"""What every desk of a store asks first."""

from __future__ import annotations

from actors.entity import Entity
from pricing.items import MenuIndex
from pricing.menu import Dish, Menu
from store_runtime.audit_log.acts import Audited
from store_runtime.store.rejections import DishNotFound, StoreNotFound
from store_runtime.store.state import StoreBooks

_NOTHING = Menu()


class Desk(Audited, Entity[StoreBooks]):
    """A part of the Store actor: one subject with its decisions, its events' effects and its questions."""

    def __init__(self, entity_id: str) -> None:
        super().__init__(entity_id)
        self._index = MenuIndex(_NOTHING)
        """Of the menu object that was looked at last. Derived, so it is no state: any other menu gets its own."""

    def must_exist(self, store: StoreBooks) -> None:
        if not store.created:
            raise StoreNotFound()

    def menu_index(self, store: StoreBooks) -> MenuIndex:
        """The published menu, laid out for questions; laid out once per version."""
        if self._index.menu is not store.menu.published:
            self._index = MenuIndex(store.menu.published, store.menu.number)
        return self._index

    def dish_of(self, store: StoreBooks, dish_id: str) -> Dish:
        """A dish of the published menu."""
        self.must_exist(store)
        dish = self.menu_index(store).dishes.get(dish_id)
        if dish is None:
            raise DishNotFound(dish_id=dish_id)
        return dish
