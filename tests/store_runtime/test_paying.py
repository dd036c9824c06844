"""Payments, refunds, deposits and what staff do to a bill (T6, T10, T11, T18, O3–O6, D5, M7)."""

from __future__ import annotations

from typing import Any

import pytest

from actors.words import Rejection
from pricing.facts import FeeRule
from store_runtime.bill import at_the_till, lines, paying
from store_runtime.bill.rejections import (
    AmountTooHigh,
    BillIsLocked,
    BillSettled,
    ChannelNotTaken,
    DepositNotHeld,
    IllegalTransition,
    InvalidField,
    LineUnconfirmed,
    OverRefund,
    ReopenTooLate,
    TenderedTooLittle,
)
from tests.store_runtime.bills import MANAGER, OWNER, WAITER, Desk, dish, parts, share

MINUTE = 60_000
ROOM = FeeRule(rule_id="room", kind="per_time", name="包间费", amount_fen=1_000, period_minutes=60)
HEAD = FeeRule(rule_id="seat", kind="per_head", name="餐位费", amount_fen=200)
MINIMUM = FeeRule(rule_id="minimum", kind="minimum", name="低消", amount_fen=10_000)


def refused(rejection: Rejection | type[Rejection], act: Any, *args: Any, **fields: Any) -> None:
    kind = rejection if isinstance(rejection, type) else type(rejection)
    with pytest.raises(kind) as raised:
        act(*args, **fields)
    if not isinstance(rejection, type):
        assert raised.value == rejection


# Paying


def test_T6_a_bill_is_open_part_paid_and_settled_as_money_comes() -> None:
    desk = Desk(dish("l1", 9_000))
    assert desk.status == "open"

    desk.cash(amount_fen=4_000)
    assert (desk.status, desk.due) == ("part_paid", 5_000)

    desk.paid()
    assert (desk.status, desk.due) == ("settled", 0)


def test_T6_cash_gives_change() -> None:
    paid = Desk(dish("l1", 9_000)).cash(tendered_fen=10_000)

    assert (paid.status, paid.amount_fen, paid.tendered_fen, paid.change_fen) == (
        "paid",
        9_000,
        10_000,
        1_000,
    )


def test_T6_what_cannot_be_paid_says_why() -> None:
    desk = Desk(dish("l1", 9_000))

    refused(AmountTooHigh(due_fen=9_000), desk.pay, amount_fen=9_001)
    refused(TenderedTooLittle(amount_fen=9_000), desk.cash, tendered_fen=8_999)
    refused(ChannelNotTaken(channels=list(paying.GUESTS_CHANNELS)), desk.pay, channel="cash")
    refused(ChannelNotTaken, desk.pay, channel="write_off", by=WAITER)
    desk.cash()
    refused(BillSettled, desk.pay)


def test_T6_a_locked_bill_is_paid_at_the_counter_only() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.do(at_the_till.lock, WAITER)

    refused(BillIsLocked, desk.pay)
    desk.do(at_the_till.unlock, WAITER)

    assert desk.paid().status == "paid"


def test_T7_two_people_pay_the_whole_bill_and_the_second_gets_it_back() -> None:
    desk = Desk(dish("l1", 9_000))
    mine, yours = desk.pay(), desk.pay()

    desk.report(mine)
    yours = desk.report(yours)

    assert (yours.status, desk.due, desk.status) == ("refunded", 0, "part_refunded")


def test_O6_money_that_comes_after_the_close_pays_what_is_still_due() -> None:
    desk = Desk(dish("l1", 9_000))
    payment = desk.pay()
    desk.wake()
    assert payment.status == "closed"

    late = desk.report(payment)

    assert (late.status, desk.status) == ("paid", "settled")


def test_O6_money_that_comes_after_the_close_goes_back_when_nothing_is_due() -> None:
    desk = Desk(dish("l1", 9_000))
    payment = desk.pay()
    desk.wake()
    desk.cash()

    late = desk.report(payment)

    assert (late.status, late.refunded_fen, desk.due) == ("refunded", 9_000, 0)


def test_O6_a_channel_that_refuses_to_close_is_asked_again() -> None:
    desk = Desk(dish("l1", 9_000))
    payment = desk.pay()
    desk.report(payment, "late")

    # Settled within the two seconds in which the channel closes nothing.
    desk.cash()
    assert payment.status == "paying"
    desk.wake()

    assert (desk.bill.payments[payment.payment_id].status, desk.due) == ("refunded", 0)


