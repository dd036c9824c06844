"""Where an address lies, how far it is, and what that costs (T12).

A zone is at most some tens of kilometres wide, so the map is laid flat around the store: metres east and north of it.
At 50 km the error of that is below one part in a thousand. An address on a border is inside.
"""

from __future__ import annotations

import math
from functools import lru_cache

from shapely import Point as Dot
from shapely import Polygon
from shapely.validation import explain_validity

from store_runtime.delivery.commands import REACH_M_MAX, Point, Zone
from store_runtime.delivery.projections import Fee
from store_runtime.delivery.rejections import OutOfRange, ZoneInvalid

EARTH_M = 6_371_008.8
AREA_M2_MIN = 1.0
BORDER_M = 0.01
"""An address this close to a border lies on it: degrees do not survive their way through metres to the bit."""


def flat(origin: Point, place: Point) -> tuple[float, float]:
    """Metres east and north of ``origin``."""
    # The short way round, also where the longitudes jump from 180 to -180.
    degrees = (place.lng - origin.lng + 540.0) % 360.0 - 180.0
    east = math.radians(degrees) * math.cos(math.radians(origin.lat)) * EARTH_M
    return east, math.radians(place.lat - origin.lat) * EARTH_M


def unflat(origin: Point, east: float, north: float) -> list[float]:
    """The place so many metres east and north of ``origin``: lat, lng."""
    lat = origin.lat + math.degrees(north / EARTH_M)
    lng = origin.lng + math.degrees(east / EARTH_M / math.cos(math.radians(origin.lat)))
    return [round(lat, 6), round(lng, 6)]


def check(origin: Point, zones: tuple[Zone, ...]) -> None:
    """Raise ZoneInvalid for the first zone that cannot be used."""
    seen: set[str] = set()
    for zone in zones:
        if zone.zone_id in seen:
            raise ZoneInvalid(zone_id=zone.zone_id, problem="another zone has this zone_id")
        seen.add(zone.zone_id)
        reaches = [tier.up_to_m for tier in zone.tiers]
        if reaches != sorted(set(reaches)):
            raise ZoneInvalid(zone_id=zone.zone_id, problem="tiers must grow with up_to_m")
        if bool(zone.polygon) == (zone.radius_m is not None):
            raise ZoneInvalid(zone_id=zone.zone_id, problem="give either a polygon or a radius_m")
        if zone.polygon:
            _check_polygon(origin, zone)


def _check_polygon(origin: Point, zone: Zone) -> None:
    if len(set(zone.polygon)) < 3:
        raise ZoneInvalid(zone_id=zone.zone_id, problem="a polygon has at least three different points")
    for place in zone.polygon:
        if math.hypot(*flat(origin, place)) > REACH_M_MAX:
            problem = f"a point is more than {REACH_M_MAX} m from the store"
            raise ZoneInvalid(zone_id=zone.zone_id, problem=problem, at=[place.lat, place.lng])
    shape = _shape(origin, zone.polygon)
    if not shape.is_valid:
        raise _crossing(origin, zone, explain_validity(shape))
    if shape.area < AREA_M2_MIN:
        raise ZoneInvalid(zone_id=zone.zone_id, problem="the polygon has no area")


def _crossing(origin: Point, zone: Zone, explained: str) -> ZoneInvalid:
    """GEOS says ``Self-intersection[12.5 -3.25]``, in our metres."""
    what, _, where = explained.partition("[")
    east, _, north = where.rstrip("]").partition(" ")
    at = unflat(origin, float(east), float(north)) if north else None
    return ZoneInvalid(zone_id=zone.zone_id, problem=f"the border crosses itself: {what.lower()}", at=at)


@lru_cache(maxsize=1_024)
def _shape(origin: Point, polygon: tuple[Point, ...]) -> Polygon:
    return Polygon([flat(origin, place) for place in polygon])


def fee(origin: Point, zones: tuple[Zone, ...], to: Point) -> Fee:
    """What delivering there costs: the first zone that holds the address counts, then its tier.

    Raises OutOfRange with how far the nearest part of the range is.
    """
    east, north = flat(origin, to)
    distance = math.hypot(east, north)
    for zone in zones:
        if _beyond_m(origin, zone, east, north, distance) > BORDER_M:
            continue
        for tier in zone.tiers:
            if distance <= tier.up_to_m + BORDER_M:
                return Fee(
                    zone_id=zone.zone_id,
                    distance_m=round(distance),
                    fee_fen=tier.fee_fen,
                    min_order_fen=zone.min_order_fen,
                    free_from_fen=zone.free_from_fen,
                )
        raise OutOfRange(
            reason="too_far",
            distance_m=round(distance),
            nearest_m=_whole_m(distance - zone.tiers[-1].up_to_m),
        )
    nearest = min((_beyond_m(origin, zone, east, north, distance) for zone in zones), default=distance)
    raise OutOfRange(reason="outside", distance_m=round(distance), nearest_m=_whole_m(nearest))


def _beyond_m(origin: Point, zone: Zone, east: float, north: float, distance: float) -> float:
    """How far outside of the zone it is; 0 inside."""
    if zone.radius_m is not None:
        return max(0.0, distance - zone.radius_m)
    return float(_shape(origin, zone.polygon).distance(Dot(east, north)))


def _whole_m(beyond: float) -> int:
    """At least one: zero would be in range."""
    return max(1, round(beyond))
