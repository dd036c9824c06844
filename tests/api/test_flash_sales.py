"""A diner's way through a flash sale, over HTTP."""

from __future__ import annotations

import asyncio

import pytest

from api.settings import Router
from flash_sale.commands import Claim
from tests.api.house import Gate, House, fresh_key, in_time, open_house, until

pytestmark = pytest.mark.anyio


async def test_F1_exactly_n_of_many_diners_get_a_hold(house: House) -> None:
    """Stock 5 and 20 diners at once: five holds, the others are told that it is sold out."""
    sale = await house.open_sale(stock=5)
    diners = [await house.diner() for _ in range(20)]

    answers = await asyncio.gather(*(house.claim(sale["flash_sale_id"], who) for who in diners))

    held = [answer.json() for answer in answers if answer.status_code == 201]
    refused = [answer.json() for answer in answers if answer.status_code != 201]
    assert sorted(claim["position"] for claim in held) == [1, 2, 3, 4, 5]
    assert {claim["status"] for claim in held} == {"held"}
    assert {(problem["status"], problem["code"]) for problem in refused} == {(409, "sold_out")}
    shown = (await house.http.get(f"/api/v1/flash-sales/{sale['flash_sale_id']}")).json()
    assert (shown["phase"], shown["left"], shown["stock"]) == ("sold_out", 0, 5)


async def test_a_held_claim_says_all_that_the_contract_promises(house: House) -> None:
    """201 with claim_id, status, quantity, position and expires_at, a moment with its offset."""
    sale = await house.open_sale()

    answer = await house.claim(sale["flash_sale_id"], await house.diner(), quantity=2)

    claim = answer.json()
    assert answer.status_code == 201
    assert claim["claim_id"].startswith(f"{sale['flash_sale_id']}.")
    assert (claim["status"], claim["quantity"], claim["position"]) == ("held", 2, 1)
    assert claim["expires_at"].endswith("+00:00")
    assert answer.headers["kaifan-silo"] == "local"


async def test_F2_fifty_claims_of_one_diner_stay_within_the_limit(house: House) -> None:
    """One diner's 50 parallel claims: at most per_user_limit are held, the rest are refused or asked to wait."""
    sale = await house.open_sale(per_user_limit=2)
    who = await house.diner()

    answers = await asyncio.gather(*(house.claim(sale["flash_sale_id"], who) for _ in range(50)))

    codes = [answer.status_code for answer in answers]
    assert 1 <= codes.count(201) <= 2
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {
        "claim_in_flight",
        "limit_reached",
    }
    shown = (await house.http.get(f"/api/v1/flash-sales/{sale['flash_sale_id']}")).json()
    assert shown["left"] == 20 - codes.count(201)


async def test_F4_a_claim_that_waits_gets_the_hold_that_comes_back(house: House) -> None:
    """With wait and nothing left 202 waiting; when the holder gives up, the waiting claim is held."""
    sale = await house.open_sale(stock=1)
    holder, waiter = await house.diner(), await house.diner()
    held = (await house.claim(sale["flash_sale_id"], holder)).json()

    waiting = await house.claim(sale["flash_sale_id"], waiter, wait=True)
    assert waiting.status_code == 202
    assert (waiting.json()["status"], waiting.json()["position"]) == ("waiting", 2)
    claims = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims"
    released = await house.http.delete(f"{claims}/{held['claim_id']}", headers=holder)

    assert (released.status_code, released.json()["status"]) == (200, "released")
    shown = await house.http.get(f"{claims}/{waiting.json()['claim_id']}", headers=waiter)
    assert (shown.json()["status"], shown.json()["reason"]) == ("held", "from_waitlist")


async def test_F5_the_same_key_gets_the_same_hold(house: House) -> None:
    """A repeated claim is answered and not made again; another body under its key is refused."""
    sale = await house.open_sale()
    who, key = await house.diner(), fresh_key()

    first = await house.claim(sale["flash_sale_id"], who, key=key)
    again = await house.claim(sale["flash_sale_id"], who, key=key)
    other = await house.claim(sale["flash_sale_id"], who, key=key, quantity=2)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_key_belongs_to_its_caller(house: House) -> None:
    """Two diners with the same key have two claims."""
    sale = await house.open_sale()
    key = fresh_key()

    one = await house.claim(sale["flash_sale_id"], await house.diner(), key=key)
    two = await house.claim(sale["flash_sale_id"], await house.diner(), key=key)

    assert one.json()["claim_id"] != two.json()["claim_id"]


