"""分账 (T7): Σ shares = bill, to the fen, whatever happens before, between and after payments."""

from __future__ import annotations

import pytest

from actors.words import Rejection
from pricing.facts import FeeRule
from store_runtime.bill import lines
from store_runtime.bill.rejections import (
    BillSettled,
    InvalidField,
    LineIndivisible,
    OverRefund,
    ShareAlreadyPaid,
    ShareNotFound,
)
from store_runtime.bill.splitting import LineClaim, SplitPart
from tests.store_runtime.bills import OWNER, WAITER, Desk, dish, parts, share

SERVICE = FeeRule(rule_id="service", kind="service", name="服务费", permille=100)


def claim(line: str, quantity: int = 0) -> LineClaim:
    return LineClaim(line_id=f"{OWNER}.{line}", quantity=quantity)


def of(*lines: str, **fields: str) -> SplitPart:
    return SplitPart(lines=tuple(claim(line) for line in lines), **fields)


def test_T7_equal_shares_sum_to_the_bill() -> None:
    desk = Desk(dish("l1", 10_000))

    assert desk.split("equal", *parts(3)) == {"s1": 3_334, "s2": 3_333, "s3": 3_333}


def test_T7_shares_split_what_is_still_due_after_a_payment() -> None:
    desk = Desk(dish("l1", 10_000))
    desk.cash(amount_fen=4_000)

    assert desk.split("equal", *parts(4)) == {"s1": 1_500, "s2": 1_500, "s3": 1_500, "s4": 1_500}


def test_T7_a_paid_share_is_frozen_and_a_later_dish_touches_only_the_unpaid_balance() -> None:
    desk = Desk(dish("l1", 10_000))
    desk.split("equal", *parts(3))
    desk.paid(share_id=share(1))

    desk.order(dish("l2", 1_000))

    assert desk.shares == {"s1": 3_334, "s2": 3_833, "s3": 3_833}


def test_T7_splitting_anew_keeps_what_is_paid() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.split("equal", *parts(3))
    desk.paid(share_id=share(2))

    assert desk.split("equal", *parts(4)) == {"s2": 3_000, "s4": 1_500, "s5": 1_500, "s6": 1_500, "s7": 1_500}


def test_T7_by_line_with_a_shared_dish_and_a_fee_in_proportion() -> None:
    desk = Desk(dish("l1", 6_000), dish("l2", 3_000), dish("l3", 1_000), fees=(SERVICE,))

    # The fish is shared by two; the tea is named by nobody.
    assert desk.split("by_line", of("l1"), of("l1", "l2")) == {"s1": 3_300, "s2": 6_600, "rest": 1_100}


def test_T7_by_line_with_so_many_of_a_line_each() -> None:
    desk = Desk(dish("l1", 500, 5, divisible=False))
    mine = SplitPart(lines=(claim("l1", 2),))

    assert desk.split("by_line", mine, mine) == {"s1": 1_000, "s2": 1_000, "rest": 500}


def test_T7_by_person_is_what_everybody_ordered_and_the_rest_evenly() -> None:
    desk = Desk(
        dish("l1", 3_000, 3),
        dish("l2", 1_001),
        dish("l3", 4_000),
    )

    assert desk.split("by_person", guests=("g1", "g2"), l1={"g1": 2, "g2": 1}, l3={"g2": 1}) == {
        "s1": 6_501,
        "s2": 7_500,
    }


def test_T7_by_person_with_a_dish_divided_among_named_people() -> None:
    desk = Desk(dish("l1", 9_000), dish("l2", 1_000))
    shared = [SplitPart(guest_id=guest, lines=(claim("l1"),)) for guest in ("g1", "g2", "g3")]

    assert desk.split("by_person", *shared, guests=("g1", "g2", "g3"), l1={"g1": 1}, l2={"g3": 1}) == {
        "s1": 3_000,
        "s2": 3_000,
        "s3": 4_000,
    }


def test_T7_by_amount_leaves_a_rest() -> None:
    desk = Desk(dish("l1", 10_000))

    shares = desk.split("by_amount", SplitPart(amount_fen=2_500), SplitPart(amount_fen=4_000))

    assert shares == {"s1": 2_500, "s2": 4_000, "rest": 3_500}


def test_T7_more_named_than_due_is_paid_in_proportion() -> None:
    desk = Desk(dish("l1", 9_000))

    shares = desk.split("by_amount", SplitPart(amount_fen=6_000), SplitPart(amount_fen=12_000))

    assert shares == {"s1": 3_000, "s2": 6_000}


def test_T7_mixed_takes_amounts_then_lines_then_weights() -> None:
    desk = Desk(dish("l1", 3_000), dish("l2", 7_000))

    shares = desk.split(
        "mixed", SplitPart(amount_fen=5_000), of("l1"), SplitPart(weight=1), SplitPart(weight=1)
    )

    assert shares == {"s1": 5_000, "s2": 3_000, "s3": 1_000, "s4": 1_000}


