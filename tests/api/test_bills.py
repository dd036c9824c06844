"""Bills over HTTP, on real sockets: read, split, pay, what staff change (T6, T7, T10, T11, T18, O3–O6, M7, C3)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.bills import party
from tests.api.house import House, fresh_key

pytestmark = pytest.mark.anyio

SERVICE = {"rule_id": "service", "kind": "service", "name": "服务费", "name_en": "service", "permille": 100}
HEAD = {"rule_id": "seat", "kind": "per_head", "name": "餐位费", "amount_fen": 200}


async def test_T6_a_table_orders_pays_and_is_settled(house: House) -> None:
    """The whole way: round, bill with every fen explained, payment, settled."""
    one = await party(house, "crayfish", "noodles", bill={"fees": [SERVICE, HEAD], "rounding": "yuan"})

    bill = await one.bill()
    paid = await one.post(one.ann, "payments", channel="simulated")
    told = await one.pays(paid.json()["payment_id"])

    # 88.00 + 12.00, a tenth of it, two guests at 2.00: 114.00.
    assert (bill["status"], bill["total_fen"], bill["due_fen"]) == ("open", 11_400, 11_400)
    assert [one["amount_fen"] for one in bill["adjustments"]] == [1_000, 400]
    assert bill["adjustments"][0]["text_en"] == "service: 10% of 100.00"
    assert sum(line["payable_fen"] for line in bill["lines"]) + 1_400 == bill["total_fen"]
    assert (paid.status_code, paid.json()["status"], paid.json()["amount_fen"]) == (201, "paying", 11_400)
    assert told["status"] == "paid"
    after = await one.bill()
    assert (after["status"], after["due_fen"]) == ("settled", 0)
    shown = (await house.http.get(one.path, headers=one.ann)).json()
    assert (shown["state"], shown["bill"]["status"]) == ("settled", "settled")


async def test_T6_a_round_that_is_paid_first_is_cooked_when_it_is_paid(house: House) -> None:
    """Held, then fired with its payment; the kitchen has it once."""
    one = await party(house, "noodles", pay_mode="pay_first")
    held = (await house.http.get(one.path, headers=one.ann)).json()["rounds"][0]["state"]

    paid = await one.post(one.ann, "payments", channel="simulated")
    await one.pays(paid.json()["payment_id"])

    assert held == "held"
    await house.becomes(
        one.path, one.ann, lambda shown: shown["rounds"][0]["state"] == "fired", "it is fired"
    )
    assert (await one.bill())["status"] == "settled"


async def test_T7_a_bill_is_split_and_two_who_pay_one_share_pay_it_once(house: House) -> None:
    """Shares sum to the fen; the second payment of one share goes back by itself."""
    one = await party(house, "crayfish", "noodles")
    split = await one.post(one.ann, "split", mode="equal", parts=3)
    share = split.json()["shares"][0]["share_id"]

    first, second = await asyncio.gather(
        *(one.post(one.ann, "payments", channel="simulated", share_id=share) for _ in range(2))
    )
    told = [await one.pays(answer.json()["payment_id"]) for answer in (first, second)]

    assert [part["amount_fen"] for part in split.json()["shares"]] == [3_334, 3_333, 3_333]
    assert [payment["status"] for payment in told] == ["paid", "refunded"]
    bill = await one.bill()
    assert (bill["paid_fen"], bill["due_fen"]) == (3_334, 6_666)
    assert [part["status"] for part in bill["shares"]] == ["paid", "open", "open"]


@pytest.mark.parametrize("parts", [0, 10_000, [], [{}] * 101])
async def test_T7_into_none_or_ten_thousand_shares_is_refused(house: House, parts: Any) -> None:
    """422 with the field, and nothing is split."""
    one = await party(house, "noodles")

    answer = await one.post(one.ann, "split", mode="equal", parts=parts)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert answer.json()["path"] == "$.parts"
    assert (await one.bill())["shares"] == []


async def test_D2_a_price_sent_by_the_client_is_refused(house: House) -> None:
    """A payment says how much of what is due; what is due nobody says but the server."""
    one = await party(house, "noodles")

    priced = await one.post(one.ann, "payments", channel="simulated", total_fen=1)
    much = await one.post(one.ann, "payments", channel="simulated", amount_fen=1_201)

    assert (priced.status_code, priced.json()["code"]) == (422, "invalid_field")
    assert (much.status_code, much.json()["code"], much.json()["due_fen"]) == (409, "amount_too_high", 1_200)


async def test_T6_a_settled_or_closed_bill_takes_no_money(house: House) -> None:
    """409 bill_settled, and 410 once the table is cleared; late money still has one end."""
    one = await party(house, "noodles")
    late = (await one.post(one.ann, "payments", channel="simulated")).json()["payment_id"]
    cash = await one.post("cashier", "payments", channel="cash", tendered_fen=2_000)
    again = await one.post(one.ann, "payments", channel="simulated")
    cleared = await one.post("waiter", "clear")
    closed = await one.post(one.ann, "payments", channel="simulated")

    assert (cash.json()["change_fen"], cash.json()["taken_by"]) == (800, "cashier")
    assert (again.status_code, again.json()["code"]) == (409, "bill_settled")
    assert cleared.status_code == 200, cleared.text
    assert (closed.status_code, closed.json()["code"]) == (410, "session_closed")
    assert (await one.pays(late))["status"] == "refunded"


async def test_T6_a_guest_puts_no_cash_down_and_a_locked_bill_waits(house: House) -> None:
    """Cash goes into somebody's hand; 锁单 stops guests, not the till."""
    one = await party(house, "noodles")
    cash = await one.post(one.ann, "payments", channel="cash")
    locked = await one.post("waiter", "lock")
    refused = await one.post(one.ann, "payments", channel="simulated")
    round_two = await one.order("noodles")
    unlocked = await one.post("waiter", "unlock")

    assert (cash.status_code, cash.json()["code"]) == (409, "channel_not_taken")
    assert locked.json()["locked"]
    assert (refused.status_code, refused.json()["code"]) == (409, "bill_locked")
    assert (round_two.status_code, round_two.json()["code"]) == (409, "bill_locked")
    assert "locked" not in unlocked.json()


