"""What a store's delivery remembers."""

from __future__ import annotations

import msgspec

from store_runtime.delivery.commands import Point, Zone


class DeliveryTerms(msgspec.Struct, kw_only=True):
    """``version`` grows with every change."""

    offered: bool = False
    origin: Point = msgspec.field(default_factory=lambda: Point(lat=0.0, lng=0.0))
    zones: tuple[Zone, ...] = ()
    version: int = 0
