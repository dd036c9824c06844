"""Where a store delivers to and for how much (T12): zones, tiers, quotes."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, strategies

from actors.testing.kit import NOON, Given, after
from store_runtime.delivery import quote, zones
from store_runtime.delivery.actor import Delivery
from store_runtime.delivery.commands import ChangeDelivery, GetDelivery, GetFee, Point, Tier, Zone
from store_runtime.delivery.projections import Fee
from store_runtime.delivery.rejections import DeliveryNotOffered, OutOfRange, QuoteInvalid, ZoneInvalid
from store_runtime.delivery.state import DeliveryTerms
from store_runtime.rejections import InvalidField

BUND = Point(lat=31.2400, lng=121.4900)
TIERS = (Tier(up_to_m=1_000, fee_fen=300), Tier(up_to_m=3_000, fee_fen=600))
RING = Zone(zone_id="ring", radius_m=3_000, tiers=TIERS, min_order_fen=2_000, free_from_fen=10_000)


def away(east_m: float, north_m: float, origin: Point = BUND) -> Point:
    """A place so many metres from the store."""
    lat, lng = zones.unflat(origin, east_m, north_m)
    return Point(lat=lat, lng=lng)


def square(half_m: float, **fields: Any) -> Zone:
    """A square around the store."""
    corners = [(-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m)]
    ring = tuple(away(*corner) for corner in corners)
    return Zone(**{"zone_id": "square", "polygon": ring, "tiers": TIERS, **fields})


def delivery(*of: Zone) -> Given[DeliveryTerms]:
    """A store that delivers there."""
    given = after(Delivery("s1"))
    changed = given.when(ChangeDelivery(offered=True, origin=BUND, zones=of))
    assert changed.accepted, changed.rejection
    return given


def refused(**fields: Any) -> ZoneInvalid:
    """Why a zone is refused; nothing was changed."""
    given = after(Delivery("s1"))
    zone = Zone(**{"zone_id": "z", "tiers": TIERS, **fields})
    rejection = given.when(ChangeDelivery(offered=True, origin=BUND, zones=(RING, zone))).rejection
    assert isinstance(rejection, ZoneInvalid), rejection
    assert given.state.zones == ()
    return rejection


def test_T12_the_fee_grows_with_the_distance() -> None:
    """Each tier holds up to its distance, and the minimum and free threshold are the zone's."""
    given = delivery(RING)

    near, far = given.ask(GetFee(to=away(900, 0))), given.ask(GetFee(to=away(0, -1_100)))

    assert (near.fee_fen, near.distance_m, near.min_order_fen) == (300, 900, 2_000)
    assert (far.fee_fen, far.distance_m, far.zone_id) == (600, 1_100, "ring")
    assert (far.of(9_999), far.of(10_000)) == (600, 0)


def test_T12_the_first_zone_that_holds_the_address_counts() -> None:
    """A cheap district may lie within a dear ring."""
    cheap = square(500, zone_id="campus", tiers=(Tier(up_to_m=3_000, fee_fen=100),))
    given = delivery(cheap, RING)

    assert given.ask(GetFee(to=away(400, 400))).fee_fen == 100
    assert given.ask(GetFee(to=away(600, 0))).fee_fen == 300


def test_T12_out_of_range_says_why_and_how_far() -> None:
    """Outside of all zones, or in one and beyond its last tier."""
    given = delivery(square(2_000), Zone(zone_id="r", radius_m=2_100, tiers=TIERS))

    with pytest.raises(OutOfRange) as outside:
        given.ask(GetFee(to=away(2_500, 0)))
    assert outside.value == OutOfRange(reason="outside", distance_m=2_500, nearest_m=400)

    wide = delivery(square(5_000))
    with pytest.raises(OutOfRange) as too_far:
        wide.ask(GetFee(to=away(0, 3_250)))
    assert (too_far.value.reason, too_far.value.distance_m) == ("too_far", 3_250)
    assert too_far.value.nearest_m in (250, 251)


def test_T12_a_store_that_does_not_deliver_says_so() -> None:
    """Before it has terms, and after it has switched delivery off."""
    given = after(Delivery("s1"))
    with pytest.raises(DeliveryNotOffered):
        given.ask(GetFee(to=BUND))

    given.when(ChangeDelivery(offered=True, origin=BUND, zones=(RING,)))
    given.when(ChangeDelivery(offered=False, origin=BUND, zones=(RING,)))

    with pytest.raises(DeliveryNotOffered):
        given.ask(GetFee(to=BUND))
    assert given.ask(GetDelivery()).version == 2


def test_T12_the_same_terms_again_change_nothing() -> None:
    """A repeated PUT is no event."""
    given = delivery(RING)

    assert given.when(ChangeDelivery(offered=True, origin=BUND, zones=(RING,))).events == []
    assert given.state.version == 1


def test_T12_a_polygon_that_crosses_itself_is_refused_with_the_place() -> None:
    """A bow tie: the answer says where its borders cross."""
    bow = (away(-100, -100), away(100, 100), away(100, -100), away(-100, 100))

    rejection = refused(polygon=bow)

    assert rejection.zone_id == "z"
    assert "crosses itself" in rejection.problem
    assert rejection.at is not None
    assert rejection.at == pytest.approx([BUND.lat, BUND.lng], abs=1e-5)


