"""The kitchen over HTTP, on real sockets: screens, steps, 起菜 and 催菜, promises, 接单, 拒单 (O1–O3, O7, O8, P4)."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import httpx
import msgspec
import pytest

from actors.words import Accepted
from pricing.menu import Dish, Menu
from pricing.selection import Selection
from store_runtime.store.commands import ChangeSettings
from store_runtime.store.kitchen.commands import ChangeKitchen
from store_runtime.store.menu.commands import PublishMenu, SaveDraft
from store_runtime.store.orders.commands import CancelLine, PlaceLines, WantedLine
from store_runtime.takeout.commands import ChannelTerms, OpenOrder, ReportPayment
from tests.api.house import House, fresh_key, in_time
from tests.api.test_tables import add, ops, sit, submit, token_of

pytestmark = pytest.mark.anyio

STORE = "/api/v1/stores/s1"
KITCHEN = f"{STORE}/kitchen"
_numbers = itertools.count(1)
_cooking: set[int] = set()


async def must(house: House, entity: str, command: Any) -> None:
    reply = await house.command(entity, command)
    assert isinstance(reply, Accepted), reply


async def stove(house: House) -> None:
    """A menu whose noodles are made at the wok in ten minutes, in the house of this module."""
    if id(house) not in _cooking:
        _cooking.add(id(house))
        noodles = Dish(dish_id="noodles", name="凉面", price_fen=1_200, station="wok", make_minutes=10)
        tea = Dish(dish_id="tea", name="茶", price_fen=600, station="bar", make_minutes=2)
        await must(house, "store/s1", SaveDraft(menu=Menu(dishes=(noodles, tea))))
        await must(house, "store/s1", PublishMenu())


async def cooked(house: House, quantity: int = 1, **fields: Any) -> tuple[str, str]:
    """A round of a table is in the kitchen: the order's address and the line's id."""
    await stove(house)
    number = next(_numbers)
    order, line_id = f"table-session/ts-k{number}", f"ts-k{number}.l1"
    selection = Selection(dish_id=fields.pop("dish_id", "noodles"))
    price = 600 if selection.dish_id == "tea" else 1_200
    wanted = WantedLine(line_id=line_id, selection=selection, quantity=quantity, quoted_fen=price, **fields)
    command = PlaceLines(
        order=order, batch=1, label="8 号桌", channel="dine_in", menu_version=1, lines=(wanted,)
    )
    await must(house, "store/s1", command)
    return order, line_id


async def step(house: House, line_id: str, action: str, who: str = "cook", **body: Any) -> httpx.Response:
    path = f"{KITCHEN}/lines/{line_id}/{action}"
    headers = {**await house.staff(who), "Device": "kds-1"}
    return await house.http.post(path, json=body, headers=headers)


async def screen(house: House, station: str = "", who: str = "cook") -> dict[str, Any]:
    answer = await house.http.get(KITCHEN, params={"station": station}, headers=await house.staff(who))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def on(shown: dict[str, Any], line_id: str) -> dict[str, Any]:
    (line,) = [one for one in shown["lines"] if one["line_id"] == line_id]
    assert isinstance(line, dict)
    return line


async def test_P4_a_line_goes_from_the_screen_to_the_guest(house: House) -> None:
    """Queued, cooking, ready, served; each answer is the line, and the screens follow."""
    _, line_id = await cooked(house, quantity=2, note="少辣")
    shown = on(await screen(house, "wok"), line_id)
    assert (shown["state"], shown["quantity"], shown["note"]) == ("queued", 2, "少辣")
    assert "fired_at" in shown
    assert "started_at" not in shown

    states = [(await step(house, line_id, action)).json()["state"] for action in ("start", "ready")]
    served = await step(house, line_id, "serve", who="waiter")

    assert (states, served.json()["state"]) == (["cooking", "ready"], "served")
    after = await screen(house, "wok")
    assert line_id not in [one["line_id"] for one in after["lines"]]
    assert after["recent"][0]["line_id"] == line_id


async def test_O3_a_step_that_is_not_allowed_says_what_is(house: House) -> None:
    """409 with allowed; too many and unknown lines are 422 and 404."""
    _, line_id = await cooked(house)

    ready = await step(house, line_id, "ready")
    too_many = await step(house, line_id, "start", quantity=5)
    none = await step(house, "no-such-line", "start")

    assert (ready.status_code, ready.json()["code"]) == (409, "illegal_transition")
    assert "start" in ready.json()["allowed"]
    assert (too_many.status_code, too_many.json()["path"]) == (422, "$.quantity")
    assert (none.status_code, none.json()["code"]) == (404, "kitchen_line_not_found")


async def test_O3_a_repeated_request_is_one_step(house: House) -> None:
    """With one key: one of two is started, once."""
    _, line_id = await cooked(house, quantity=2)
    path, key = f"{KITCHEN}/lines/{line_id}/start", fresh_key()
    headers = {**await house.staff("cook"), "Idempotency-Key": key}

    first = await house.http.post(path, json={"quantity": 1}, headers=headers)
    again = await house.http.post(path, json={"quantity": 1}, headers=headers)

    assert first.json() == again.json()
    assert first.json()["line_id"] == f"{line_id}.s1"
    assert on(await screen(house), line_id)["quantity"] == 1


async def test_C3_cooks_cook_and_waiters_carry(house: House) -> None:
    """A waiter fires, rushes and serves; what is done at the stove is for cooks."""
    _, line_id = await cooked(house, hold=True)

    assert (await step(house, line_id, "start", who="waiter")).status_code == 403
    assert (await step(house, line_id, "fire", who="waiter")).json()["state"] == "queued"
    assert (await step(house, line_id, "rush", who="waiter")).json()["rushes"] == 1


async def test_O8_a_rush_has_a_cooldown_and_a_reply(house: House) -> None:
    """409 with the moment from which it may be asked again; the reply is a new promise."""
    _, line_id = await cooked(house)
    await step(house, line_id, "rush")

    again = await step(house, line_id, "rush")
    reply = await step(house, line_id, "rush-reply", minutes=4, text="马上")

    assert (again.status_code, again.json()["code"]) == (409, "too_soon")
    assert again.json()["again_at"].endswith("+00:00")
    assert reply.json()["reply"] == "马上"
    assert reply.json()["promised_at"] < in_time(300)


async def test_O8_a_course_is_fired(house: House) -> None:
    """By its order; unknown orders are 404, addresses that cannot be are 422."""
    order, line_id = await cooked(house, hold=True, course="main")
    headers = await house.staff("waiter")
    path = f"{KITCHEN}/courses/fire"

    fired = await house.http.post(path, json={"order": order, "course": "main"}, headers=headers)
    unknown = await house.http.post(path, json={"order": "table-session/none"}, headers=headers)
    wrong = await house.http.post(path, json={"order": "../x"}, headers=headers)

    assert fired.json() == {"line_ids": [line_id]}
    assert (unknown.status_code, unknown.json()["code"]) == (404, "order_unknown")
    assert (wrong.status_code, wrong.json()["path"]) == (422, "$.order")


async def test_O3_the_kitchen_answers_a_cancel(house: House) -> None:
    """Asked once it is cooking; agreed it is off, refused it goes on."""
    order, line_id = await cooked(house, quantity=2)
    await step(house, line_id, "start")
    await must(house, "store/s1", CancelLine(order=order, line_id=line_id, quantity=1, reason="慢"))
    assert on(await screen(house), f"{line_id}.s1")["allowed"] == ["cancel-ok", "cancel-refuse", "move"]

    agreed = await step(house, f"{line_id}.s1", "cancel-ok")
    nobody_asked = await step(house, line_id, "cancel-refuse", reason="好了")

    assert agreed.json()["state"] == "cancelled"
    assert nobody_asked.status_code == 409


async def test_O7_guests_see_how_long_a_dish_takes_before_they_order(house: House) -> None:
    """Public; what waits at its station counts, the bar is not the wok."""
    await stove(house)

    async def minutes() -> dict[str, int]:
        items = (await house.http.get(f"{STORE}/promises")).json()["items"]
        return {item["dish_id"]: item["ready_in_minutes"] for item in items}

    before = await minutes()
    await cooked(house, quantity=3)
    after = await minutes()

    assert (after["noodles"] - before["noodles"], after["tea"]) == (30, before["tea"])
    assert (await house.http.get("/api/v1/stores/none/promises")).status_code == 404


async def test_O7_a_manager_says_how_the_kitchen_works(house: House) -> None:
    """What is left out stays; what cannot be is 422; others may only read."""
    path, manager = f"{KITCHEN}/settings", await house.staff("manager")
    stations = [{"station": "wok", "cooks": 2, "minutes_max": 600}]

    changed = await house.http.patch(
        path, json={"stations": stations, "rush_cooldown_s": 60}, headers=manager
    )
    kept = await house.http.patch(path, json={"rush_cooldown_s": 180}, headers=manager)
    read = await house.http.get(path, headers=await house.staff("cook"))

    assert changed.json()["stations"] == stations
    assert kept.json() == read.json()
    assert read.json()["stations"] == stations
    for body in ({"number_skip_digits": "123456789"}, {"stations": [{"station": "w"}] * 2}, {"x": 1}):
        wrong = await house.http.patch(path, json=body, headers=manager)
        assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_field")
    assert (await house.http.patch(path, json={}, headers=await house.staff("cook"))).status_code == 403


# --- 接单, 拒单 (O2) -------------------------------------------------------------------------------------


async def paid_order(house: House) -> tuple[str, dict[str, str]]:
    """A pickup order that is paid and waits to be accepted, and its diner."""
    await stove(house)
    await must(house, "store/s1", ChangeSettings(auto_accept=False))
    who = await house.diner()
    order_id = f"o-k{next(_numbers)}"
    line = WantedLine(
        line_id=f"{order_id}.l1",
        selection=Selection(dish_id="noodles"),
        quantity=1,
        quoted_fen=1_200,
    )
    terms = ChannelTerms(
        store_id="s1",
        user_id=user_of(who),
        fulfilment="pickup",
        payment_channel="simulated",
        menu_version=1,
        lines=(line,),
        hold_ms=900_000,
        grace_ms=30_000,
    )
    await must(house, f"takeout/{order_id}", OpenOrder(terms=terms))
    path = f"/api/v1/orders/{order_id}"
    await house.becomes(path, who, lambda shown: shown["bill"]["total_fen"] == 1_200, "it is priced")
    paid = ReportPayment(payment_id=f"{order_id}.p1", outcome="paid")
    await must(house, f"takeout/{order_id}", paid)
    await house.becomes(path, who, lambda shown: bool(shown.get("number")), "it has its number")
    return order_id, who


def user_of(who: dict[str, str]) -> str:
    """The diner's id, as the token's middle part says."""

    middle = who["Authorization"].split(".")[1]
    fields = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return str(fields["sub"])


async def waits(house: House, order_id: str) -> bool:
    waiting = (await screen(house))["waiting"]
    return f"takeout/{order_id}" in [one["order"] for one in waiting]


async def test_O2_an_accepted_order_is_in_the_kitchen(house: House) -> None:
    """It waited on the screen; accepted twice it is there once; it cannot be rejected any more."""
    order_id, _ = await paid_order(house)
    assert await waits(house, order_id)
    path, headers = f"/api/v1/orders/{order_id}", await house.staff("waiter")

    accepted = await house.http.post(f"{path}/accept", json={}, headers=headers)
    again = await house.http.post(f"{path}/accept", json={}, headers=headers)
    rejected = await house.http.post(f"{path}/reject", json={"reason": "忙"}, headers=headers)

    assert accepted.status_code == 200, accepted.text
    assert accepted.json()["status"] == "accepted"
    assert again.json()["status"] == "accepted"
    assert (rejected.status_code, rejected.json()["allowed"]) == (409, [])
    assert not await waits(house, order_id)
    assert on(await screen(house), f"{order_id}.l1")["state"] == "queued"


async def test_O2_a_rejected_order_is_refunded_and_cannot_be_accepted(house: House) -> None:
    """The refund has begun when the answer comes."""
    order_id, _ = await paid_order(house)
    path, headers = f"/api/v1/orders/{order_id}", await house.staff("cashier")

    rejected = await house.http.post(f"{path}/reject", json={"reason": "煤气停了"}, headers=headers)
    accepted = await house.http.post(f"{path}/accept", json={}, headers=headers)

    shown = rejected.json()
    assert (rejected.status_code, shown["status"], shown["money_status"]) == (200, "rejected", "refunded")
    assert (accepted.status_code, accepted.json()["state"]) == (409, "rejected")
    without = await house.http.post(f"{path}/reject", json={"reason": ""}, headers=headers)
    assert (without.status_code, without.json()["path"]) == (422, "$.reason")


async def test_O2_only_staff_of_the_store_accept(house: House) -> None:
    """Its diner, a cook, and another store's manager do not."""
    order_id, who = await paid_order(house)
    path = f"/api/v1/orders/{order_id}/accept"

    for headers in (who, await house.staff("cook"), await house.staff("other-manager")):
        assert (await house.http.post(path, json={}, headers=headers)).status_code == 403


