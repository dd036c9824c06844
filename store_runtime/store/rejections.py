"""Why a store says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.store.menu.rejections import DishNotFound


class StoreNotFound(Rejection):
    """There is no such store."""

    status: ClassVar[int] = 404


class StoreExists(Rejection):
    """A store stands under this id already."""


class NotEnoughStock(Rejection):
    """The dish has less left than the sale wants to carve out (F10)."""

    hint: ClassVar[str] = "Ask for at most what is left, or count more of the dish first."

    dish_id: str
    left: int


class FlashSaleUnknown(Rejection):
    """This store has no such flash sale, or the sale has less stock out than it reports."""

    flash_sale_id: str


__all__ = [
    "DishNotFound",
    "FlashSaleUnknown",
    "IllegalTransition",
    "InvalidField",
    "NotEnoughStock",
    "StoreExists",
    "StoreNotFound",
]