async def test_F7_a_claim_before_the_start_and_after_the_end_is_refused(house: House) -> None:
    """409 not_started names the start; 409 ended after a manager stopped the sale."""
    who = await house.diner()
    upcoming = await house.open_sale(starts_at=in_time(600))
    early = await house.claim(upcoming["flash_sale_id"], who)
    assert (early.status_code, early.json()["code"]) == (409, "not_started")
    assert early.json()["starts_at"] == upcoming["starts_at"]

    over = await house.open_sale()
    path = f"/api/v1/stores/s1/flash-sales/{over['flash_sale_id']}"
    stopped = await house.http.post(f"{path}/stop", headers=await house.staff("manager"))
    assert (stopped.status_code, stopped.json()["phase"]) == (200, "ended")
    late = await house.claim(over["flash_sale_id"], who)
    assert (late.status_code, late.json()["code"]) == (409, "ended")


async def test_F8_a_sale_that_wants_an_entry_token_takes_only_the_diners_own(house: House) -> None:
    """No token, a stranger's, or a damaged one: 403; the diner's own: held."""
    sale = await house.open_sale(entry_required=True)
    who, stranger = await house.diner(), await house.diner()
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/entry"
    token = (await house.http.post(path, headers=who)).json()["entry_token"]
    foreign = (await house.http.post(path, headers=stranger)).json()["entry_token"]

    refused = [
        await house.claim(sale["flash_sale_id"], who),
        await house.claim(sale["flash_sale_id"], who, entry_token=foreign),
        await house.claim(sale["flash_sale_id"], who, entry_token=token[:-1] + "~"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [
        (403, "entry_token_invalid")
    ] * 3
    assert (await house.claim(sale["flash_sale_id"], who, entry_token=token)).status_code == 201


async def test_F8_an_entry_token_does_not_start_a_sale(house: House) -> None:
    """With a token, and before the start: the sale says not_started, by its own clock."""
    sale = await house.open_sale(entry_required=True, starts_at=in_time(600))
    who = await house.diner()
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/entry"
    token = (await house.http.post(path, json={}, headers=who)).json()["entry_token"]

    answer = await house.claim(sale["flash_sale_id"], who, entry_token=token)

    assert (answer.status_code, answer.json()["code"]) == (409, "not_started")


async def test_F8_switching_the_entry_off_is_heard_at_once(house: House) -> None:
    """A manager switches entry_required off; the next claim needs no token."""
    sale = await house.open_sale(entry_required=True)
    who = await house.diner()
    assert (await house.claim(sale["flash_sale_id"], who)).status_code == 403

    path = f"/api/v1/stores/s1/flash-sales/{sale['flash_sale_id']}"
    changed = await house.http.patch(
        path, json={"entry_required": False}, headers=await house.staff("manager")
    )

    assert (changed.status_code, changed.json()["entry_required"]) == (200, False)
    assert (await house.claim(sale["flash_sale_id"], who)).status_code == 201


async def test_F11_a_draw_takes_entries_and_publishes_its_proof(house: House) -> None:
    """202 entered with result_at; after the draw seed and order are there, and the seed has the hash of before."""
    sale = await house.open_sale(policy="draw", draw_window_ms=400, stock=1, starts_at=in_time(-0.05))
    assert sale["seed_hash"]
    diners = [await house.diner() for _ in range(3)]
    entered = [await house.claim(sale["flash_sale_id"], who) for who in diners]
    assert [(one.status_code, one.json()["status"]) for one in entered] == [(202, "entered")] * 3
    assert all(one.json()["result_at"] for one in entered)

    proof = await house.becomes(
        f"/api/v1/flash-sales/{sale['flash_sale_id']}/proof", {}, lambda shown: "seed" in shown, "drawn"
    )
    assert proof["seed_hash"] == sale["seed_hash"]
    assert sorted(proof["order"]) == sorted(one.json()["claim_id"] for one in entered)
    claims = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims"
    shown = [
        (await house.http.get(f"{claims}/{one.json()['claim_id']}", headers=who)).json()["status"]
        for one, who in zip(entered, diners, strict=True)
    ]
    assert sorted(shown) == ["held", "not_drawn", "not_drawn"]


async def test_a_claim_is_its_diners_alone(house: House) -> None:
    """To anyone else the claim does not exist."""
    sale = await house.open_sale()
    claim = (await house.claim(sale["flash_sale_id"], await house.diner())).json()
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims/{claim['claim_id']}"
    stranger = await house.diner()

    for answer in (
        await house.http.get(path, headers=stranger),
        await house.http.delete(path, headers=stranger),
        await house.check_out(claim, stranger),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "claim_not_found")


async def test_checkout_places_one_order_that_can_be_paid(house: House) -> None:
    """Checkout, once or twice under one key: one order with its payment; paid, it is accepted and settled."""
    sale = await house.open_sale()
    who, key = await house.diner(), fresh_key()
    claim = (await house.claim(sale["flash_sale_id"], who, quantity=2)).json()

    first = await house.check_out(claim, who, key)
    again = await house.check_out(claim, who, key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["order_id"] == again.json()["order_id"]
    payment = first.json()["payment"]
    assert payment["amount_fen"] == 1_980
    assert payment["expires_at"]

    reported = await house.http.post(
        f"/api/v1/payments/simulated/{payment['payment_id']}", json={"outcome": "paid"}, headers=who
    )
    assert reported.status_code == 200, reported.text
    path = f"/api/v1/orders/{first.json()['order_id']}"
    order = await house.becomes(path, who, lambda shown: shown["status"] == "accepted", "accepted")
    assert order["money_status"] == "settled"
    mine = await house.becomes(
        "/api/v1/orders",
        who,
        lambda shown: [row["status"] for row in shown["items"]] == ["accepted"],
        "the one order, accepted",
    )
    assert mine["items"][0]["order_id"] == order["order_id"]


async def test_a_cancelled_order_gives_its_claim_back(house: House) -> None:
    """Cancelled before it is paid: the stock is left again, and a second cancel says what is allowed."""
    sale = await house.open_sale(stock=1)
    who = await house.diner()
    claim = (await house.claim(sale["flash_sale_id"], who)).json()
    order = (await house.check_out(claim, who)).json()

    cancelled = await house.http.post(f"/api/v1/orders/{order['order_id']}/cancel", headers=who)
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = await house.http.post(f"/api/v1/orders/{order['order_id']}/cancel", headers=who)
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")
    assert again.json()["allowed"] == []

    sale_path = f"/api/v1/flash-sales/{sale['flash_sale_id']}"
    await house.becomes(sale_path, {}, lambda shown: shown["left"] == 1, "left 1")


async def test_F6_money_that_comes_late_for_a_cancelled_order_is_refunded(house: House) -> None:
    """The channel will say paid after our close: the order stays cancelled, and the payment ends refunded."""
    sale = await house.open_sale()
    who = await house.diner()
    order = (await house.check_out((await house.claim(sale["flash_sale_id"], who)).json(), who)).json()
    payment_id = order["payment"]["payment_id"]
    late = await house.http.post(
        f"/api/v1/payments/simulated/{payment_id}",
        json={"outcome": "late"},
        headers=await house.staff("cashier"),
    )
    assert late.status_code == 200

    await house.http.post(f"/api/v1/orders/{order['order_id']}/cancel", headers=who)
    payment = await house.becomes(
        f"/api/v1/payments/{payment_id}", who, lambda shown: shown["status"] == "refunded", "refunded"
    )
    assert payment["refunded_fen"] == payment["amount_fen"] == 990
    shown = (await house.http.get(f"/api/v1/orders/{order['order_id']}", headers=who)).json()
    assert (shown["status"], shown["bill"]["refunded_fen"]) == ("cancelled", 990)


async def test_a_failed_payment_leaves_the_hold_for_another_try(house: House) -> None:
    """failed: the claim is held again, and can be checked out into a new order."""
    sale = await house.open_sale()
    who = await house.diner()
    claim = (await house.claim(sale["flash_sale_id"], who)).json()
    first = (await house.check_out(claim, who)).json()
    await house.http.post(
        f"/api/v1/payments/simulated/{first['payment']['payment_id']}",
        json={"outcome": "failed"},
        headers=who,
    )
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims/{claim['claim_id']}"
    await house.becomes(path, who, lambda shown: shown["status"] == "held", "held again")
    second = await house.check_out(claim, who)
    assert second.status_code == 201
    assert second.json()["order_id"] != first["order_id"]


async def test_staff_see_orders_of_their_own_store_only(house: House) -> None:
    """The waiter of s1 sees the order and its payment; the manager of s2 may not."""
    sale = await house.open_sale()
    who = await house.diner()
    order = (await house.check_out((await house.claim(sale["flash_sale_id"], who)).json(), who)).json()
    paths = (f"/api/v1/orders/{order['order_id']}", f"/api/v1/payments/{order['payment']['payment_id']}")

    for path in paths:
        assert (await house.http.get(path, headers=await house.staff("waiter"))).status_code == 200
        assert (await house.http.get(path, headers=await house.staff("other-manager"))).status_code == 403
        assert (await house.http.get(path, headers=await house.diner())).status_code == 404


async def test_a_sale_is_created_once_per_key(house: House) -> None:
    """The same request again answers with the same sale, and carves the stock out once (F10)."""
    headers = {**await house.staff("manager"), "Idempotency-Key": fresh_key()}
    body = {
        "title": "t",
        "dish_id": "noodles",
        "price_fen": 1,
        "stock": 20,
        "per_user_limit": 1,
        "starts_at": in_time(-1),
        "ends_at": in_time(60),
    }

    one = await house.http.post("/api/v1/stores/s1/flash-sales", json=body, headers=headers)
    two = await house.http.post("/api/v1/stores/s1/flash-sales", json=body, headers=headers)

    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["flash_sale_id"] == two.json()["flash_sale_id"]
    assert one.headers["location"] == f"/api/v1/flash-sales/{one.json()['flash_sale_id']}"
    dishes = (await house.http.get("/api/v1/stores/s1/menu")).json()["dishes"]
    left = {dish["dish_id"]: dish["availability"] for dish in dishes}["noodles"]
    assert left == {"state": "qty", "left": 10}
    listed = (await house.http.get("/api/v1/stores/s1/flash-sales")).json()["items"]
    assert [row["flash_sale_id"] for row in listed if row["dish_id"] == "noodles"] == [
        one.json()["flash_sale_id"]
    ]


async def test_a_manager_cannot_touch_another_stores_sale(house: House) -> None:
    """Under their own store's address the other store's sale does not exist."""
    sale = await house.open_sale()
    headers = await house.staff("other-manager")
    path = f"/api/v1/stores/s2/flash-sales/{sale['flash_sale_id']}"

    stopped = await house.http.post(f"{path}/stop", headers=headers)
    changed = await house.http.patch(path, json={"title": "mine"}, headers=headers)

    assert [(answer.status_code, answer.json()["code"]) for answer in (stopped, changed)] == [
        (404, "flash_sale_not_found")
    ] * 2


async def test_F8_one_claim_of_a_diner_in_a_sale_is_decided_at_a_time() -> None:
    """A second claim while the first is on its way: 429; a repeat of the first waits for the same answer."""
    gates: list[Gate] = []

    def around(router: Router) -> Router:
        gates.append(Gate(router, lambda word: isinstance(word, Claim)))
        return gates[0]

    async with open_house(around=around) as house:
        sale, other = await house.open_sale(), await house.open_sale()
        who, key = await house.diner(), fresh_key()
        first = asyncio.create_task(house.claim(sale["flash_sale_id"], who, key=key))
        repeat = asyncio.create_task(house.claim(sale["flash_sale_id"], who, key=key))
        elsewhere = asyncio.create_task(house.claim(other["flash_sale_id"], who))
        await until(lambda: gates[0].waiting == 3, "claim, repeat, and a claim in another sale at the gate")

        second = await house.claim(sale["flash_sale_id"], who)
        gates[0].open()

        assert (second.status_code, second.json()["code"]) == (429, "claim_in_flight")
        assert second.headers["retry-after"] == "1"
        assert (await first).json() == (await repeat).json()
        assert ((await first).status_code, (await elsewhere).status_code) == (201, 201)
        assert house.app.door.in_flight == {}