def test_O6_the_channels_word_twice_changes_nothing() -> None:
    desk = Desk(dish("l1", 9_000))
    payment = desk.paid()

    desk.report(payment)
    desk.report(payment, "late")

    assert desk.bill.received_fen == 9_000
    refused(IllegalTransition, desk.report, payment, "failed")


def test_T6_nobody_pays_with_a_voucher_that_nobody_issued() -> None:
    desk = Desk(dish("l1", 3_000))

    refused(ChannelNotTaken(channels=["simulated", "deposit"]), desk.pay, "voucher", reference="V1")
    refused(ChannelNotTaken, desk.pay, "voucher", by=WAITER, reference="V1")
    assert desk.due == 3_000


def test_T18_a_deposit_pays_once_and_what_is_over_goes_back() -> None:
    desk = Desk()
    held = desk.do(paying.take_deposit, "cash", 10_000, by=WAITER)
    assert (desk.bill.held_fen, desk.status) == (10_000, "open")
    desk.order(dish("l1", 7_000))

    desk.pay("deposit")

    used = desk.bill.payments[held.payment_id]
    assert (used.deposit, used.refunded_fen, desk.due) == ("used", 3_000, 0)
    refused(BillSettled, desk.pay, "deposit")


def test_T18_a_deposit_is_paid_back_or_stays_with_the_house() -> None:
    desk = Desk(dish("l1", 7_000))
    back = desk.do(paying.take_deposit, "cash", 5_000, by=WAITER)
    kept = desk.do(paying.take_deposit, "cash", 2_000, by=WAITER)

    desk.do(paying.return_deposit, back.payment_id, "取消", WAITER)
    desk.do(paying.forfeit_deposit, kept.payment_id, "未到店", MANAGER)

    assert desk.bill.payments[back.payment_id].status == "refunded"
    assert desk.bill.payments[kept.payment_id].deposit == "forfeited"
    assert (desk.bill.held_fen, desk.due) == (0, 7_000)
    refused(DepositNotHeld, desk.do, paying.forfeit_deposit, back.payment_id, "x", MANAGER)
    refused(DepositNotHeld, desk.pay, "deposit")


# Lines


def test_O3_a_comp_costs_nothing_and_money_that_is_over_goes_back() -> None:
    desk = Desk(dish("l1", 3_000, 2), dish("l2", 1_000))
    desk.cash()

    desk.comp("l1")

    assert (desk.bill.refunded_fen, desk.due) == (3_000, 0)
    assert desk.bill.lines[f"{OWNER}.l1"].standing == 2
    refused(OverRefund(line_id=f"{OWNER}.l1", left=1), desk.comp, "l1", 2)


def test_O3_a_cancelled_line_heard_twice_is_off_once() -> None:
    desk = Desk(dish("l1", 3_000, 3))

    desk.do(lines.take_off, f"{OWNER}.l1", 2)
    desk.do(lines.take_off, f"{OWNER}.l1", 2)
    desk.do(lines.take_off, f"{OWNER}.l1", 1)

    assert desk.due == 3_000


def test_D5_a_weighed_line_is_payable_once_it_is_confirmed() -> None:
    desk = Desk(dish("fish", 6_800, provisional=True), dish("l2", 1_000))
    desk.cash()
    assert desk.status == "part_paid"
    refused(LineUnconfirmed(line_ids=[f"{OWNER}.fish"]), desk.cash)

    desk.do(lines.weigh, f"{OWNER}.fish", WAITER, weight_milli=1_355)

    # 68.00 × 1.355 = 92.14
    assert desk.due == 9_214
    assert desk.bill.priced(desk.at).lines[0].text == "fish 1.355 × 68.00"
    desk.cash()
    assert desk.status == "settled"


def test_D5_a_line_is_weighed_again_until_it_is_paid() -> None:
    desk = Desk(dish("fish", 6_800, provisional=True, market=True))
    desk.do(lines.weigh, f"{OWNER}.fish", WAITER, weight_milli=1_000)

    desk.do(lines.weigh, f"{OWNER}.fish", WAITER, unit_price_fen=5_000)
    assert desk.due == 5_000
    desk.cash()

    refused(IllegalTransition, desk.do, lines.weigh, f"{OWNER}.fish", WAITER, weight_milli=1)


