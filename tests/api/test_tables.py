"""Tables over HTTP, on real sockets: scan, share a cart, calls, and the end (T1–T4, T9, T11, T16)."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from api.table_tokens import sign
from store_runtime.store.menu.commands import PutDish
from tests.api.house import SECRET, House, fresh_key, problem_of

pytestmark = pytest.mark.anyio

Headers = dict[str, str]


_numbers = itertools.count(20)


async def new_table(house: House, **plan: Any) -> str:
    """The id of a table that this test alone uses; open unless it says otherwise."""
    table, body = f"t{next(_numbers)}", {"name": "8", "join_policy": "open", **plan}
    headers = await house.staff("manager")
    put = await house.http.put(f"/api/v1/stores/s1/tables/{table}", json=body, headers=headers)
    assert put.status_code == 200, put.text
    path = f"/api/v1/stores/s1/tables/{table}"
    await house.becomes(path, headers, lambda shown: "token" in shown, "the table knows its terms")
    return table


async def token_of(house: House, table: str = "") -> str:
    """The token of a table's code, as staff print it; of a new table unless one is named."""
    table = table or await new_table(house)
    answer = await house.http.get(f"/api/v1/stores/s1/tables/{table}", headers=await house.staff("waiter"))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["token"])


async def sit(house: House, who: Headers, token: str, **body: Any) -> httpx.Response:
    return await house.http.post(f"/api/v1/tables/{token}/sessions", json=body, headers=who)


async def ops(house: House, session: str, who: Headers, *changes: dict[str, Any]) -> httpx.Response:
    body = {"ops": list(changes), "seen_seq": 0}
    return await house.http.post(f"/api/v1/table-sessions/{session}/cart/ops", json=body, headers=who)


async def view(house: House, session: str, who: Headers) -> dict[str, Any]:
    answer = await house.http.get(f"/api/v1/table-sessions/{session}", headers=who)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def stock(house: House, state: dict[str, Any]) -> None:
    """估清 of the noodles."""
    cook = {**await house.staff("cook"), "Idempotency-Key": fresh_key()}
    answer = await house.http.put("/api/v1/stores/s1/stock/noodles", json=state, headers=cook)
    assert answer.status_code == 200, answer.text


def add(op_id: str, dish_id: str = "crayfish", quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"op_id": op_id, "op": "add", "dish_id": dish_id, "quantity": quantity, **more}


async def test_T1_the_first_scan_opens_and_the_next_joins(house: House) -> None:
    """201 then 200, one session, and a token that fits into a mini-program's scene."""
    table = await new_table(house)
    token = await token_of(house, table)
    ann, bob = await house.diner(), await house.diner()

    opened, joined = await sit(house, ann, token, party_size=2), await sit(house, bob, token)

    assert len(token) <= 32
    assert (opened.status_code, joined.status_code) == (201, 200)
    assert opened.json()["session_id"] == joined.json()["session_id"]
    shown = await view(house, opened.json()["session_id"], bob)
    assert (shown["state"], shown["table_id"], shown["you"]) == ("seated", table, "g2")
    assert [guest["guest_id"] for guest in shown["guests"]] == ["g1", "g2"]


@pytest.mark.parametrize("damage", ["a", "z" * 32, "x"])
async def test_T1_a_forged_token_wakes_nobody(house: House, damage: str) -> None:
    """A made-up number, a wrong signature, a token of another house: 403 with the way out."""
    token = await token_of(house)
    forged = {"a": token[:-1] + ("a" if token[-1] != "a" else "b"), "x": sign(b"another", "s1", "t8", 1)}

    answer = await sit(house, await house.diner(), forged.get(damage, damage))

    assert (answer.status_code, answer.json()["code"]) == (403, "table_token_invalid")
    assert answer.json()["hint"]


async def test_T1_a_rotated_token_is_void(house: House) -> None:
    """410 for printed copies; the new one works."""
    table = await new_table(house)
    old = await token_of(house, table)
    headers = await house.staff("manager")
    path = f"/api/v1/stores/s1/tables/{table}/code"

    rotated = await house.http.post(path, json={"action": "rotate"}, headers=headers)
    ann = await house.diner()
    with_old, with_new = await sit(house, ann, old), await sit(house, ann, rotated.json()["token"])

    assert (with_old.status_code, with_old.json()["code"]) == (410, "table_code_void")
    assert with_new.status_code == 201


