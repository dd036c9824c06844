"""Delivery over HTTP (T12): terms, quotes, and what is sealed at the door."""

from __future__ import annotations

from typing import Any

import pytest

from api.addressed import Address
from api.sealed import Seal
from tests.api.house import SECRET, House

pytestmark = pytest.mark.anyio

BUND = {"lat": 31.24, "lng": 121.49}
RING = {
    "zone_id": "ring",
    "radius_m": 3_000,
    "tiers": [{"up_to_m": 1_000, "fee_fen": 300}, {"up_to_m": 3_000, "fee_fen": 600}],
    "min_order_fen": 2_000,
    "free_from_fen": 10_000,
}
TERMS = "/api/v1/stores/s1/delivery"
QUOTES = f"{TERMS}/quotes"


async def put(house: House, zones: list[dict[str, Any]], **fields: Any) -> Any:
    """A manager sets the terms."""
    body = {"origin": BUND, "zones": zones, **fields}
    return await house.http.put(TERMS, json=body, headers=await house.staff("manager"))


async def test_T12_a_quote_promises_the_fee_of_the_address(house: House) -> None:
    """Fee, minimum, what is missing to it, and until when it holds."""
    assert (await put(house, [RING])).status_code == 200
    body = {"address": {**BUND, "text": "外滩 1 号"}, "subtotal_fen": 1_500}

    answer = await house.http.post(QUOTES, json=body, headers=await house.diner())

    assert answer.status_code == 201, answer.text
    quote = answer.json()
    assert (quote["fee_fen"], quote["due_fen"], quote["missing_fen"]) == (300, 300, 500)
    assert quote["expires_at"].endswith("+00:00")
    assert len(quote["quote_id"]) < 512
    assert (await house.http.get(TERMS)).json()["zones"][0]["zone_id"] == "ring"


async def test_T12_out_of_range_is_a_problem_with_the_way_out(house: House) -> None:
    """409 out_of_range: why, how far the store is, how far the range."""
    await put(house, [RING])

    answer = await house.http.post(
        QUOTES, json={"address": {"lat": 31.28, "lng": 121.49}}, headers=await house.diner()
    )

    assert answer.status_code == 409
    problem = answer.json()
    assert (problem["code"], problem["reason"], problem["distance_m"]) == ("out_of_range", "outside", 4_448)
    assert problem["nearest_m"] == 1_448


async def test_T12_a_zone_that_crosses_itself_is_refused(house: House) -> None:
    """422 zone_invalid names the zone and where; the terms stay as they were."""
    await put(house, [RING])
    corners = [(31.2, 121.4), (31.3, 121.5), (31.2, 121.5), (31.3, 121.4)]
    bow = {
        "zone_id": "bow",
        "polygon": [{"lat": lat, "lng": lng} for lat, lng in corners],
        "tiers": RING["tiers"],
    }

    answer = await put(house, [RING, bow])

    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert (problem["code"], problem["zone_id"]) == ("zone_invalid", "bow")
    assert problem["at"] == pytest.approx([31.25, 121.45], abs=1e-3)
    assert len((await house.http.get(TERMS)).json()["zones"]) == 1


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"address": {"lat": 99, "lng": 0}}, "$.address.lat"),
        ({"address": {"lat": 1}}, "$.address.lng"),
        ({"address": {**BUND, "phone": "call me"}}, "$.address.phone"),
        ({"address": {**BUND, "text": "1\n2"}}, "$.address.text"),
        ({"address": BUND, "subtotal_fen": -1}, "$.subtotal_fen"),
        ({}, "$.address"),
    ],
)
async def test_T12_a_wrong_address_is_named(house: House, body: dict[str, Any], path: str) -> None:
    """422 invalid_field with the path of what is wrong."""
    answer = await house.http.post(QUOTES, json=body, headers=await house.diner())

    assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (422, "invalid_field", path)


async def test_T12_a_store_without_terms_does_not_deliver(house: House) -> None:
    """409 delivery_not_offered; a store that is not there is not found."""
    headers = await house.diner()
    answer = await house.http.post(
        "/api/v1/stores/s2/delivery/quotes", json={"address": BUND}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "delivery_not_offered")
    assert (await house.http.get("/api/v1/stores/nowhere/delivery")).status_code == 404


def test_an_address_is_sealed_alike_for_one_request_and_unreadable() -> None:
    """A repeated request is the same command; the text is nowhere in it; another secret opens nothing."""
    address = Address(lat=31.24, lng=121.49, text="延安东路 1 号", contact="王", phone="13800138000")
    seal = Seal(SECRET)

    text = seal.close(address, b"request-1")

    assert text == seal.close(address, b"request-1")
    assert text != seal.close(address, b"request-2")
    assert "13800138000" not in text
    assert seal.open(text, Address) == address
    assert Seal(SECRET[::-1]).open(text, Address) is None
    assert seal.open("", Address) is None
