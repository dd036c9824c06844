"""What a store's delivery shows."""

from __future__ import annotations

import msgspec

from store_runtime.delivery.commands import Point, Zone
from store_runtime.delivery.state import DeliveryTerms


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """The terms as they stand."""

    offered: bool
    origin: Point
    zones: tuple[Zone, ...]
    version: int


class Fee(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What delivering to one address costs. ``free_from_fen`` None: never free."""

    zone_id: str
    distance_m: int
    fee_fen: int
    min_order_fen: int = 0
    free_from_fen: int | None = None

    def of(self, subtotal_fen: int) -> int:
        """The fee of an order with dishes of this much.

        >>> Fee(zone_id="z", distance_m=900, fee_fen=500, free_from_fen=8_000).of(8_000)
        0
        """
        return 0 if self.free_from_fen is not None and subtotal_fen >= self.free_from_fen else self.fee_fen


def delivery_view(terms: DeliveryTerms) -> DeliveryView:
    """The terms as they stand."""
    return DeliveryView(offered=terms.offered, origin=terms.origin, zones=terms.zones, version=terms.version)