@pytest.mark.parametrize(
    ("market", "given"),
    [
        (False, {}),
        (False, {"unit_price_fen": 1}),
        (False, {"weight_milli": 9, "unit_price_fen": 1}),
        (True, {}),
    ],
)
def test_D5_only_the_market_makes_a_price_and_a_weighed_dish_has_a_weight(
    market: bool, given: dict[str, int]
) -> None:
    desk = Desk(dish("fish", 6_800, provisional=True, market=market))

    refused(InvalidField, desk.do, lines.weigh, f"{OWNER}.fish", WAITER, **given)

    assert desk.bill.unconfirmed


def test_D5_M7_a_market_price_below_the_shown_one_is_a_discount() -> None:
    desk = Desk(dish("fish", 6_800, 2, provisional=True, market=True))
    fish = f"{OWNER}.fish"

    assert desk.do(lines.weigh, fish, WAITER, unit_price_fen=7_000) == 0
    assert desk.do(lines.weigh, fish, WAITER, unit_price_fen=6_000) == 1_600
    # The price that guests saw is the one to compare with, however often it is corrected.
    assert desk.do(lines.weigh, fish, WAITER, weight_milli=500, unit_price_fen=800) == 3_000


def test_D5_O3_what_has_no_price_yet_is_not_comped() -> None:
    desk = Desk(dish("fish", 6_800, provisional=True))

    refused(LineUnconfirmed(line_ids=[f"{OWNER}.fish"]), desk.comp, "fish")


def test_O4_C3_a_refund_of_a_bill_that_is_partly_paid_is_judged_by_what_is_no_longer_asked_for() -> None:
    desk = Desk(dish("l1", 5_000), dish("l2", 5_000))
    desk.cash(amount_fen=1)

    assert desk.refund("l1") == 5_000
    assert (desk.bill.refunded_fen, desk.due) == (0, 4_999)


def test_O4_a_refund_is_the_difference_of_two_bills() -> None:
    desk = Desk(dish("l1", 3_000, 3), dish("l2", 1_000))
    desk.discount(permille=100)
    desk.cash()

    assert desk.refund("l1") == 2_700
    assert desk.refund("l1", 2) == 5_400
    refused(OverRefund(line_id=f"{OWNER}.l1", left=0), desk.refund, "l1")
    assert desk.status == "part_refunded"


def test_O4_a_refund_never_asks_for_more() -> None:
    desk = Desk(dish("l1", 9_000), dish("l2", 1_000), fees=(MINIMUM,))
    desk.discount(amount_fen=10_000)
    desk.order(dish("l3", 500))
    desk.cash()
    assert desk.bill.received_fen == 500

    # Without it the dishes miss the minimum by 5.00 more than it cost.
    assert desk.refund("l1") == 0
    assert desk.due == 0


def test_O4_nothing_is_refunded_of_a_bill_that_nobody_paid() -> None:
    refused(IllegalTransition, Desk(dish("l1", 3_000)).refund, "l1")


def test_O4_a_hundred_refunds_never_pay_back_more_than_came() -> None:
    desk = Desk(dish("l1", 3_000, 7))
    desk.cash()
    back = 0
    for _ in range(100):
        try:
            back += desk.refund("l1")
        except (OverRefund, IllegalTransition):
            continue

    assert back == 21_000
    assert desk.status == "refunded"


# Staff


def test_M7_a_discount_is_given_and_withdrawn() -> None:
    desk = Desk(dish("l1", 10_000))

    assert desk.discount(line_id=f"{OWNER}.l1", amount_fen=1_500) == 1_500
    desk.do(at_the_till.withdraw_discount, f"{OWNER}.d1", MANAGER)

    assert desk.due == 10_000


@pytest.mark.parametrize("given", [{"amount_fen": 50_000}, {"permille": 500}])
def test_M7_a_discount_takes_no_more_of_a_bill_that_grows(given: dict[str, int]) -> None:
    desk = Desk(dish("l1", 1_000))
    off = desk.discount(**given)

    desk.order(dish("l2", 90_000))

    assert desk.due == 91_000 - off
    assert "至多" in desk.bill.priced(desk.at).adjustments[0].text


def test_M7_a_share_of_a_bill_that_shrinks_shrinks_with_it() -> None:
    desk = Desk(dish("l1", 1_000), dish("l2", 3_000))
    assert desk.discount(permille=500) == 2_000

    desk.do(lines.take_off, f"{OWNER}.l2", 1)

    assert desk.due == 500


