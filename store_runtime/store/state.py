"""What a store remembers."""

from __future__ import annotations

import msgspec

from flash_sale.commands import OpenSale
from store_runtime.live import LiveLog
from store_runtime.store.floor.state import Floor
from store_runtime.store.kitchen.state import Kitchen
from store_runtime.store.menu.state import MenuBooks
from store_runtime.store.orders.state import Orders
from store_runtime.store.stock import StockBooks
from store_runtime.store.zone import (
    SHANGHAI,
    LocalTime,
    Offsets,
    business_day,
    day_ends_at,
    day_text,
    local_time,
)


class Settings(msgspec.Struct, kw_only=True):
    """The store's settings, with the defaults of § 0. ``_s`` are seconds; ``amount_limits`` of this store's own:
    role → action → what it does alone, in fen (``brand/roles.py``).
    """

    name: str = ""
    time_zone: str = "Asia/Shanghai"
    cutoff: str = "04:00"
    order_hold_s: int = 900
    grace_s: int = 30
    seat_hold_s: int = 600
    ticket_ttl_s: int = 600
    join_policy: str = "staff_confirm"
    pay_mode: str = "pay_later"
    auto_accept: bool = True
    amount_limits: dict[str, dict[str, int]] = {}
    zone_offsets: Offsets = SHANGHAI

    def local_time(self, at: int) -> LocalTime:
        """What the clock on the store's wall shows."""
        return local_time(self.zone_offsets, at)

    def business_day(self, at: int) -> str:
        """The business day that a moment belongs to, as ``YYYY-MM-DD``."""
        return day_text(business_day(self.zone_offsets, self.cutoff, at))

    def day_ends_at(self, at: int) -> int:
        """When the business day changes next."""
        return day_ends_at(self.zone_offsets, self.cutoff, at)


class CarvedSale(msgspec.Struct, kw_only=True):
    """A flash sale and what became of the stock carved out for it (F10)."""

    opening: OpenSale
    sold: int = 0
    returned: int = 0

    @property
    def out(self) -> int:
        """Carved out, and neither sold nor returned yet."""
        return self.opening.stock - self.sold - self.returned


class StoreBooks(msgspec.Struct, kw_only=True):
    """One store. ``menu`` is what is offered, ``stock`` how much of it there is, ``sales`` what left it for sales.

    ``orders`` is who wants what, ``kitchen`` what is made of it, ``live`` what its screens follow.
    """

    created: bool = False
    settings: Settings = msgspec.field(default_factory=Settings)
    menu: MenuBooks = msgspec.field(default_factory=MenuBooks)
    stock: StockBooks = msgspec.field(default_factory=StockBooks)
    sales: dict[str, CarvedSale] = {}
    floor: Floor = msgspec.field(default_factory=Floor)
    orders: Orders = msgspec.field(default_factory=Orders)
    kitchen: Kitchen = msgspec.field(default_factory=Kitchen)
    live: LiveLog = msgspec.field(default_factory=LiveLog)
