"""Pickup and delivery over HTTP, through the real store (T12, T13, O2, O4, O6)."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.house import House, fresh_key, in_time

pytestmark = pytest.mark.anyio

ORDERS = "/api/v1/stores/s1/orders"
NOODLES = {"dish_id": "noodles", "quantity": 2}
BUND = {"lat": 31.24, "lng": 121.49, "text": "外滩 1 号", "phone": "13800138000"}
RING = {
    "zone_id": "ring",
    "radius_m": 3_000,
    "tiers": [{"up_to_m": 3_000, "fee_fen": 600}],
    "min_order_fen": 2_000,
    "free_from_fen": 10_000,
}


async def place(
    house: House, who: dict[str, str], key: str = "", lines: Any = None, **fields: Any
) -> httpx.Response:
    """Two noodles to be picked up, unless the test says otherwise."""
    body = {"fulfilment": "pickup", "lines": lines or [NOODLES], **fields}
    return await house.http.post(ORDERS, json=body, headers={**who, "Idempotency-Key": key or fresh_key()})


async def pay(house: House, payment_id: str, who: dict[str, str], outcome: str = "paid") -> httpx.Response:
    """What the simulated channel says."""
    path = f"/api/v1/payments/simulated/{payment_id}"
    return await house.http.post(path, json={"outcome": outcome}, headers=who)


async def paid(house: House, who: dict[str, str], **fields: Any) -> str:
    """An order that is paid."""
    answer = await place(house, who, **fields)
    assert answer.status_code == 201, answer.text
    order: str = answer.json()["order_id"]
    assert (await pay(house, answer.json()["payment"]["payment_id"], who)).status_code == 200
    return f"/api/v1/orders/{order}"


async def accepted(house: House, who: dict[str, str], **fields: Any) -> tuple[str, dict[str, Any]]:
    """An order in the kitchen, as its diner sees it."""
    path = await paid(house, who, **fields)
    return path, await house.becomes(path, who, lambda order: order["status"] == "accepted", "accepted")


async def left(house: House, dish_id: str = "noodles") -> int:
    """What the menu says is left."""
    for row in (await house.http.get("/api/v1/stores/s1/menu")).json()["dishes"]:
        if row["dish_id"] == dish_id:
            return int(row["availability"]["left"])
    raise AssertionError(dish_id)


async def auto_accept(house: House, on: bool) -> None:
    """Whether paid orders wait for 接单."""
    headers = await house.staff("manager")
    body = {"auto_accept": on}
    answer = await house.http.patch("/api/v1/stores/s1/settings", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def post(house: House, path: str, account: str, body: dict[str, Any] | None = None) -> httpx.Response:
    """Staff do something."""
    headers = {**await house.staff(account), "Idempotency-Key": fresh_key()}
    return await house.http.post(path, json=body or {}, headers=headers)


async def test_T13_a_pickup_order_is_held_paid_cooked_and_called(house: House) -> None:
    """From the menu to the counter, with a number from the store."""
    who = await house.diner()
    placed = await place(house, who)
    assert placed.status_code == 201, placed.text
    payment = placed.json()["payment"]
    assert (payment["amount_fen"], payment["status"]) == (2_400, "paying")

    path = f"/api/v1/orders/{placed.json()['order_id']}"
    assert placed.headers["location"] == path
    await pay(house, payment["payment_id"], who)
    order = await house.becomes(path, who, lambda shown: shown["status"] == "accepted", "accepted")
    assert order["number"].startswith("A")
    assert (order["money_status"], order["bill"]["total_fen"]) == ("settled", 2_400)

    screen = (await house.http.get("/api/v1/stores/s1/pickup-screen")).json()
    assert order["number"] in [row["number"] for row in screen["preparing"] + screen["ready"]]
    called = await post(house, f"{path}/call", "waiter")
    assert (called.status_code, called.json()["calls"]) == (200, 1)
    done = await post(house, f"{path}/fulfil", "waiter")
    assert done.json()["status"] == "fulfilled"
    assert (await post(house, f"{path}/call", "waiter")).json()["code"] == "illegal_transition"


async def test_T13_numbers_are_given_without_a_gap(house: House) -> None:
    """Paid at once by many, each gets one of its own."""
    who = await house.diner()

    orders = await asyncio.gather(
        *(accepted(house, who, lines=[{**NOODLES, "quantity": 1}]) for _ in range(5))
    )

    numbers = sorted(int(order["number"][1:]) for _, order in orders)
    assert numbers == list(range(numbers[0], numbers[0] + 5))


async def test_O6_a_repeated_request_is_one_order(house: House) -> None:
    """Also at the same time, and after the menu has changed; another body under the key is refused."""
    who, key = await house.diner(), fresh_key()

    first, second = await asyncio.gather(place(house, who, key), place(house, who, key))
    assert first.json()["order_id"] == second.json()["order_id"]

    stock = {"state": "in"}
    headers = {**await house.staff("manager"), "Idempotency-Key": fresh_key()}
    await house.http.put("/api/v1/stores/s1/stock/crayfish", json=stock, headers=headers)
    again = await place(house, who, key)
    other = await place(house, who, key, lines=[{**NOODLES, "quantity": 3}])

    assert again.json() == first.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_D4_all_lines_are_held_or_none(house: House) -> None:
    """409 cart_stale says what stands against each line; nothing is taken."""
    who = await house.diner()
    before = await left(house)

    answer = await place(house, who, lines=[NOODLES, {"dish_id": "noodles", "quantity": 900}])
    assert answer.status_code == 409, answer.text
    (problem,) = answer.json()["lines"]
    assert (answer.json()["code"], problem["problem"], problem["dish_id"]) == (
        "cart_stale",
        "not_enough",
        "noodles",
    )
    gone = await place(house, who, lines=[{"dish_id": "dragon", "quantity": 1}])
    assert gone.json()["lines"][0]["problem"] == "gone"

    assert await left(house) == before


async def test_O6_a_cancelled_order_gives_its_dishes_back(house: House) -> None:
    """At once, and late money is refunded."""
    who = await house.diner()
    before = await left(house)
    placed = (await place(house, who)).json()
    path = f"/api/v1/orders/{placed['order_id']}"

    assert (await house.http.post(f"{path}/cancel", json={}, headers=who)).status_code == 200
    await house.becomes("/api/v1/stores/s1/menu", who, lambda menu: _left(menu) == before, "all back")
    await pay(house, placed["payment"]["payment_id"], who, "late")

    await house.becomes(path, who, lambda order: order["money_status"] == "refunded", "refunded")


def _left(menu: dict[str, Any]) -> int:
    (noodles,) = [dish for dish in menu["dishes"] if dish["dish_id"] == "noodles"]
    return int(noodles["availability"]["left"])


async def test_O2_a_rejected_order_is_refunded_and_cannot_be_accepted(house: House) -> None:
    """Where a store accepts by hand: the number is there, the kitchen waits."""
    await auto_accept(house, False)
    try:
        who = await house.diner()
        path = await paid(house, who)
        waiting = await house.becomes(path, who, lambda order: bool(order["number"]), "its number")
        assert waiting["status"] == "created"

        rejected = await post(house, f"{path}/reject", "waiter", {"reason": "炉子坏了"})
        assert rejected.status_code == 200, rejected.text
        assert (rejected.json()["status"], rejected.json()["money_status"]) == ("rejected", "refunded")
        late = await post(house, f"{path}/accept", "waiter")
        assert (late.status_code, late.json()["code"]) == (409, "illegal_transition")

        other = await paid(house, who)
        await house.becomes(other, who, lambda order: bool(order["number"]), "its number")
        taken = await post(house, f"{other}/accept", "waiter")
        assert (taken.status_code, taken.json()["status"]) == (200, "accepted"), taken.text
        assert (await post(house, f"{other}/reject", "waiter", {"reason": "x"})).status_code == 409
        assert (await post(house, f"{other}/accept", "waiter")).status_code == 200
    finally:
        await auto_accept(house, True)


async def test_T12_a_delivery_is_quoted_paid_and_brought(house: House) -> None:
    """The fee stands on the bill; the address is the diner's and the handling staff's to see."""
    who = await house.diner()
    terms = {"origin": {"lat": 31.24, "lng": 121.49}, "zones": [RING]}
    await house.http.put("/api/v1/stores/s1/delivery", json=terms, headers=await house.staff("manager"))
    quote = (
        await house.http.post("/api/v1/stores/s1/delivery/quotes", json={"address": BUND}, headers=who)
    ).json()

    path, order = await accepted(
        house,
        who,
        fulfilment="delivery",
        address=BUND,
        quote_id=quote["quote_id"],
        person={"phone": "021-12345"},
    )

    assert (order["bill"]["total_fen"], order["delivery"]["state"]) == (3_000, "")
    assert order["bill"]["adjustments"][0]["rule_id"] == "delivery"
    assert order["address"]["phone"] == "13800138000"
    assert order["person"]["phone"] == "021-12345"
    cook = (await house.http.get(path, headers=await house.staff("cook"))).json()
    assert (cook["address"], cook["person"]) == (None, None)
    for step in ("assigned", "picked_up", "delivered"):
        moved = await post(house, f"{path}/rider", "waiter", {"to": step, "rider": "小李"})
        assert moved.status_code == 200, moved.text
    assert (moved.json()["status"], moved.json()["delivery"]["rider"]) == ("fulfilled", "小李")


async def test_T12_what_is_wrong_with_a_delivery_is_named(house: House) -> None:
    """No address, no quote, another's quote, too little."""
    who, other = await house.diner(), await house.diner()
    terms = {"origin": {"lat": 31.24, "lng": 121.49}, "zones": [{**RING, "min_order_fen": 5_000}]}
    await house.http.put("/api/v1/stores/s1/delivery", json=terms, headers=await house.staff("manager"))
    quotes = "/api/v1/stores/s1/delivery/quotes"
    quote_id = (await house.http.post(quotes, json={"address": BUND}, headers=who)).json()["quote_id"]

    answers = [
        (await place(house, person, fulfilment="delivery", **fields)).json()
        for person, fields in [
            (who, {}),
            (who, {"address": BUND}),
            (who, {"address": BUND, "quote_id": "made-up"}),
            (other, {"address": BUND, "quote_id": quote_id}),
            (who, {"address": {**BUND, "lat": 31.25}, "quote_id": quote_id}),
            (who, {"address": BUND, "quote_id": quote_id}),
        ]
    ]

    assert [(one.get("path"), one["code"]) for one in answers[:2]] == [
        ("$.address", "invalid_field"),
        ("$.quote_id", "invalid_field"),
    ]
    assert [one["code"] for one in answers[2:]] == [
        "quote_invalid",
        "quote_invalid",
        "quote_invalid",
        "minimum_not_reached",
    ]