def test_M7_a_line_that_is_weighed_again_gets_no_more_off() -> None:
    desk = Desk(dish("fish", 6_800, provisional=True))
    desk.do(lines.weigh, f"{OWNER}.fish", WAITER, weight_milli=100)
    off = desk.discount(line_id=f"{OWNER}.fish", permille=1_000)

    desk.do(lines.weigh, f"{OWNER}.fish", WAITER, weight_milli=2_000)

    assert (off, desk.due) == (680, 13_600 - 680)


def test_M7_D5_nothing_is_discounted_whose_worth_nobody_knows() -> None:
    desk = Desk(dish("fish", 6_800, provisional=True), dish("l2", 1_000))
    unknown = LineUnconfirmed(line_ids=[f"{OWNER}.fish"])

    refused(unknown, desk.discount, line_id=f"{OWNER}.fish", amount_fen=5_000)
    refused(unknown, desk.discount, permille=500)
    assert desk.discount(amount_fen=5_000) == 1_000
    refused(InvalidField, desk.discount, amount_fen=1)


def test_M7_rounding_replaces_rounding() -> None:
    desk = Desk(dish("l1", 1_259))

    desk.do(at_the_till.round_to, "jiao", MANAGER)
    desk.do(at_the_till.round_to, "yuan", MANAGER)

    assert desk.due == 1_200


def test_O5_a_reopened_bill_keeps_the_money_as_credit_until_it_is_closed_again() -> None:
    desk = Desk(dish("l1", 10_000))
    desk.cash()
    refused(BillSettled, desk.discount, amount_fen=1)
    desk.do(at_the_till.reopen, "打错折", MANAGER, True)

    desk.discount(amount_fen=4_000)
    desk.do(at_the_till.withdraw_discount, f"{OWNER}.d1", MANAGER)
    desk.discount(amount_fen=1_000)
    assert desk.bill.refunded_fen == 0
    desk.do(at_the_till.lock, MANAGER)

    assert (desk.bill.refunded_fen, desk.due) == (1_000, 0)


def test_O5_a_bill_that_nobody_closes_again_gives_its_credit_back_by_itself() -> None:
    desk = Desk(dish("l1", 10_000))
    desk.cash()
    desk.do(at_the_till.reopen, "打错折", MANAGER, True)
    desk.discount(amount_fen=1_000)

    desk.wake()

    assert (desk.bill.refunded_fen, desk.due) == (1_000, 0)


def test_O5_another_day_or_an_open_bill_is_not_reopened() -> None:
    desk = Desk(dish("l1", 10_000))
    refused(IllegalTransition, desk.do, at_the_till.reopen, "x", MANAGER, True)
    desk.cash()

    refused(ReopenTooLate, desk.do, at_the_till.reopen, "x", MANAGER, False)


def test_T10_time_is_charged_until_somebody_pays() -> None:
    desk = Desk(dish("l1", 5_000), fees=(ROOM,), seated_at=1)
    desk.bill.seated_at = desk.at
    desk.at += 61 * MINUTE
    assert desk.due == 7_000

    payment = desk.pay()
    desk.at += 70 * MINUTE

    assert desk.due == 7_000
    desk.report(payment, "failed")
    assert desk.due == 8_000


def test_T10_without_dishes_no_fee_is_due() -> None:
    desk = Desk(dish("l1", 5_000), fees=(HEAD,))
    assert desk.due == 5_400

    desk.do(lines.take_off, f"{OWNER}.l1", 1)

    assert (desk.due, desk.status) == (0, "void")


def test_T11_what_is_not_paid_is_written_off_and_a_late_payment_still_has_one_end() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.split("equal", *parts(3))
    desk.paid(share_id=share(1))
    late = desk.pay(share_id=share(2))
    desk.at += 10_000

    desk.do(paying.write_off, "跑单", MANAGER)
    desk.do(paying.finish)
    late = desk.report(late)

    assert desk.due == 0
    assert late.status == "refunded"


def test_T11_the_end_of_a_visit_leaves_no_money_behind() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.do(paying.take_deposit, "cash", 5_000, by=WAITER)
    desk.cash()

    desk.do(paying.finish)

    assert desk.bill.held_fen == 0
    assert desk.due == 0