async def test_O2_rounds_of_tables_wait_where_the_store_wants_that(house: House) -> None:
    """They stand on the screen, and are accepted or rejected by the name they have there."""
    await must(house, "store/s1", ChangeKitchen(table_accept=True))
    (first, line_id), (second, _) = await cooked(house), await cooked(house)
    headers, rounds = await house.staff("waiter"), f"{KITCHEN}/rounds"

    accepted = await house.http.post(f"{rounds}/accept", json={"order": first, "batch": 1}, headers=headers)
    rejected = await house.http.post(
        f"{rounds}/reject", json={"order": second, "batch": 1, "reason": "卖完了"}, headers=headers
    )
    unknown = await house.http.post(f"{rounds}/accept", json={"order": second, "batch": 9}, headers=headers)
    await must(house, "store/s1", ChangeKitchen(table_accept=False))

    assert (accepted.status_code, rejected.status_code, unknown.status_code) == (204, 204, 404)
    shown = await screen(house)
    assert on(shown, line_id)["state"] == "queued"
    assert second not in [one["order"] for one in shown["waiting"]]


# --- 催菜 by guests (O8) ---------------------------------------------------------------------------------


async def test_O8_guests_ask_where_their_dishes_are(house: House) -> None:
    """Their own lines, through their session; a stranger has no such session."""
    await stove(house)
    ann, bob = await house.diner(), await house.diner()
    session = (await sit(house, ann, await token_of(house))).json()["session_id"]
    seq = (await ops(house, session, ann, add("a1", "noodles", 2))).json()["seq"]
    path = f"/api/v1/table-sessions/{session}"
    placed = await submit(house, session, ann, seq)
    assert placed.status_code == 201, placed.text
    line_id = placed.json()["lines"][0]["line_id"]

    rushed = await house.http.post(f"{path}/rush", json={"line_ids": [line_id]}, headers=ann)
    again = await house.http.post(f"{path}/rush", json={}, headers=ann)
    others = await house.http.post(f"{path}/rush", json={"line_ids": ["none"]}, headers=ann)
    stranger = await house.http.post(f"{path}/rush", json={}, headers=bob)

    assert rushed.json() == {"line_ids": [line_id]}
    assert on(await screen(house), line_id)["rushes"] == 1
    assert (again.status_code, again.json()["code"]) == (409, "too_soon")
    assert (others.status_code, others.json()["code"]) == (404, "order_unknown")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "table_session_not_found")
    await step(house, line_id, "rush-reply", minutes=5, text="马上")


