"""What can be asked of a store's delivery. Amounts fen, distances metres, degrees WGS 84 or whatever datum the store
uses: zones and addresses must use the same.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from store_runtime.by import By
from store_runtime.texts import END, ONE_LINE

ZONES_MAX = 20
POINTS_MAX = 200
TIERS_MAX = 20
REACH_M_MAX = 50_000
FEE_FEN_MAX = 100_000
SUBTOTAL_FEN_MAX = 100_000_000

Latitude = Annotated[float, Meta(ge=-85, le=85)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Metres = Annotated[int, Meta(ge=1, le=REACH_M_MAX)]
FeeFen = Annotated[int, Meta(ge=0, le=FEE_FEN_MAX)]
SubtotalFen = Annotated[int, Meta(ge=0, le=SUBTOTAL_FEN_MAX)]
ZoneId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+" + END)]


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place on the map, in degrees."""

    lat: Latitude
    lng: Longitude


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fee_fen`` for an address up to ``up_to_m`` away, as the crow flies."""

    up_to_m: Metres
    fee_fen: FeeFen


class Zone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Part of the range: a ``polygon`` or all within ``radius_m`` of the store; exactly one of the two.

    Args:
        tiers: by distance, nearest first; an address in the zone and beyond the last one is too far.
        min_order_fen: 起送: dishes of an order, after item prices and before order discounts (M5).
        free_from_fen: 免运费: from this much on no fee is due; None: never.
    """

    zone_id: ZoneId
    name: Annotated[str, Meta(max_length=64, pattern=ONE_LINE)] = ""
    polygon: Annotated[tuple[Point, ...], Meta(max_length=POINTS_MAX)] = ()
    radius_m: Metres | None = None
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1, max_length=TIERS_MAX)]
    min_order_fen: SubtotalFen = 0
    free_from_fen: SubtotalFen | None = None


class ChangeDelivery(Command, frozen=True, kw_only=True):
    """Staff put the delivery terms; the first zone that holds an address counts. Answered with a DeliveryView."""

    offered: bool
    origin: Point
    zones: Annotated[tuple[Zone, ...], Meta(max_length=ZONES_MAX)]
    by: By | None = None


class GetDelivery(Query, frozen=True, kw_only=True):
    """The terms: DeliveryView."""


class GetFee(Query, frozen=True, kw_only=True):
    """What delivering to an address costs: a Fee, or rejected with OutOfRange, DeliveryNotOffered."""

    to: Point