async def test_T1_a_token_that_was_never_handed_out_is_not_found(house: House) -> None:
    """Signed by us, and still no table's."""
    answer = await sit(house, await house.diner(), sign(SECRET, "s1", "t8", 77))

    assert (answer.status_code, answer.json()["code"]) == (404, "table_code_not_found")


async def test_T2_two_phones_share_one_cart(house: House) -> None:
    """Two +1 are +2, at the menu's price; a third phone that repeats an op changes nothing."""
    token = await token_of(house)
    ann, bob = await house.diner(), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    await sit(house, bob, token)

    first = await ops(house, session, ann, add("a1"), add("a2", "noodles", 3))
    second = await ops(house, session, bob, add("b1"))
    again = await ops(house, session, bob, add("b1"))

    assert [one["status"] for one in first.json()["results"]] == ["accepted", "accepted"]
    assert second.json()["results"][0]["quantity"] == 2
    assert again.json() == second.json()
    shown = await view(house, session, ann)
    crayfish = shown["cart"][0]
    assert (crayfish["quantity"], crayfish["unit_price_fen"], crayfish["counts"]) == (
        2,
        8_800,
        {"g1": 1, "g2": 1},
    )
    assert shown["cart_total_fen"] == 2 * 8_800 + 3 * 1_200
    assert shown["seq"] == second.json()["seq"]


async def test_T2_a_gap_is_filled_by_the_delta(house: House) -> None:
    """Every event after since, gap-free."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()
    path = f"/api/v1/table-sessions/{session['session_id']}"
    await ops(house, session["session_id"], ann, add("a1"), add("a2", "noodles"))

    delta = (await house.http.get(f"{path}?since={session['seq']}", headers=ann)).json()

    assert [one["seq"] for one in delta["events"]] == [session["seq"] + 1, session["seq"] + 2]
    assert delta["events"][0]["data"]["line"]["dish_id"] == "crayfish"
    assert delta["events"][0]["at"].endswith("+00:00")


async def test_D2_a_price_that_is_sent_is_ignored_and_said_so(house: House) -> None:
    """One fen for a crayfish is not believed."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]

    answer = await ops(house, session, ann, add("a1", unit_price_fen=1))

    (result,) = answer.json()["results"]
    assert (result["status"], result["ignored"]) == ("accepted", ["unit_price_fen"])
    assert (await view(house, session, ann))["cart"][0]["unit_price_fen"] == 8_800


async def test_D4_what_is_gone_or_out_is_refused_op_by_op(house: House) -> None:
    """No such dish, sold out, a million of it, an option that it has not."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    await stock(house, {"state": "out"})

    answer = await ops(
        house,
        session,
        ann,
        add("a1", "unicorn"),
        add("a2", "noodles"),
        add("a3", quantity=10**6),
        add("a4", options=["gold"]),
        add("a5"),
    )

    results = answer.json()["results"]
    codes = [one.get("code") for one in results]
    await stock(house, {"state": "qty", "left": 30})
    assert results[0]["detail"] == "The menu has no dish unicorn."
    assert results[1]["detail"].endswith(" is sold out.")
    assert " has no option gold; " in results[3]["detail"]
    assert codes == ["dish_gone", "sold_out", "quantity_limit", "option_gone", None]
    assert len((await view(house, session, ann))["cart"]) == 1


async def test_T2_an_op_id_with_another_content_is_refused(house: House) -> None:
    """A repeat is answered as before, whatever price it names; the id of another change is no repeat."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    await ops(house, session, ann, add("a1"))

    answer = await ops(
        house,
        session,
        ann,
        add("a1", price_fen=1),
        add("a1", quantity=2),
        {"op_id": "a1", "op": "remove", "line_id": f"{session}.l1"},
    )

    again, more, other = answer.json()["results"]
    assert again["status"] == "accepted"
    assert [(one["status"], one["code"]) for one in (more, other)] == [("rejected", "op_id_reused")] * 2
    assert [line["quantity"] for line in (await view(house, session, ann))["cart"]] == [1]


async def test_T3_another_guests_line_stays(house: House) -> None:
    """not_your_line for a guest; the staff may."""
    token = await token_of(house)
    host, ann, bob = await house.diner(), await house.diner(), await house.diner()
    session = (await sit(house, host, token)).json()["session_id"]
    await sit(house, ann, token)
    await sit(house, bob, token)
    line = (await ops(house, session, ann, add("a1"))).json()["results"][0]["line_id"]
    remove = {"op_id": "r1", "op": "remove", "line_id": line}

    no = await ops(house, session, bob, remove)
    yes = await ops(house, session, await house.staff("waiter"), remove)

    assert no.json()["results"][0]["code"] == "not_your_line"
    assert yes.json()["results"][0]["status"] == "accepted"
    assert (await view(house, session, bob))["cart"] == []