def test_T12_zones_that_cannot_be_are_refused() -> None:
    """No shape, two shapes, too few points, no area, far away, tiers out of order, one id twice."""
    line = (away(0, 0), away(100, 0), away(200, 0))
    assert "either" in refused().problem
    assert "either" in refused(polygon=square(100).polygon, radius_m=5).problem
    assert "three" in refused(polygon=(away(0, 0), away(1, 1), away(0, 0))).problem
    assert refused(polygon=line).problem
    assert "from the store" in refused(polygon=(away(0, 0), away(100, 0), away(0, 60_000))).problem
    assert "tiers" in refused(radius_m=9, tiers=TIERS[::-1]).problem
    assert "another" in refused(zone_id="ring", radius_m=9).problem


def test_T12_degrees_outside_the_map_are_invalid() -> None:
    """Bounds of fields hold for commands that never passed a door."""
    command = ChangeDelivery(offered=True, origin=Point(lat=99.0, lng=0.0), zones=())

    assert isinstance(after(Delivery("s1")).when(command).rejection, InvalidField)


@given(
    lat=strategies.floats(-60, 60),
    lng=strategies.floats(-180, 180),
    east=strategies.integers(-20_000, 20_000),
    north=strategies.integers(-20_000, 20_000),
)
def test_T12_a_place_in_metres_and_back_is_the_place(lat: float, lng: float, east: int, north: int) -> None:
    """Also across the line where the longitudes jump."""
    origin = Point(lat=lat, lng=lng)
    there_lat, there_lng = zones.unflat(origin, east, north)
    there = Point(lat=there_lat, lng=(there_lng + 540.0) % 360.0 - 180.0)

    assert zones.flat(origin, there) == pytest.approx((east, north), abs=0.2)


@given(radius=strategies.integers(100, 3_000), angle=strategies.floats(0, 6.28), part=strategies.floats(0, 2))
def test_T12_in_range_or_out_of_range_and_never_neither(radius: int, angle: float, part: float) -> None:
    """A fee within the radius, and outside how much closer one must come."""
    place = away(radius * part * math.cos(angle), radius * part * math.sin(angle))
    zone = Zone(zone_id="z", radius_m=radius, tiers=(Tier(up_to_m=50_000, fee_fen=1),))
    inside = radius * part <= radius - 1
    outside = radius * part >= radius + 1
    found: Fee | OutOfRange
    try:
        found = zones.fee(BUND, (zone,), place)
    except OutOfRange as out:
        found = out
    assert isinstance(found, Fee) or not inside
    assert isinstance(found, OutOfRange) or not outside
    assert found.distance_m == pytest.approx(radius * part, abs=1)
    if isinstance(found, OutOfRange):
        assert found.nearest_m == pytest.approx(max(1, radius * part - radius), abs=1.5)


# --- quotes ---------------------------------------------------------------------------------------------------

FEE = Fee(zone_id="ring", distance_m=900, fee_fen=300, min_order_fen=2_000, free_from_fen=10_000)
KEY = b"a secret of the tests, 32 bytes or more"


def signed(expires_at: int = NOON) -> str:
    return quote.sign(KEY, "s1", "guest-1", BUND, FEE, expires_at)


def test_T12_a_quote_holds_until_it_expires() -> None:
    """The promised fee, whatever the terms are by then."""
    assert quote.verify(KEY, signed(), "s1", "guest-1", BUND, NOON - 1) == FEE
    with pytest.raises(QuoteInvalid) as late:
        quote.verify(KEY, signed(), "s1", "guest-1", BUND, NOON)
    assert late.value.problem == "expired"


@pytest.mark.parametrize(
    ("store", "user", "place", "problem"),
    [
        ("s2", "guest-1", BUND, "forged"),
        ("s1", "guest-2", BUND, "forged"),
        ("s1", "guest-1", away(1, 0), "other_address"),
    ],
)
def test_T12_a_quote_is_for_one_diner_store_and_address(
    store: str, user: str, place: Point, problem: str
) -> None:
    """It cannot be handed on, nor used for a place that is farther."""
    with pytest.raises(QuoteInvalid) as invalid:
        quote.verify(KEY, signed(), store, user, place, NOON - 1)
    assert invalid.value.problem == problem


@given(place=strategies.integers(0, 200), flipped=strategies.integers(1, 255))
def test_T12_a_quote_with_any_byte_changed_is_forged(place: int, flipped: int) -> None:
    """Fee, expiry and signature alike."""
    raw = bytearray(signed().encode())
    raw[place % len(raw)] ^= flipped
    with pytest.raises(QuoteInvalid):
        quote.verify(KEY, raw.decode("latin-1"), "s1", "guest-1", BUND, NOON - 1)


@pytest.mark.parametrize("text", ["", "x", "=" * 40, "A" * 5_000, "配送"])
def test_T12_what_is_no_quote_is_forged(text: str) -> None:
    """Whatever a client sends."""
    with pytest.raises(QuoteInvalid):
        quote.verify(KEY, text, "s1", "guest-1", BUND, NOON - 1)