async def test_O4_a_refund_needs_a_second_person_and_is_given_once(house: House) -> None:
    """A cashier gives nothing back alone; a repeat of the request is one refund."""
    who = await house.diner()
    path, order = await accepted(house, who)
    line_id = order["bill"]["lines"][0]["line_id"]
    body = {"lines": [{"line_id": line_id, "quantity": 1}], "reason": "漏了一份"}

    alone = await post(house, f"{path}/refunds", "cashier", body)
    assert (alone.status_code, alone.json()["code"]) == (403, "second_person_required")
    headers = {**await house.staff("manager"), "Idempotency-Key": fresh_key()}
    one, two = await asyncio.gather(
        *(house.http.post(f"{path}/refunds", json=body, headers=headers) for _ in range(2))
    )
    assert (one.status_code, one.json()["bill"]["refunded_fen"]) == (200, 1_200), one.text
    assert two.json()["bill"]["refunded_fen"] == 1_200
    again = await house.http.post(f"{path}/refunds", json=body, headers=headers)
    assert again.json()["money_status"] == "part_refunded"

    more = await post(
        house, f"{path}/refunds", "manager", {**body, "lines": [{"line_id": line_id, "quantity": 2}]}
    )
    assert (more.status_code, more.json()["code"], more.json()["left"]) == (409, "over_refund", 1)