def test_T7_an_order_discount_falls_on_the_shares() -> None:
    desk = Desk(dish("l1", 6_000), dish("l2", 4_000))
    desk.discount(permille=100)

    assert desk.split("by_line", of("l1"), of("l2")) == {"s1": 5_400, "s2": 3_600}


def test_T7_two_people_pay_one_share_and_the_second_gets_it_back() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.split("equal", *parts(3))
    mine, yours = desk.pay(share_id=share(1)), desk.pay(share_id=share(1))

    desk.report(mine)
    yours = desk.report(yours)

    assert (yours.status, yours.refunded_fen) == ("refunded", 3_000)
    assert desk.due == 6_000
    assert desk.shares == {"s1": 3_000, "s2": 3_000, "s3": 3_000}


def test_T7_the_rest_becomes_a_share_of_whoever_pays_it() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.split("by_amount", SplitPart(amount_fen=4_000))

    desk.pay(share_id="rest")

    assert desk.shares == {"s1": 4_000, "s2": 5_000}
    refuses(desk, ShareAlreadyPaid, share_id="rest")


def test_T7_a_share_that_is_being_paid_keeps_its_amount() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.split("equal", *parts(3))
    desk.pay(share_id=share(1))

    desk.order(dish("l2", 2_000))

    assert desk.shares == {"s1": 3_000, "s2": 4_000, "s3": 4_000}


def test_T7_what_is_over_goes_back_in_reverse_order() -> None:
    desk = Desk(dish("l1", 9_000), dish("l2", 3_000))
    first, second = desk.cash(amount_fen=10_000), desk.paid()

    desk.do(lines.take_off, f"{OWNER}.l2", 1)

    assert desk.bill.payments[second.payment_id].refunded_fen == 2_000
    assert desk.bill.payments[first.payment_id].refunded_fen == 1_000
    assert (desk.due, desk.status) == (0, "part_refunded")


# Bad input


def test_T7_nothing_due_is_not_split() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.cash()

    with pytest.raises(BillSettled):
        desk.split("equal", *parts(2))


@pytest.mark.parametrize(
    ("mode", "named", "refusal"),
    [
        ("equal", (), InvalidField(path="$.parts", problem="at least one share")),
        ("by_amount", (SplitPart(),), InvalidField(path="$.parts[0].amount_fen", problem="above 0")),
        (
            "mixed",
            (SplitPart(amount_fen=1, weight=1),),
            InvalidField(path="$.parts[0]", problem="one of amount_fen, lines and weight"),
        ),
        ("by_line", (of("l2"), of("l2")), LineIndivisible(line_id=f"{OWNER}.l2")),
        ("by_line", (SplitPart(lines=(claim("l2", 3),)),), OverRefund(line_id=f"{OWNER}.l2", left=2)),
    ],
)
def test_T7_a_split_that_makes_no_sense_is_refused(
    mode: str, named: tuple[SplitPart, ...], refusal: Rejection
) -> None:
    desk = Desk(dish("l1", 9_000), dish("l2", 500, 2, divisible=False))

    with pytest.raises(type(refusal)) as refused:
        desk.split(mode, *named)

    assert refused.value == refusal


def test_T7_a_share_that_is_paid_or_gone_is_not_paid() -> None:
    desk = Desk(dish("l1", 9_000))
    desk.split("equal", *parts(3))
    desk.paid(share_id=share(1))

    refuses(desk, ShareAlreadyPaid, share_id=share(1))
    refuses(desk, ShareNotFound, share_id="ts1.s99")


def refuses(desk: Desk, rejection: type[Rejection], **fields: str) -> None:
    with pytest.raises(rejection):
        desk.pay(**fields)


def test_the_example_of_the_page_is_right() -> None:
    """docs/bill.md, the table and what follows it."""
    desk = Desk(
        dish("fish", 6_800, provisional=True),
        dish("l2", 2_800, 2),
        fees=(SERVICE,),
        rounding="yuan",
        guests=3,
    )
    desk.do(lines.weigh, f"{OWNER}.fish", WAITER, weight_milli=1_355)
    desk.discount(permille=100)

    priced = desk.bill.priced(desk.at)
    assert [line.amount_fen for line in priced.lines] == [9_214, 5_600]
    assert [one.amount_fen for one in priced.adjustments] == [-1_481, 1_333, -66]
    assert priced.total_fen == 14_600
    assert desk.split("equal", *parts(3)) == {"s1": 4_867, "s2": 4_867, "s3": 4_866}

    desk.paid(share_id=share(1))
    desk.do(lines.take_off, f"{OWNER}.l2", 1)

    assert desk.shares == {"s1": 4_867, "s2": 3_467, "s3": 3_466}
