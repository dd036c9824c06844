"""A3 through HTTP: a shift is opened, cash moves, managers see the sums."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from store_runtime.by import By
from store_runtime.till.bookings import BookToShift
from tests.api.house import House, fresh_key, open_house

pytestmark = pytest.mark.anyio

SHIFTS = "/api/v1/stores/s1/shifts"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """One of its own for each test: whose shift is open is the store's."""
    async with open_house() as house:
        yield house


async def posts(house: House, who: str, path: str, body: dict[str, Any], key: str = "") -> httpx.Response:
    headers = {**await house.staff(who), "Idempotency-Key": key or fresh_key(), "Device": "till-1"}
    return await house.http.post(path, json=body, headers=headers)


async def test_A3_a_day_at_the_till(house: House) -> None:
    """Open, take money, buy spring onions: the cashier sees their shift, the manager the drawer."""
    opened = await posts(house, "cashier", SHIFTS, {"float_fen": 50_000})
    booking = BookToShift(by=By("cashier"), kind="payment", channel="cash", amount_fen=8_800, subject="p1")
    await house.command("till/s1", booking)
    body = {"kind": "out", "amount_fen": 3_500, "reason": "买葱"}
    moved = await posts(house, "cashier", f"{SHIFTS}/current/cash", body)

    mine = (await house.http.get(f"{SHIFTS}/current", headers=await house.staff("cashier"))).json()
    all_of_them = (await house.http.get(SHIFTS, headers=await house.staff("manager"))).json()

    assert (opened.status_code, opened.json()["shift_id"]) == (201, "h1")
    assert mine == moved.json()
    assert (mine["bookings"], mine["cash_out_fen"]) == (1, 3_500)
    assert "drawer_fen" not in mine
    assert [(row["account"], row["drawer_fen"]) for row in all_of_them["items"]] == [("cashier", 55_300)]
    tender = {"channel": "cash", "payments": 1, "received_fen": 8_800, "refunds": 0, "refunded_fen": 0}
    assert all_of_them["items"][0]["tenders"] == [tender]


async def test_A1_the_till_is_in_the_audit_log(house: House) -> None:
    """Opened, and cash taken out: who, where, how much, why."""
    await posts(house, "cashier", SHIFTS, {"float_fen": 50_000})
    body = {"kind": "out", "amount_fen": 3_500, "reason": "买葱"}
    await posts(house, "cashier", f"{SHIFTS}/current/cash", body)
    manager = await house.staff("manager")

    log = await house.becomes(
        "/api/v1/stores/s1/audit", manager, lambda log: log["count"] == 2, "two entries"
    )

    told = [(e["account"], e["device"], e["action"], e["amount_fen"], e["reason"]) for e in log["items"]]
    assert told == [
        ("cashier", "till-1", "shift.open", None, None),
        ("cashier", "till-1", "shift.cash_out", 3_500, "买葱"),
    ]


async def test_A3_a_repeated_request_moves_cash_once(house: House) -> None:
    """The same key has the same answer."""
    await posts(house, "cashier", SHIFTS, {"float_fen": 0})
    body = {"kind": "in", "amount_fen": 700, "reason": "找零"}

    first, again = [await posts(house, "cashier", f"{SHIFTS}/current/cash", body, "once") for _ in range(2)]

    assert first.json() == again.json()
    assert again.json()["cash_in_fen"] == 700


NO_SHIFT = {"kind": "in", "amount_fen": 1, "reason": "x"}


@pytest.mark.parametrize(
    ("who", "path", "body", "no"),
    [
        ("cashier", f"{SHIFTS}/current/cash", NO_SHIFT, (404, "shift_not_found")),
        ("cashier", SHIFTS, {"float_fen": -1}, (422, "invalid_field")),
        ("cashier", SHIFTS, {"float_fen": 1.5}, (422, "invalid_field")),
        ("cashier", SHIFTS, {}, (422, "invalid_field")),
        ("cook", SHIFTS, {"float_fen": 1}, (403, "forbidden")),
        ("owner", "/api/v1/stores/nowhere/shifts", {"float_fen": 1}, (404, "store_not_found")),
    ],
)
async def test_A3_what_the_till_refuses(
    house: House, who: str, path: str, body: dict[str, Any], no: tuple[int, str]
) -> None:
    """Problem documents, and nothing has happened."""
    answer = await posts(house, who, path, body)

    assert (answer.status_code, answer.json()["code"]) == no
    assert (await house.http.get(SHIFTS, headers=await house.staff("manager"))).json()["items"] == []
