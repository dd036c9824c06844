"""Reservations over HTTP, up to the table (T14, T18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from store_runtime.store.floor.commands import PutTable, TablePlan
from tests.api.house import House, fresh_key

pytestmark = pytest.mark.anyio

STORE = "/api/v1/stores/s1"
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).astimezone(ZoneInfo("Asia/Shanghai")).date()
SLOT = f"{TOMORROW:%Y%m%d}.dinner"
NOODLES = {"dish_id": "noodles", "quantity": 2}


async def plan(house: House, *, seats: int = 1_000, starts: str = "18:00", **policy: Any) -> None:
    """A manager says what can be reserved."""
    body = {
        "slots": [{"slot_id": "dinner", "starts": starts, "seats": seats, "party_max": 20}],
        "policy": policy,
    }
    headers = await house.staff("manager")
    answer = await house.http.put(f"{STORE}/reservation-plan", json=body, headers=headers)
    assert answer.status_code == 200, answer.text


async def reserve(house: House, who: dict[str, str], key: str = "", **fields: Any) -> httpx.Response:
    """Four guests tomorrow evening."""
    body = {"slot_id": SLOT, "party_size": 4, **fields}
    headers = {**who, "Idempotency-Key": key or fresh_key()}
    return await house.http.post(f"{STORE}/reservations", json=body, headers=headers)


async def post(house: House, path: str, account: str, body: dict[str, Any] | None = None) -> httpx.Response:
    headers = {**await house.staff(account), "Idempotency-Key": fresh_key()}
    return await house.http.post(path, json=body or {}, headers=headers)


async def test_T14_a_slot_shows_what_is_left_of_it(house: House) -> None:
    """Seats and kitchen minutes of the day that is asked for."""
    await plan(house)
    who = await house.diner()
    slots = f"{STORE}/reservation-slots?date={TOMORROW}"
    (before,) = (await house.http.get(slots)).json()["items"]

    made = await reserve(house, who, lines=[NOODLES], person={"phone": "13800138000"})

    assert made.status_code == 201, made.text
    (left,) = (await house.http.get(slots)).json()["items"]
    assert (left["slot_id"], before["seats_left"] - left["seats_left"]) == (SLOT, 4)
    assert before["kitchen_minutes_left"] - left["kitchen_minutes_left"] == 20
    shown = (await house.http.get(made.headers["location"], headers=who)).json()
    assert (shown["status"], shown["preorder"], shown["person"]["phone"]) == (
        "booked",
        "noted",
        "13800138000",
    )
    assert (await house.http.get(made.headers["location"], headers=await house.diner())).status_code == 404


async def test_T18_a_deposit_is_paid_like_anything_else(house: House) -> None:
    """The payment's id alone finds the book; late cancelling loses it."""
    await plan(house, deposit_per_guest_fen=1_000, cancel_minutes_before=100_000)
    who = await house.diner()
    made = (await reserve(house, who)).json()
    assert (made["status"], made["payment"]["amount_fen"]) == ("held", 4_000)
    payment = f"/api/v1/payments/{made['payment']['payment_id']}"

    paid = await house.http.post(
        payment.replace("payments/", "payments/simulated/"), json={"outcome": "paid"}, headers=who
    )
    assert paid.status_code == 200, paid.text
    path = f"/api/v1/reservations/{made['reservation_id']}"
    booked = (await house.http.get(path, headers=who)).json()
    assert (booked["status"], booked["deposit"]) == ("booked", "kept")
    assert (await house.http.get(payment, headers=who)).json()["status"] == "paid"

    cancelled = await house.http.post(f"{path}/cancel", json={}, headers=who)
    assert (cancelled.json()["status"], cancelled.json()["deposit"]) == ("cancelled", "forfeited")


async def test_T14_a_repeated_request_is_one_reservation(house: House) -> None:
    """Also after the plan has changed; another body under the key is refused."""
    await plan(house)
    who, key = await house.diner(), fresh_key()
    first = await reserve(house, who, key)
    await plan(house, hold_minutes_before=60)

    assert (await reserve(house, who, key)).json() == first.json()
    other = await reserve(house, who, key, party_size=2)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_T14_what_cannot_be_reserved_is_named(house: House) -> None:
    """No such slot, too many, too far ahead, a dish that is gone."""
    await plan(house)
    who = await house.diner()
    far = f"{TOMORROW + timedelta(days=300):%Y%m%d}.dinner"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"slot_id": f"{TOMORROW:%Y%m%d}.brunch"}, "slot_not_found"),
        ({"slot_id": far}, "slot_not_found"),
        ({"slot_id": "20269999.dinner"}, "slot_not_found"),
        ({"slot_id": "dinner"}, "slot_not_found"),
        ({"party_size": 21}, "party_too_large"),
        ({"party_size": 0}, "invalid_field"),
        ({"lines": [{"dish_id": "dragon", "quantity": 1}]}, "cart_stale"),
    ]
    for fields, code in wrong:
        answer = await reserve(house, who, **fields)
        assert answer.json()["code"] == code, (fields, answer.text)