async def test_O8_a_diner_asks_where_their_order_is(house: House) -> None:
    """Once it is accepted; somebody else's order is not found."""
    order_id, who = await paid_order(house)
    path = f"/api/v1/orders/{order_id}"
    early = await house.http.post(f"{path}/rush", json={}, headers=who)
    await house.http.post(f"{path}/accept", json={}, headers=await house.staff("waiter"))

    rushed = await house.http.post(f"{path}/rush", json={}, headers=who)
    stranger = await house.http.post(f"{path}/rush", json={}, headers=await house.diner())

    assert (early.status_code, early.json()["code"]) == (404, "order_unknown")
    assert rushed.json() == {"line_ids": [f"{order_id}.l1"]}
    assert (stranger.status_code, stranger.json()["code"]) == (404, "order_not_found")


async def test_T11_a_cleared_session_rushes_nothing(house: House) -> None:
    """410, like every write."""
    ann = await house.diner()
    session = (await sit(house, ann, await token_of(house))).json()["session_id"]
    path = f"/api/v1/table-sessions/{session}"
    await house.http.post(f"{path}/clear", json={}, headers=await house.staff("waiter"))

    gone = await house.http.post(f"{path}/rush", json={}, headers=ann)

    assert (gone.status_code, gone.json()["code"]) == (410, "session_closed")
