"""The queue at the door over HTTP (T15), up to the table."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from store_runtime.store.floor.commands import PutTable, TablePlan
from tests.api.house import House, fresh_key

pytestmark = pytest.mark.anyio

QUEUE = "/api/v1/stores/s1/queue"
NOODLES = {"dish_id": "noodles", "quantity": 1}


async def take(
    house: House, who: dict[str, str], party: int = 2, key: str = "", **fields: Any
) -> httpx.Response:
    headers = {**who, "Idempotency-Key": key or fresh_key()}
    return await house.http.post(f"{QUEUE}/tickets", json={"party_size": party, **fields}, headers=headers)


async def post(house: House, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
    headers = {**await house.staff("waiter"), "Idempotency-Key": fresh_key()}
    return await house.http.post(path, json=body or {}, headers=headers)


async def test_T15_a_party_waits_is_called_and_sits_with_its_order(house: House) -> None:
    """Number, waiting time, what was ordered meanwhile as round 1 of the session."""
    await house.command("store/s1", PutTable(table_id="q8", plan=TablePlan(name="8 号桌", seats=2)))
    who = await house.diner()
    taken = await take(house, who, person={"phone": "13800138000"})
    assert taken.status_code == 201, taken.text
    ticket = taken.json()
    assert (ticket["number"][0], ticket["status"], ticket["person"]["phone"]) == (
        "A",
        "waiting",
        "13800138000",
    )
    path = f"{QUEUE}/tickets/{ticket['ticket_id']}"

    ordered = await house.http.put(f"{path}/lines", json={"lines": [NOODLES]}, headers=who)
    assert ordered.json()["lines"][0]["name"] == "凉面"
    called = await post(house, f"{QUEUE}/call", {"ticket_id": ticket["ticket_id"]})
    assert called.json()["status"] == "called"
    screen = (await house.http.get(QUEUE)).json()
    assert ticket["number"] in screen["bands"][0]["called"]
    assert "13800138000" not in str(screen)

    session = (await post(house, "/api/v1/stores/s1/tables/q8/sessions")).json()["session_id"]
    seated = await post(house, f"{path}/seat", {"session_id": session})
    assert (seated.status_code, seated.json()["status"]) == (200, "seated"), seated.text
    table = f"/api/v1/table-sessions/{session}"
    await house.becomes(
        table,
        await house.staff("waiter"),
        lambda view: any(one["state"] == "fired" for one in view["rounds"]),
        "round 1 in the kitchen",
    )
    gone = await house.http.post(f"{path}/leave", json={}, headers=who)
    assert (gone.status_code, gone.json()["code"]) == (409, "illegal_transition")


async def test_T15_a_diner_waits_once_and_a_repeat_is_one_ticket(house: House) -> None:
    """Under one key; a second number is refused with the first."""
    who, key = await house.diner(), fresh_key()
    one, two = await asyncio.gather(take(house, who, 4, key), take(house, who, 4, key))

    assert one.json()["number"] == two.json()["number"]
    other = await take(house, who, 4)
    assert (other.status_code, other.json()["code"]) == (409, "already_waiting")
    reused = await take(house, who, 5, key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    assert (await take(house, await house.staff("waiter"), 4)).status_code == 201


async def test_T15_passed_and_back_again(house: House) -> None:
    """A diner comes back once; strangers find nothing."""
    who = await house.diner()
    ticket = (await take(house, who, 7)).json()
    path = f"{QUEUE}/tickets/{ticket['ticket_id']}"
    assert (await post(house, f"{path}/pass")).json()["code"] == "illegal_transition"
    await post(house, f"{QUEUE}/call", {"prefix": "C"})
    assert (await post(house, f"{path}/pass")).json()["status"] == "passed"

    back = await house.http.post(f"{path}/rejoin", json={}, headers=who)
    assert back.json()["status"] == "waiting"
    assert (await house.http.get(path, headers=await house.diner())).status_code == 404
    assert (await house.http.get(f"{QUEUE}/tickets", headers=who)).status_code == 403
    listed = (await house.http.get(f"{QUEUE}/tickets", headers=await house.staff("waiter"))).json()
    assert ticket["number"] in [row["number"] for row in listed["items"]]


async def test_T15_a_store_sets_its_bands(house: House) -> None:
    """Two bands of one prefix are refused; a party that fits none is told so."""
    headers = await house.staff("manager")
    bands = [{"prefix": "A", "party_from": 1, "party_to": 2}]
    twice = await house.http.put(QUEUE, json={"bands": bands * 2}, headers=headers)
    assert (twice.status_code, twice.json()["path"]) == (422, "$.bands")
    try:
        assert (await house.http.put(QUEUE, json={"bands": bands}, headers=headers)).status_code == 200
        large = await take(house, await house.diner(), 9)
        assert (large.status_code, large.json()["code"]) == (409, "no_band")
    finally:
        await house.http.put(QUEUE, json={}, headers=headers)