async def test_O4_a_hundred_refunds_at_once_never_give_back_too_much(house: House) -> None:
    """Σ refunds ≤ paid."""
    who = await house.diner()
    path, order = await accepted(house, who)
    body = {"lines": [{"line_id": order["bill"]["lines"][0]["line_id"], "quantity": 1}], "reason": "r"}
    manager = await house.staff("manager")

    async def refund() -> int:
        headers = {**manager, "Idempotency-Key": fresh_key()}
        return (await house.http.post(f"{path}/refunds", json=body, headers=headers)).status_code

    codes = await asyncio.gather(*(refund() for _ in range(100)))

    shown = (await house.http.get(path, headers=who)).json()
    assert shown["bill"]["refunded_fen"] == 2_400
    assert sum(code == 200 for code in codes) == 2


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"lines": []}, "$.lines"),
        ({"lines": [{"dish_id": "noodles", "quantity": 1_000_000}]}, "$.lines[0].quantity"),
        ({"lines": [{"dish_id": "noodles", "quantity": 0}]}, "$.lines[0].quantity"),
        ({"fulfilment": "teleport"}, "$.fulfilment"),
        ({"payment_channel": "shells"}, "$.payment_channel"),
        ({"pickup_at": in_time(-60)}, "$.pickup_at"),
        ({"pickup_at": in_time(30 * 86_400)}, "$.pickup_at"),
        ({"address": BUND}, "$.address"),
        ({"quote_id": "x"}, "$.quote_id"),
    ],
)
async def test_bad_orders_are_named(house: House, fields: dict[str, Any], path: str) -> None:
    """422 invalid_field with the path; nothing is held."""
    body = {"fulfilment": "pickup", "lines": [NOODLES], **fields}
    headers = {**await house.diner(), "Idempotency-Key": fresh_key()}

    answer = await house.http.post(ORDERS, json=body, headers=headers)

    assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (422, "invalid_field", path)