@pytest.mark.parametrize("who", ["guest", "cashier"])
async def test_T6_an_invented_voucher_pays_nothing(house: House, who: str) -> None:
    """No code is issued yet, so none can be true: 422 with the channels that are taken."""
    one = await party(house, "noodles")

    answer = await one.post(one.ann if who == "guest" else who, "payments", channel="voucher", reference="x")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert answer.json()["path"] == "$.channel"
    assert all(channel in answer.json()["problem"] for channel in ("simulated", "cash", "deposit"))
    assert (await one.bill())["due_fen"] == 1_200


async def test_T6_the_same_key_pays_once(house: House) -> None:
    """One payment, whoever repeats the request."""
    one, key = await party(house, "noodles"), fresh_key()

    answers = [await one.post("cashier", "payments", key, channel="cash") for _ in range(3)]

    assert {answer.json()["payment_id"] for answer in answers} == {f"{one.session}.p1"}
    assert len((await one.bill())["payments"]) == 1


async def test_O3_a_comp_above_the_limit_needs_a_second_person(house: House) -> None:
    """A waiter gives nothing alone; a manager does, and it is in the audit log."""
    one = await party(house, "crayfish")
    line = (await one.bill())["lines"][0]["line_id"]

    waiter = await one.post("waiter", f"lines/{line}/comp", quantity=1, reason="凉了")
    manager = await one.post("manager", f"lines/{line}/comp", quantity=1, reason="凉了")
    again = await one.post("manager", f"lines/{line}/comp", quantity=1, reason="凉了")

    assert (waiter.status_code, waiter.json()["code"]) == (403, "second_person_required")
    assert waiter.json()["amount_fen"] == 8_800
    assert (manager.status_code, manager.json()["total_fen"]) == (200, 0)
    assert (again.status_code, again.json()["code"]) == (409, "over_refund")
    owner = await house.staff("owner")

    def logged(log: dict[str, Any]) -> bool:
        return any(
            entry["subject"].endswith(f"{line}/comp") or line in entry["subject"] for entry in log["items"]
        )

    await house.becomes("/api/v1/stores/s1/audit", owner, logged, "the comp is in the log")


async def test_O3_a_cancelled_line_leaves_the_bill_when_the_kitchen_says_so(house: House) -> None:
    """Nothing was cooked yet: off at once, with its stock back."""
    one = await party(house, "crayfish", "noodles")
    line = (await one.bill())["lines"][1]["line_id"]

    asked = await one.post("waiter", f"lines/{line}/cancel", quantity=1, reason="点错")

    assert asked.status_code == 200, asked.text
    await house.becomes(f"{one.path}/bill", one.ann, lambda bill: bill["total_fen"] == 8_800, "it is off")


async def test_O4_a_refund_of_a_line_gives_its_money_back_and_no_more(house: House) -> None:
    """100 parallel tries: Σ refunds ≤ paid."""
    one = await party(house, "crayfish", "noodles")
    line = (await one.bill())["lines"][0]["line_id"]
    await one.post("cashier", "payments", channel="cash")

    first = await one.post("manager", f"lines/{line}/refund", quantity=2, reason="不新鲜")
    answers = await asyncio.gather(
        *(one.post("manager", f"lines/{line}/refund", quantity=1, reason="不新鲜") for _ in range(100))
    )

    assert (first.status_code, first.json()["left"]) == (409, 1)
    assert [answer.status_code for answer in answers].count(200) == 1
    bill = await one.bill()
    assert (bill["refunded_fen"], bill["due_fen"], bill["status"]) == (8_800, 0, "part_refunded")


