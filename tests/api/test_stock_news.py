"""D4 over HTTP: 估清 reaches a cart that is open, on screens that follow it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House
from tests.api.test_tables import add, ops, sit, stock, token_of, view

pytestmark = pytest.mark.anyio


async def test_D4_a_dish_that_is_out_is_marked_in_an_open_cart(house: House) -> None:
    """By itself, with an event in the gap-free stream of the table; and unmarked once there is enough again."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    await ops(house, session, ann, add("a1", "noodles"))
    seen = (await view(house, session, ann))["seq"]
    path = f"/api/v1/table-sessions/{session}"

    def left(expected: int | None) -> Any:
        return lambda shown: shown["cart"][0].get("left") == expected

    # The store has heard from the table by now, or does so while the stock is set; it tells those it knows of.
    tables = "/api/v1/stores/s1/tables"
    await house.becomes(
        tables, await house.staff("waiter"), lambda shown: session in str(shown), "the floor knows the party"
    )
    await stock(house, {"state": "qty", "left": 2})
    await house.becomes(path, ann, left(2), "two are left")
    await stock(house, {"state": "out"})
    await house.becomes(path, ann, left(0), "none is left")
    await stock(house, {"state": "qty", "left": 30})
    await house.becomes(path, ann, left(None), "there is enough")

    delta = (await house.http.get(path, params={"since": seen}, headers=ann)).json()
    told = [event["data"]["changed"][0].get("left") for event in delta["events"]]
    assert [event["seq"] for event in delta["events"]] == [seen + 1, seen + 2, seen + 3]
    assert told == [2, 0, None]
