"""Menu, stock and settings over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.house import House, fresh_key, in_time

pytestmark = pytest.mark.anyio

MENU = "/api/v1/stores/s1/menu"


async def _set(house: House, dish: str, body: dict[str, Any]) -> Any:
    headers = {**await house.staff("cook"), "Idempotency-Key": fresh_key()}
    return await house.http.put(f"/api/v1/stores/s1/stock/{dish}", json=body, headers=headers)


async def test_the_menu_shows_what_a_dish_costs_and_whether_it_is_there(house: House) -> None:
    """Each dish with dish_id, name, price_fen, option_groups and availability."""
    menu = (await house.http.get(MENU)).json()

    crayfish = {
        "dish_id": "crayfish",
        "name": "小龙虾",
        "price_fen": 8_800,
        "option_groups": [],
        "availability": {"state": "in"},
    }
    assert menu["dishes"][0].items() >= crayfish.items()


async def test_an_unchanged_menu_is_not_sent_again(house: House) -> None:
    """304 without a body for its ETag, weak or among others; 200 with a new one once something changed."""
    first = await house.http.get(MENU)
    etag = first.headers["etag"]

    for wanted in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await house.http.get(MENU, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    await _set(house, "noodles", {"state": "qty", "left": 7})
    changed = await house.http.get(MENU, headers={"If-None-Match": etag})

    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_D4_a_cook_says_what_is_left(house: House) -> None:
    """qty with left, out until a moment, in again; the menu follows at once."""
    until = in_time(600)
    for body, availability in (
        ({"state": "qty", "left": 3}, {"state": "qty", "left": 3}),
        ({"state": "out"}, {"state": "out"}),
        ({"state": "in"}, {"state": "in"}),
    ):
        answer = await _set(house, "noodles", body)
        assert (answer.status_code, answer.json()["availability"]) == (200, availability)
        menu = (await house.http.get(MENU)).json()
        assert menu["dishes"][1]["availability"] == availability
    out = (await _set(house, "noodles", {"state": "out", "until": until})).json()["availability"]
    assert (out["state"], out["until"][:19]) == ("out", until[:19])


@pytest.mark.parametrize(
    ("dish", "body", "code"),
    [
        ("noodles", {"state": "qty"}, "invalid_field"),
        ("noodles", {"state": "out", "until": "2020-01-01T00:00:00Z"}, "invalid_field"),
        ("noodles", {"state": "gone"}, "invalid_field"),
        ("noodles", {"state": {"$ne": "in"}}, "invalid_field"),
        ("none", {"state": "in"}, "dish_not_found"),
        ("%E9%BA%BB%E5%A9%86", {"state": "in"}, "dish_not_found"),
        ("%00", {"state": "in"}, "dish_not_found"),
        ("x" * 100, {"state": "in"}, "dish_not_found"),
    ],
)
async def test_a_stock_that_cannot_be_is_refused(
    house: House, dish: str, body: dict[str, Any], code: str
) -> None:
    """422 for the field, 404 for the dish."""
    answer = await _set(house, dish, body)

    assert answer.json()["code"] == code


async def test_a_manager_changes_settings_and_the_rest_stays(house: House) -> None:
    """PATCH answers with all settings; what was not sent is as before."""
    headers = await house.staff("manager")
    path = "/api/v1/stores/s1/settings"
    before = (await house.http.patch(path, json={}, headers=headers)).json()

    after = await house.http.patch(
        path,
        json={"order_hold_s": 600, "pay_mode": "pay_first", "time_zone": "Asia/Urumqi"},
        headers=headers,
    )

    assert after.status_code == 200
    expected = {"order_hold_s": 600, "pay_mode": "pay_first", "time_zone": "Asia/Urumqi"}
    assert after.json() == {**before, **expected}


@pytest.mark.parametrize(
    "body",
    [
        {"time_zone": "Asia/Nowhere"},
        {"time_zone": "../etc/passwd"},
        {"cutoff": "25:00"},
        {"grace_s": -1},
        {"unknown": 1},
    ],
)
async def test_a_setting_that_cannot_be_is_refused(house: House, body: dict[str, Any]) -> None:
    """422 invalid_field with the setting's path."""
    answer = await house.http.patch(
        "/api/v1/stores/s1/settings", json=body, headers=await house.staff("manager")
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert answer.json()["path"] == f"$.{next(iter(body))}"