async def test_M7_a_discount_within_the_limit_and_one_above_it(house: House) -> None:
    """The limit is in money, whether an amount or a share was asked for."""
    one = await party(house, "crayfish")

    much = await one.post("cashier", "adjustments", kind="discount", permille=600, reason="老客")
    some = await one.post("cashier", "adjustments", kind="discount", permille=100, reason="老客")
    rounded = await one.post("cashier", "adjustments", kind="rounding", rounding="yuan")

    assert (much.status_code, much.json()["amount_fen"]) == (403, 5_280)
    assert some.json()["total_fen"] == 7_920
    assert rounded.json()["total_fen"] == 7_900
    assert [one["phase"] for one in rounded.json()["adjustments"]] == ["manual", "rounding"]


async def test_C3_M7_a_limit_is_not_for_each_slice(house: House) -> None:
    """Fifty yuan alone, and no second fifty; another account has a limit of its own."""
    one = await party(house, "crayfish", "crayfish")
    fifty: dict[str, Any] = {"kind": "discount", "amount_fen": 5_000, "reason": "老客"}

    first = await one.post("cashier", "adjustments", **fifty)
    second = await one.post("cashier", "adjustments", **fifty)
    manager = await one.post("manager", "adjustments", **fifty)

    assert (first.status_code, first.json()["total_fen"]) == (200, 12_600)
    assert (second.status_code, second.json()["code"]) == (403, "second_person_required")
    assert (second.json()["amount_fen"], second.json()["alone_up_to_fen"]) == (10_000, 5_000)
    assert manager.json()["total_fen"] == 7_600


async def test_O3_C3_a_paid_line_is_cancelled_as_it_is_refunded(house: House) -> None:
    """A waiter gives no money back; a cashier needs a second person, a manager does it alone."""
    one = await party(house, "crayfish", "noodles")
    line = (await one.bill())["lines"][1]["line_id"]
    await one.post("cashier", "payments", channel="cash")

    waiter = await one.post("waiter", f"lines/{line}/cancel", quantity=1, reason="点错")
    cashier = await one.post("cashier", f"lines/{line}/cancel", quantity=1, reason="点错")
    before = await one.bill()
    manager = await one.post("manager", f"lines/{line}/cancel", quantity=1, reason="点错")

    assert (waiter.status_code, waiter.json()["code"]) == (403, "forbidden")
    assert (cashier.status_code, cashier.json()["code"]) == (403, "second_person_required")
    assert (cashier.json()["action"], cashier.json()["amount_fen"]) == ("line.refund", 1_200)
    assert (before.get("refunded_fen", 0), manager.status_code) == (0, 200)
    await house.becomes(f"{one.path}/bill", one.ann, lambda bill: bill["refunded_fen"] == 1_200, "it is back")


async def test_O5_a_settled_bill_is_reopened_and_the_difference_goes_back(house: House) -> None:
    """反结账: the credit stays until the bill is locked; the kitchen hears nothing."""
    one = await party(house, "crayfish")
    await one.post("cashier", "payments", channel="cash")
    refused = await one.post("manager", "adjustments", kind="discount", amount_fen=800, reason="漏打折")

    reopened = await one.post("manager", "reopen", reason="漏打折")
    discounted = await one.post("manager", "adjustments", kind="discount", amount_fen=800, reason="漏打折")
    closed = await one.post("manager", "lock")

    assert (refused.status_code, refused.json()["code"]) == (409, "bill_settled")
    assert reopened.json()["credit_ends_at"]
    assert (discounted.json()["status"], discounted.json()["refunded_fen"]) == ("over_paid", 0)
    assert (closed.json()["status"], closed.json()["refunded_fen"]) == ("part_refunded", 800)


async def test_T11_an_unpaid_table_is_cleared_with_a_reason_and_a_role(house: House) -> None:
    """409 without a reason, 403 without the role, and a write-off in the books."""
    one = await party(house, "noodles")

    unpaid = await one.post("waiter", "clear")
    waiter = await one.post("waiter", "clear", reason="跑单")
    manager = await one.post("manager", "clear", reason="跑单")

    assert (unpaid.status_code, unpaid.json()["code"], unpaid.json()["due_fen"]) == (
        409,
        "bill_unsettled",
        1_200,
    )
    assert waiter.status_code == 403
    assert manager.json()["state"] == "closed"
    (payment,) = (await one.bill())["payments"]
    assert (payment["channel"], payment["amount_fen"], payment["reference"]) == ("write_off", 1_200, "跑单")


