"""What can be asked of a store (kind ``store``, id = store_id).

Amounts are fen, moments ms since the epoch, ``_s`` and ``_seconds`` durations in seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Query
from brand.roles import LimitedAction, LimitFen, Role
from flash_sale.commands import (
    HOLD_SECONDS,
    DrawWindowMs,
    HoldSeconds,
    Moment,
    Name,
    PerUserLimit,
    Policy,
    PriceFen,
    Stock,
    Text,
    Title,
)
from store_runtime.by import By
from store_runtime.store.zone import SHANGHAI, Offsets
from store_runtime.texts import END

SALES_LISTED_MAX = 500

JoinPolicy = Literal["open", "staff_confirm", "pin"]
PayMode = Literal["pay_first", "pay_later"]
TimeZone = Annotated[str, Meta(pattern=r"^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*" + END, max_length=64)]
Cutoff = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]" + END)]
HoldS = Annotated[int, Meta(ge=1, le=86_400)]
OrderHoldS = Annotated[
    int,
    Meta(
        ge=1,
        le=86_400,
        description="How long an unpaid order holds its dishes. Not of flash sales: each has its own hold_seconds.",
    ),
]
GraceS = Annotated[int, Meta(ge=0, le=600)]
AmountLimits = dict[Role, dict[LimitedAction, LimitFen]]


class CreateStore(Command, frozen=True, kw_only=True):
    """A store opens its books. Answered with a StoreView.

    ``zone_offsets`` are those of its time zone (``zone.py``).
    """

    name: Name
    time_zone: TimeZone = "Asia/Shanghai"
    zone_offsets: Offsets = SHANGHAI
    cutoff: Cutoff = "04:00"


class ChangeSettings(Command, frozen=True, kw_only=True):
    """Staff change settings; None leaves one as it is. Answered with a SettingsView.

    With ``time_zone`` come its ``zone_offsets``: what the machine that took the request knows of that zone.
    """

    name: Name | None = None
    time_zone: TimeZone | None = None
    zone_offsets: Offsets | None = None
    cutoff: Cutoff | None = None
    order_hold_s: OrderHoldS | None = None
    grace_s: GraceS | None = None
    seat_hold_s: HoldS | None = None
    ticket_ttl_s: HoldS | None = None
    join_policy: JoinPolicy | None = None
    pay_mode: PayMode | None = None
    auto_accept: bool | None = None
    amount_limits: AmountLimits | None = None
    by: By | None = None


class CreateFlashSale(Command, frozen=True, kw_only=True):
    """A manager plans a flash sale; its stock leaves the dish at once (F10). Answered with a
    FlashSaleCreation.
    """

    title: Title
    dish_id: Text
    price_fen: PriceFen
    stock: Stock
    per_user_limit: PerUserLimit
    starts_at: Moment
    ends_at: Moment
    hold_seconds: HoldSeconds = HOLD_SECONDS
    policy: Policy = "fifo"
    draw_window_ms: DrawWindowMs = 0
    entry_required: bool = True
    by: By | None = None


class UndoFlashSale(Command, frozen=True, kw_only=True):
    """The sale could not be opened: all its stock returns (compensation of OpenSale)."""

    flash_sale_id: str


class ReturnStock(Command, frozen=True, kw_only=True):
    """A sale gives back what nobody bought (F10)."""

    flash_sale_id: str
    dish_id: str
    quantity: int


class RecordSold(Command, frozen=True, kw_only=True):
    """A sale sold this many: held becomes sold (D4)."""

    flash_sale_id: str
    dish_id: str
    quantity: int


class GetStore(Query, frozen=True, kw_only=True):
    """Name and settings: StoreView."""


class ListFlashSales(Query, frozen=True, kw_only=True):
    """The store's flash sales, newest first: FlashSaleList."""