async def test_T4_a_stale_revision_is_merged(house: House) -> None:
    """The answer holds both values and the merge."""
    token = await token_of(house)
    ann, bob = await house.diner(), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    await sit(house, bob, token)
    answer = (await ops(house, session, ann, add("a1", quantity=2))).json()
    line, seen = answer["results"][0]["line_id"], answer["seq"]

    def set_to(op_id: str, quantity: int) -> dict[str, Any]:
        return {
            "op_id": op_id,
            "op": "set_quantity",
            "line_id": line,
            "quantity": quantity,
            "based_on": seen,
        }

    await ops(house, session, ann, set_to("a2", 3))
    merged = (await ops(house, session, bob, set_to("b1", 4))).json()["results"][0]

    assert (merged["status"], merged["yours"], merged["theirs"], merged["quantity"]) == ("merged", 4, 3, 5)


async def test_T1_a_stranger_sees_and_changes_nothing(house: House) -> None:
    """404, also for staff of another store (403)."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    eve = await house.diner()

    changed = await ops(house, session, eve, add("e1"))
    seen = await house.http.get(f"/api/v1/table-sessions/{session}", headers=eve)
    elsewhere = await ops(house, session, await house.staff("other-manager"), add("m1"))

    assert (changed.status_code, changed.json()["code"]) == (404, "table_session_not_found")
    assert seen.status_code == 404
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "forbidden")


async def test_T11_after_clearing_everything_but_reading_answers_session_closed(house: House) -> None:
    """410 on every write; the old session can be read."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    path = f"/api/v1/table-sessions/{session}"
    cleared = await house.http.post(f"{path}/clear", json={}, headers=await house.staff("waiter"))

    writes = [
        await ops(house, session, ann, add("a1")),
        await house.http.post(
            f"{path}/rounds", json={"seen_seq": 0}, headers={**ann, "Idempotency-Key": fresh_key()}
        ),
        await house.http.post(f"{path}/calls", json={"kind": "water"}, headers=ann),
        await house.http.patch(path, json={"party_size": 3}, headers=ann),
    ]

    assert cleared.json()["state"] == "closed"
    assert {(one.status_code, one.json()["code"]) for one in writes} == {(410, "session_closed")}
    assert (await view(house, session, ann))["state"] == "closed"


async def test_T16_staff_open_order_and_guests_who_scan_see_it(house: House) -> None:
    """The same cart, whoever began it; the floor shows the table."""
    waiter, ann, table = await house.staff("waiter"), await house.diner(), await new_table(house)
    opened = await house.http.post(
        f"/api/v1/stores/s1/tables/{table}/sessions", json={"party_size": 3}, headers=waiter
    )
    session = opened.json()["session_id"]
    await ops(house, session, waiter, add("w1"))

    joined = await sit(house, ann, await token_of(house, table))
    called = await house.http.post(
        f"/api/v1/table-sessions/{session}/calls", json={"kind": "water"}, headers=ann
    )

    assert (opened.status_code, joined.status_code, called.status_code) == (201, 200, 201)
    assert (await view(house, session, ann))["cart"][0]["added_by"] == "staff:waiter"

    def calls(floor: dict[str, Any]) -> bool:
        return any(
            one["table_id"] == table and one.get("sessions", [{}])[0].get("calls") == ["water"]
            for one in floor["items"]
        )

    floor = await house.becomes("/api/v1/stores/s1/tables", waiter, calls, "the table calls for water")
    row = next(one for one in floor["items"] if one["table_id"] == table)
    assert (row["phase"], row["sessions"][0]["party_size"]) == ("seated", 3)
    path = f"/api/v1/table-sessions/{session}/calls/{called.json()['call_id']}/acknowledge"
    answered = await house.http.post(path, json={}, headers=waiter)
    assert answered.json()["acknowledged_by"] == "waiter"