async def test_T14_check_in_turns_the_preorder_into_round_1(house: House) -> None:
    """The dishes that were kept are cooked for the table, at no moment anybody else's."""
    await plan(house, hold_minutes_before=100_000)
    await house.command("store/s1", PutTable(table_id="t7", plan=TablePlan(name="7 号桌")))
    who = await house.diner()
    path = (await reserve(house, who, lines=[NOODLES])).headers["location"]
    await house.becomes(path, who, lambda one: one["preorder"] == "held", "held by the store")
    stock = f"{STORE}/stock/noodles"
    headers = {**await house.staff("manager"), "Idempotency-Key": fresh_key()}
    await house.http.put(stock, json={"state": "qty", "left": 0}, headers=headers)

    opened = await post(house, f"{STORE}/tables/t7/sessions", "waiter", {})
    assert opened.status_code in (200, 201), opened.text
    session = opened.json()["session_id"]
    arrived = await post(house, f"{path}/check-in", "waiter", {"session_id": session})
    assert arrived.status_code == 200, arrived.text
    assert (arrived.json()["status"], arrived.json()["preorder"]) == ("arrived", "seated")

    table = f"/api/v1/table-sessions/{session}"
    waiter = await house.staff("waiter")

    def has_round(view: dict[str, Any]) -> bool:
        return any(one["state"] == "fired" for one in view["rounds"])

    view = await house.becomes(table, waiter, has_round, "round 1 in the kitchen")
    assert len(view["rounds"]) == 1
    again = await post(house, f"{path}/check-in", "waiter", {"session_id": session})
    assert again.status_code == 200
    assert (await post(house, f"{path}/no-show", "waiter")).json()["code"] == "illegal_transition"
    await house.http.put(
        stock, json={"state": "qty", "left": 30}, headers={**headers, "Idempotency-Key": fresh_key()}
    )


async def test_T14_a_day_is_staffs_to_see(house: House) -> None:
    """Its slots and reservations; a diner may not."""
    await plan(house)
    await reserve(house, await house.staff("waiter"), person={"contact": "王女士"})
    day = f"{STORE}/reservations?date={TOMORROW}"

    shown = (await house.http.get(day, headers=await house.staff("waiter"))).json()

    assert shown["items"][-1]["person"]["contact"] == "王女士"
    assert (await house.http.get(day, headers=await house.diner())).status_code == 403
    assert (await house.http.get(day, headers=await house.staff("other-manager"))).status_code == 403


async def test_T14_dishes_that_are_paid_come_with_their_seats(house: House) -> None:
    """POST /orders with a slot: both or neither; when the order is over the seats are free."""
    await plan(house, seats=40)
    who = await house.diner()
    slots = f"{STORE}/reservation-slots?date={TOMORROW}"

    async def seats() -> int:
        return int((await house.http.get(slots)).json()["items"][0]["seats_left"])

    async def order(party: int, **fields: Any) -> httpx.Response:
        body = {
            "fulfilment": "reservation",
            "slot_id": SLOT,
            "party_size": party,
            "lines": [NOODLES],
            **fields,
        }
        headers = {**who, "Idempotency-Key": fresh_key()}
        return await house.http.post(f"{STORE}/orders", json=body, headers=headers)

    before = await seats()
    placed = await order(3)
    assert placed.status_code == 201, placed.text
    assert await seats() == before - 3
    shown = (await house.http.get(placed.headers["location"], headers=who)).json()
    reservation = f"/api/v1/reservations/{shown['reservation_id']}"
    assert (await house.http.get(reservation, headers=who)).json()["status"] == "booked"
    taken = await house.http.post(f"{reservation}/cancel", json={}, headers=who)
    assert (taken.status_code, taken.json()["state"], taken.json()["allowed"]) == (409, "prepaid", [])

    cancelled = await house.http.post(f"{placed.headers['location']}/cancel", json={}, headers=who)
    assert cancelled.status_code == 200
    await house.becomes(reservation, who, lambda one: one["status"] == "cancelled", "its seats are free")
    assert (await order(20, lines=[{"dish_id": "noodles", "quantity": 900}])).json()["code"] == "cart_stale"
    assert (await order(21)).json()["code"] == "party_too_large"
    assert (await order(2, slot_id="")).json()["code"] == "slot_not_found"

    def back(view: dict[str, Any]) -> bool:
        return bool(view["items"][0]["seats_left"] == before)

    await house.becomes(slots, who, back, "all seats are back")
