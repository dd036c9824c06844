"""The composition root's list of rooms: every kind of entity that a silo hosts."""

from __future__ import annotations

from typing import Any

from actors.entity import Entity
from brand.actor import StaffAccount
from flash_sale.actor import FlashSaleItem
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.store.actor import Store
from store_runtime.takeout.actor import TakeoutOrder

ENTITIES: tuple[type[Entity[Any]], ...] = (Store, FlashSaleItem, TakeoutOrder, DinerOrders, StaffAccount)
