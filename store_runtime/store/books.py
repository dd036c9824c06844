"""What every desk of a store asks first."""

from __future__ import annotations

from actors.entity import Entity
from store_runtime.store.rejections import DishNotFound, StoreNotFound
from store_runtime.store.state import Dish, StoreBooks


class Desk(Entity[StoreBooks]):
    """A part of the Store actor: one subject with its decisions, its events' effects and its questions."""

    def must_exist(self, store: StoreBooks) -> None:
        if not store.created:
            raise StoreNotFound()

    def dish_of(self, store: StoreBooks, dish_id: str) -> Dish:
        self.must_exist(store)
        dish = store.dishes.get(dish_id)
        if dish is None:
            raise DishNotFound(dish_id=dish_id)
        return dish
