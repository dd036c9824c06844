"""The composition root's list of rooms: every kind of entity that a silo hosts, and what must always hold of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flash_sale.invariants
import store_runtime.audit_log.invariants
import store_runtime.reservations.invariants
import store_runtime.store.invariants
import store_runtime.table_session.invariants
import store_runtime.takeout.invariants
import store_runtime.till.invariants
import store_runtime.waiting_queue.invariants
from actors.entity import Entity, EntityType
from brand.actor import StaffAccount
from brand.staff_list.actor import StaffList
from flash_sale.actor import FlashSaleItem
from store_runtime.audit_log.actor import AuditLog
from store_runtime.delivery.actor import Delivery
from store_runtime.diner_orders.actor import DinerOrders
from store_runtime.pickup_screen.actor import PickupScreen
from store_runtime.reservations.actor import ReservationBook
from store_runtime.reservations.plan import ReservationPlan
from store_runtime.store.actor import Store
from store_runtime.table.actor import Table
from store_runtime.table.code import TableCode
from store_runtime.table_session.actor import TableSession
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.till.actor import Till
from store_runtime.waiting_queue.actor import WaitingQueue

ENTITIES: tuple[type[Entity[Any]], ...] = (
    Store,
    FlashSaleItem,
    TakeoutOrder,
    DinerOrders,
    StaffAccount,
    StaffList,
    Delivery,
    PickupScreen,
    ReservationPlan,
    ReservationBook,
    WaitingQueue,
    AuditLog,
    Table,
    TableCode,
    TableSession,
    Till,
)

TYPES: dict[str, EntityType[Any]] = {entity.kind: entity.type for entity in ENTITIES}

Invariant = Callable[[Any], list[str]]
"""A state → what it contradicts; empty when all holds."""

INVARIANTS: dict[str, Invariant] = {
    FlashSaleItem.kind: flash_sale.invariants.violations,
    TakeoutOrder.kind: store_runtime.takeout.invariants.violations,
    Store.kind: store_runtime.store.invariants.violations,
    ReservationBook.kind: store_runtime.reservations.invariants.violations,
    WaitingQueue.kind: store_runtime.waiting_queue.invariants.violations,
    TableSession.kind: store_runtime.table_session.invariants.violations,
    Till.kind: store_runtime.till.invariants.violations,
    AuditLog.kind: store_runtime.audit_log.invariants.violations,
}

CHEAP_INVARIANTS: dict[str, Invariant] = {FlashSaleItem.kind: flash_sale.invariants.cheap_violations}
"""Cost the same whatever the size of the state, so they are checked after every document."""
