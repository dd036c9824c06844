"""What a store remembers."""

from __future__ import annotations

import msgspec

from flash_sale.commands import OpenSale
from store_runtime.store.stock import DishStock


class Settings(msgspec.Struct, kw_only=True):
    """The store's settings, with the defaults of § 0. ``_s`` are seconds."""

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


class Dish(msgspec.Struct, kw_only=True):
    """A dish of the menu and its stock, for every channel."""

    name: str
    price_fen: int
    stock: DishStock


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
    """One store. ``menu_version`` grows with every change of what the menu shows;
    ``back_at`` is when the first dish that is out for a while is back (0: none).
    """

    created: bool = False
    settings: Settings = msgspec.field(default_factory=Settings)
    dishes: dict[str, Dish] = {}
    sales: dict[str, CarvedSale] = {}
    menu_version: int = 0
    back_at: int = 0
