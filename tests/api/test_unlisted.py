"""D8 临时菜 over HTTP: staff order a dish that is on no menu, once, up to their amount."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.bills import Party, party
from tests.api.house import PASSWORD, House, fresh_key
from tests.api.test_tables import view

pytestmark = pytest.mark.anyio


async def add_unlisted(one: Party, who: Any, key: str = "", **fields: Any) -> httpx.Response:
    plain: dict[str, Any] = {"name": "长寿面", "unit_price_fen": 3_800, "quantity": 2, "station": "wok"}
    return await one.post(who, "lines", key, **(plain | fields))


async def test_D8_a_waiter_orders_it_and_the_kitchen_and_the_bill_have_it(house: House) -> None:
    """201 as for any round; guests see it; the audit log says who named the price."""
    one = await party(house, "noodles")

    answer = await add_unlisted(one, "waiter")

    assert answer.status_code == 201, answer.text
    body = answer.json()
    (line,) = body["lines"]
    assert (body["round_no"], body["total_fen"], line["name"]) == (2, 7_600, "长寿面")
    assert (await one.bill())["total_fen"] == 1_200 + 7_600
    shown = await view(house, one.session, one.ann)
    assert [(row["state"], row["lines"][0]["name"]) for row in shown["rounds"]][1] == ("fired", "长寿面")
    kitchen = await house.http.get("/api/v1/stores/s1/kitchen?station=wok", headers=await house.staff("cook"))
    assert line["line_id"] in kitchen.text

    def logged(log: dict[str, Any]) -> bool:
        return any(
            entry["action"] == "line.unlisted" and entry["subject"].endswith(line["line_id"])
            for entry in log["items"]
        )

    await house.becomes("/api/v1/stores/s1/audit", await house.staff("owner"), logged, "it is in the log")


async def test_D8_sent_twice_with_one_key_it_is_ordered_once(house: House) -> None:
    """At the same moment, and again; another key is another dish."""
    one, key = await party(house), fresh_key()
    await add_unlisted(one, "waiter")  # logs in

    first, second = await asyncio.gather(*(add_unlisted(one, "waiter", key) for _ in range(2)))
    third = await add_unlisted(one, "waiter", key)

    assert first.status_code == 201, first.text
    assert first.json() == second.json() == third.json()
    assert (await one.bill())["total_fen"] == 2 * 7_600


async def test_D8_above_the_amount_a_second_person_approves(house: House) -> None:
    """A waiter alone up to 500 yuan; with a manager more, and the log has both."""
    one, key = await party(house), fresh_key()
    lobster: dict[str, Any] = {"name": "波龙", "unit_price_fen": 50_001, "quantity": 1}

    alone = await add_unlisted(one, "waiter", key, **lobster)
    problem = alone.json()
    assert (alone.status_code, problem["code"]) == (403, "second_person_required")
    assert (problem["amount_fen"], problem["alone_up_to_fen"]) == (50_001, 50_000)
    asked = {name: problem[name] for name in ("action", "subject", "amount_fen")}
    given = await house.http.post(
        "/api/v1/stores/s1/approvals",
        json={"username": "manager", "password": PASSWORD, "idempotency_key": key, **asked},
        headers=one.staff["waiter"],
    )
    assert given.status_code == 201, given.text
    approved = await add_unlisted(
        one, {**one.staff["waiter"], "Approval": given.json()["approval"]}, key, **lobster
    )

    assert approved.status_code == 201, approved.text
    assert (await one.bill())["total_fen"] == 50_001


async def test_C3_D8_guests_and_cooks_do_not(house: House) -> None:
    """403, and nothing is ordered."""
    one = await party(house, "noodles")

    answers = [await add_unlisted(one, who) for who in (one.ann, "cook")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "forbidden")}
    assert (await one.bill())["total_fen"] == 1_200


async def test_T6_D8_a_locked_bill_refuses(house: House) -> None:
    """409 bill_locked until it is unlocked."""
    one = await party(house)
    await one.post("waiter", "lock")
    locked = await add_unlisted(one, "waiter")
    await one.post("waiter", "unlock")
    unlocked = await add_unlisted(one, "waiter")

    assert (locked.status_code, locked.json()["code"]) == (409, "bill_locked")
    assert unlocked.status_code == 201, unlocked.text


async def test_T6_D8_where_rounds_are_paid_first_it_waits_for_the_money(house: House) -> None:
    """Held with the moment until which it can be paid, and cooked once it is."""
    one = await party(house, pay_mode="pay_first")

    held = await add_unlisted(one, "waiter")
    payment = (await one.post(one.ann, "payments", channel="simulated")).json()["payment_id"]
    await one.pays(payment)

    assert held.json()["hold_until"].endswith("+00:00")
    path = f"/api/v1/table-sessions/{one.session}"

    def fired(shown: dict[str, Any]) -> bool:
        return bool(shown["rounds"][0]["state"] == "fired")

    await house.becomes(path, one.ann, fired, "the kitchen has it")


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "$.name"),
        ({"name": "a\nb"}, "$.name"),
        ({"unit_price_fen": -1}, "$.unit_price_fen"),
        ({"unit_price_fen": 38.5}, "$.unit_price_fen"),
        ({"quantity": 0}, "$.quantity"),
        ({"quantity": "2"}, "$.quantity"),
        ({"station": None}, "$.station"),
        ({"dish_id": "noodles"}, "$.dish_id"),
    ],
)
async def test_D8_bad_input_is_named_and_orders_nothing(
    house: House, fields: dict[str, Any], path: str
) -> None:
    """422 with the field's path."""
    one = await party(house)

    answer = await add_unlisted(one, "waiter", **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field"), answer.text
    assert answer.json()["path"] == path
    assert (await view(house, one.session, one.ann))["rounds"] == []