async def test_T18_a_deposit_pays_the_bill(house: House) -> None:
    """Held, used once, and what is over goes back."""
    one = await party(house)
    held = await one.post("cashier", "deposits", amount_fen=5_000)
    await one.order("noodles")

    used = await one.post(one.ann, "payments", channel="deposit")

    assert (held.status_code, held.json()["deposit"]) == (201, "held")
    assert (used.json()["deposit"], used.json()["refunded_fen"]) == ("used", 3_800)
    assert (await one.bill())["due_fen"] == 0


async def test_T10_a_changed_head_count_prices_the_open_bill_anew(house: House) -> None:
    """Two, then four guests."""
    one = await party(house, "noodles", bill={"fees": [HEAD]})
    before = (await one.bill())["total_fen"]

    await house.http.patch(one.path, json={"party_size": 4}, headers=await house.staff("waiter"))

    assert (before, (await one.bill())["total_fen"]) == (1_600, 2_000)


async def test_O5_a_cleared_table_keeps_a_bill_that_staff_reopen_and_refund(house: House) -> None:
    """Its guests read it; 410 for what they write."""
    one = await party(house, "crayfish", "noodles")
    await one.post("cashier", "payments", channel="cash")
    cleared = await one.post("waiter", "clear")
    line = (await one.bill())["lines"][0]["line_id"]

    reopened = await one.post("manager", "reopen", reason="漏打折")
    of_guest = await one.post(one.ann, "payments", channel="simulated")
    locked = await one.post("manager", "lock")
    refunded = await one.post("manager", f"lines/{line}/refund", quantity=1, reason="不新鲜")

    assert (cleared.status_code, reopened.status_code, locked.status_code) == (200, 200, 200)
    assert (of_guest.status_code, of_guest.json()["code"]) == (410, "session_closed")
    assert refunded.status_code == 200, refunded.text
    assert refunded.json()["refunded_fen"] > 0


async def test_D5_C3_what_is_weighed_or_priced_by_the_market_is_confirmed_within_limits(house: House) -> None:
    """A weight for the fish, a price for the crab; below the shown price it is a discount, not a waiter's to give."""
    prices = {"crayfish": 8_800, "noodles": 1_200, "fish": 6_800, "crab": 20_000}
    kinds = {"fish": "weighed", "crab": "market"}
    dishes = [
        {"dish_id": dish, "name": dish, "price_fen": fen, "kind": kinds.get(dish, "plain"), "unit": "jin"}
        for dish, fen in prices.items()
    ]
    headers = {**await house.staff("manager"), "Idempotency-Key": fresh_key()}
    draft = await house.http.put("/api/v1/stores/s1/menu/draft", json={"dishes": dishes}, headers=headers)
    assert draft.status_code == 200, draft.text
    headers["Idempotency-Key"] = fresh_key()
    published = await house.http.post("/api/v1/stores/s1/menu/publish", json={}, headers=headers)
    assert published.status_code == 200, published.text
    one = await party(house, "fish", "crab")
    fish, crab = (line["line_id"] for line in (await one.bill())["lines"])

    priced = await one.post("waiter", f"lines/{fish}/weigh", weight_milli=1_000, unit_price_fen=1)
    nothing = await one.post("waiter", f"lines/{fish}/weigh")
    comp = await one.post("manager", f"lines/{fish}/comp", quantity=1, reason="x")
    weighed = await one.post("waiter", f"lines/{fish}/weigh", weight_milli=1_500)
    cheap = await one.post("waiter", f"lines/{crab}/weigh", unit_price_fen=14_000)
    cashier = await one.post("cashier", f"lines/{crab}/weigh", unit_price_fen=14_000)
    waiter_clears = await one.post("waiter", "clear", reason="跑单")
    manager = await one.post("manager", f"lines/{crab}/weigh", unit_price_fen=14_000)

    assert (priced.status_code, priced.json()["path"]) == (422, "$.unit_price_fen")
    assert (nothing.status_code, nothing.json()["path"]) == (422, "$.weight_milli")
    assert (comp.status_code, comp.json()["code"]) == (409, "line_unconfirmed")
    assert weighed.json()["total_fen"] == 10_200
    assert (cheap.status_code, cheap.json()["code"]) == (403, "forbidden")
    assert (cashier.json()["action"], cashier.json()["amount_fen"]) == ("bill.discount", 6_000)
    assert waiter_clears.status_code == 403
    assert manager.json()["total_fen"] == 24_200