async def test_D2_a_price_that_the_client_sends_is_ignored_and_said_so(house: House) -> None:
    """The server is the only price authority."""
    answer = await place(house, await house.diner(), lines=[{**NOODLES, "price_fen": 1}], total_fen=2)

    assert answer.json()["payment"]["amount_fen"] == 2_400
    assert answer.json()["ignored"] == ["$.lines[0].price_fen", "$.total_fen"]


async def test_staff_of_another_store_handle_nothing_here(house: House) -> None:
    """403 for everything, and no key is no order."""
    path = await paid(house, await house.diner())
    for step, body in (("call", {}), ("fulfil", {}), ("accept", {}), ("rider", {"to": "assigned"})):
        assert (await post(house, f"{path}/{step}", "other-manager", body)).status_code == 403
    bare = await house.http.post(
        ORDERS, json={"fulfilment": "pickup", "lines": [NOODLES]}, headers=await house.diner()
    )
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key_required")


async def test_T13_a_slot_order_is_promised_for_its_slot(house: House) -> None:
    """Paid now, in the kitchen's books now, fired at slot − make-minutes."""
    who = await house.diner()
    _, order = await accepted(house, who, pickup_at=in_time(7_200))

    assert order["pickup_at"] is not None
    assert order["promised_at"] >= order["pickup_at"]