async def test_T2_staff_take_the_fast_road_too(house: House) -> None:
    """A body that comes in a second packet waits for roles and body alike."""
    token, waiter = await token_of(house), await house.staff("waiter")
    session = (await sit(house, await house.diner(), token)).json()["session_id"]
    body = b'{"ops": [{"op_id": "w1", "op": "add", "dish_id": "crayfish"}]}'
    head = (
        f"POST /api/v1/table-sessions/{session}/cart/ops HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {waiter['Authorization']}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    reader, writer = await house.connect()
    writer.write(head)
    await writer.drain()
    writer.write(body)

    raw = await reader.read()
    writer.close()

    assert raw.startswith(b"HTTP/1.1 200"), raw
    assert b'"status":"accepted"' in raw
    nobody = head.replace(waiter["Authorization"].encode(), b"Bearer nonsense") + body
    assert problem_of(await house.send(nobody))["code"] == "unauthenticated"


async def submit(
    house: House, session: str, who: Headers, seen_seq: int, key: str = "", **more: Any
) -> httpx.Response:
    headers = {**who, "Idempotency-Key": key or fresh_key()}
    body = {"seen_seq": seen_seq, **more}
    return await house.http.post(f"/api/v1/table-sessions/{session}/rounds", json=body, headers=headers)


async def test_T5_a_round_is_ordered_at_the_stores_prices_and_once(house: House) -> None:
    """201 with its lines; the same key again is the same round; the kitchen has it."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    seq = (await ops(house, session, ann, add("a1", quantity=2), add("a2", "noodles"))).json()["seq"]

    ordered = await submit(house, session, ann, seq, "round-1-of-ann")
    again = await submit(house, session, ann, seq, "round-1-of-ann")

    assert ordered.status_code == 201, ordered.text
    assert again.json() == ordered.json()
    body = ordered.json()
    assert (body["round_no"], body["total_fen"]) == (1, 2 * 8_800 + 1_200)
    assert [(line["dish_id"], line["quantity"], line["amount_fen"]) for line in body["lines"]] == [
        ("crayfish", 2, 17_600),
        ("noodles", 1, 1_200),
    ]
    shown = await view(house, session, ann)
    assert (shown["state"], shown["cart"]) == ("ordering", [])
    assert [one["state"] for one in shown["rounds"]] == ["fired"]
    assert shown["rounds"][0]["lines"][0]["status"] == "queued"


async def test_D4_a_shortage_orders_nothing_and_brings_all_back(house: House) -> None:
    """409 cart_stale with a line per problem; the cart is as it was, and says what stands against the line."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    await stock(house, {"state": "qty", "left": 3})
    seq = (await ops(house, session, ann, add("a1"), add("a2", "noodles", 5))).json()["seq"]

    answer = await submit(house, session, ann, seq)

    await stock(house, {"state": "qty", "left": 30})
    assert (answer.status_code, answer.json()["code"]) == (409, "cart_stale")
    (problem,) = answer.json()["lines"]
    assert (problem["dish_id"], problem["problem"], problem["left"]) == ("noodles", "not_enough", 3)
    shown = await view(house, session, ann)
    assert {line["dish_id"]: line["quantity"] for line in shown["cart"]} == {"crayfish": 1, "noodles": 5}
    assert shown["cart"][1]["problem"]["left"] == 3
    assert (await submit(house, session, ann, shown["seq"])).status_code == 201


async def test_D1_a_new_price_is_shown_before_it_is_paid(house: House) -> None:
    """The guest saw 12 yuan; 13 is asked for again, not charged."""
    token, ann = await token_of(house), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    seq = (await ops(house, session, ann, add("a1", "noodles"))).json()["seq"]
    await house.command("store/s1", PutDish(dish_id="noodles", name="凉面", price_fen=1_300))

    stale = await submit(house, session, ann, seq)
    shown = await view(house, session, ann)
    confirmed = await submit(house, session, ann, shown["seq"])

    await house.command("store/s1", PutDish(dish_id="noodles", name="凉面", price_fen=1_200))
    (problem,) = stale.json()["lines"]
    assert (problem["problem"], problem["quoted_fen"], problem["price_fen"]) == ("price_up", 1_200, 1_300)
    assert shown["cart"][0]["unit_price_fen"] == 1_300
    assert confirmed.json()["lines"][0]["unit_price_fen"] == 1_300


async def test_T6_pay_first_holds_and_cooks_nothing(house: House) -> None:
    """The round waits to be paid; the kitchen does not see it."""
    table = await new_table(house, pay_mode="pay_first")
    token, ann = await token_of(house, table), await house.diner()
    session = (await sit(house, ann, token)).json()["session_id"]
    seq = (await ops(house, session, ann, add("a1"))).json()["seq"]

    ordered = await submit(house, session, ann, seq)

    assert ordered.json()["hold_until"].endswith("+00:00")
    shown = await view(house, session, ann)
    assert shown["rounds"][0]["state"] == "held"
    kitchen = await house.http.get("/api/v1/stores/s1/kitchen", headers=await house.staff("cook"))
    assert session not in kitchen.text
