"""A bill follows from its facts, and every fen of it says why (M5, M7, T10, T19, ★2)."""

from __future__ import annotations

import msgspec
from hypothesis import given, strategies

from pricing.facts import BillFacts, BillTerms, Discount, FeeRule, LineFacts
from pricing.pipeline import PHASES, price_bill
from pricing.workings import PricedBill

HEAD = FeeRule(rule_id="seat", kind="per_head", name="餐位费", name_en="cover", amount_fen=200)
ROOM = FeeRule(
    rule_id="room", kind="per_time", name="包间费", amount_fen=5_000, period_minutes=60, free_minutes=120
)
SERVICE = FeeRule(rule_id="service", kind="service", name="服务费", permille=100)
MINIMUM = FeeRule(rule_id="minimum", kind="minimum", name="低消", amount_fen=30_000)


def line(line_id: str, quantity: int, unit_fen: int, **more: object) -> LineFacts:
    fields = {
        "line_id": line_id,
        "name": line_id,
        "name_en": line_id,
        "quantity": quantity,
        "unit_price_fen": unit_fen,
        "amount_fen": quantity * unit_fen,
    }
    return LineFacts(**{**fields, **more})  # type: ignore[arg-type]


def bill(
    *lines: LineFacts, fees: tuple[FeeRule, ...] = (), rounding: str = "none", **facts: object
) -> PricedBill:
    terms = msgspec.convert({"rounding": rounding}, BillTerms)
    return price_bill(BillFacts(lines=lines, terms=msgspec.structs.replace(terms, fees=fees), **facts))  # type: ignore[arg-type]


def amounts(priced: PricedBill) -> dict[str, int]:
    return {adjustment.rule_id: adjustment.amount_fen for adjustment in priced.adjustments}


def test_M5_the_phases_stand_in_their_order() -> None:
    assert [phase for phase, _ in PHASES] == [
        "activity",
        "item_promotion",
        "order_promotion",
        "manual",
        "coupon",
        "points",
        "fees",
        "boxes",
        "rounding",
    ]


def test_T10_a_fee_per_head_says_how_it_was_reckoned() -> None:
    (fee,) = bill(line("fish", 1, 8_000), fees=(HEAD,), guests=4).adjustments

    assert (fee.rule_id, fee.amount_fen, fee.base_fen) == ("seat", 800, 200)
    assert fee.text == "餐位费 4 位 × 2.00"
    assert fee.text_en == "cover: 4 guests × 2.00"


def test_T10_a_room_is_charged_for_every_started_period_after_the_free_ones() -> None:
    assert amounts(bill(fees=(ROOM,), minutes=120)) == {}
    assert amounts(bill(fees=(ROOM,), minutes=121)) == {"room": 5_000}
    assert amounts(bill(fees=(ROOM,), minutes=181)) == {"room": 10_000}


def test_T10_a_service_fee_is_a_share_of_the_dishes_after_all_discounts_unless_the_store_says_before() -> (
    None
):
    off = (Discount(discount_id="d1", reason="老客", permille=200),)
    before = msgspec.structs.replace(SERVICE, base="before_discounts")

    assert amounts(bill(line("fish", 1, 10_000), fees=(SERVICE,), discounts=off))["service"] == 800
    assert amounts(bill(line("fish", 1, 10_000), fees=(before,), discounts=off))["service"] == 1_000


def test_T10_thresholds_look_at_dishes_before_order_discounts() -> None:
    waived = msgspec.structs.replace(SERVICE, waived_from_fen=10_000)
    off = (Discount(discount_id="d1", reason="老客", amount_fen=5_000),)

    assert amounts(bill(line("fish", 1, 10_000), fees=(waived,), discounts=off)) == {"d1": -5_000}
    assert amounts(bill(line("fish", 1, 30_000), fees=(MINIMUM,), discounts=off)) == {"d1": -5_000}


def test_T10_the_shortfall_to_a_minimum_is_its_own_line() -> None:
    priced = bill(line("fish", 1, 12_000), fees=(MINIMUM,))

    assert amounts(priced) == {"minimum": 18_000}
    assert priced.total_fen == 30_000


def test_T10_a_minimum_for_each_guest() -> None:
    each = msgspec.structs.replace(MINIMUM, amount_fen=10_000, each=True)

    assert bill(line("fish", 1, 12_000), fees=(each,), guests=3).total_fen == 30_000


def test_O3_a_dish_that_is_given_costs_nothing_and_counts_to_no_threshold() -> None:
    priced = bill(line("fish", 0, 12_000, comped=1), line("tea", 1, 500), fees=(MINIMUM,))

    assert amounts(priced) == {"minimum": 29_500}
    assert priced.lines[0].payable_fen == 0
    assert "赠 1" in priced.lines[0].text


def test_D5_no_shortfall_is_said_while_a_line_has_no_price() -> None:
    priced = bill(line("fish", 1, 6_800, amount_fen=0, provisional=True), fees=(MINIMUM,))

    assert priced.provisional
    assert priced.total_fen == 0


def test_T10_fees_by_hour_and_by_how_many_come() -> None:
    dinner = msgspec.structs.replace(HEAD, starts="17:00", ends="02:00", guests_from=2)

    assert amounts(bill(fees=(dinner,), guests=2, seated_minute=18 * 60)) == {"seat": 400}
    assert amounts(bill(fees=(dinner,), guests=2, seated_minute=60)) == {"seat": 400}
    assert amounts(bill(fees=(dinner,), guests=2, seated_minute=12 * 60)) == {}
    assert amounts(bill(fees=(dinner,), guests=1, seated_minute=18 * 60)) == {}


def test_M7_a_discount_takes_an_amount_off_a_line_and_a_share_off_the_bill() -> None:
    priced = bill(
        line("fish", 1, 10_000),
        line("tea", 2, 500),
        discounts=(
            Discount(discount_id="all", reason="老客", permille=100),
            Discount(discount_id="hair", reason="有头发", line_id="fish", amount_fen=3_000),
        ),
    )

    # The line first: 110.00 − 30.00, then a tenth of 80.00.
    assert amounts(priced) == {"hair": -3_000, "all": -800}
    assert [one.payable_fen for one in priced.lines] == [6_300, 900]


def test_M7_no_discount_takes_more_than_there_is_and_fees_are_never_discounted() -> None:
    everything = (Discount(discount_id="d", reason="免单", amount_fen=1_000_000),)

    assert bill(line("fish", 1, 10_000), fees=(HEAD,), guests=2, discounts=everything).total_fen == 400


def test_M7_rounding_is_one_line_at_the_end() -> None:
    assert bill(line("fish", 1, 1_259), rounding="jiao").total_fen == 1_250
    priced = bill(line("fish", 1, 1_259), rounding="yuan", fees=(HEAD,), guests=1)

    assert priced.total_fen == 1_400
    assert priced.adjustments[-1].phase == "rounding"
    assert (priced.adjustments[-1].amount_fen, priced.adjustments[-1].base_fen) == (-59, 1_459)


def test_T19_boxes_are_charged_where_the_dishes_leave_the_house_and_never_discounted() -> None:
    lines = (
        line("noodles", 2, 2_000, box_fen=100),
        line("tea", 1, 500),
        line("gift", 0, 900, comped=1, box_fen=50),
    )
    half = (Discount(discount_id="half", reason="活动", permille=500),)
    out = bill(*lines, packed=True, discounts=half, delivery_fen=600)

    assert amounts(bill(*lines)) == {}
    assert amounts(out) == {"half": -2_250, "box": 200, "delivery": 600}
    assert [one.payable_fen for one in out.lines] == [2_200, 250, 0]


def test_O4_a_refund_that_would_ask_for_more_asks_for_nothing() -> None:
    priced = bill(line("fish", 1, 12_000), forgiven_fen=500)

    assert priced.total_fen == 11_500
    assert priced.adjustments[-1].text == "退款不加收"


# Always


def fees() -> strategies.SearchStrategy[tuple[FeeRule, ...]]:
    return strategies.lists(strategies.sampled_from([HEAD, ROOM, SERVICE, MINIMUM]), unique_by=id).map(tuple)


@strategies.composite
def facts(draw) -> BillFacts:
    lines = tuple(
        line(
            f"l{n}",
            draw(strategies.integers(0, 5)),
            draw(strategies.integers(0, 20_000)),
            box_fen=draw(strategies.integers(0, 200)),
        )
        for n in range(draw(strategies.integers(0, 6)))
    )
    targets = strategies.sampled_from(["", *(one.line_id for one in lines)])
    discounts = tuple(
        Discount(
            discount_id=f"d{n}",
            reason="x",
            line_id=draw(targets),
            **draw(
                strategies.one_of(
                    strategies.fixed_dictionaries({"amount_fen": strategies.integers(1, 20_000)}),
                    strategies.fixed_dictionaries({"permille": strategies.integers(1, 1_000)}),
                )
            ),
        )
        for n in range(draw(strategies.integers(0, 3)))
    )
    rounding = draw(strategies.sampled_from(["none", "jiao", "yuan"]))
    return BillFacts(
        lines=lines,
        terms=BillTerms(fees=draw(fees()), rounding=rounding),
        discounts=discounts,
        guests=draw(strategies.integers(0, 8)),
        minutes=draw(strategies.integers(0, 400)),
        packed=draw(strategies.booleans()),
    )


@given(facts())
def test_every_fen_of_a_bill_is_explained(case: BillFacts) -> None:
    priced = price_bill(case)
    of_the_bill = sum(adjustment.amount_fen for adjustment in priced.adjustments if not adjustment.by_line)

    assert priced.total_fen >= 0
    assert priced.total_fen == sum(one.payable_fen for one in priced.lines) + of_the_bill
    assert all(one.payable_fen >= 0 for one in priced.lines)
    for adjustment in priced.adjustments:
        assert adjustment.amount_fen != 0
        assert "" not in (adjustment.text, adjustment.text_en, adjustment.rule_id)
        assert not adjustment.by_line or sum(adjustment.by_line.values()) == adjustment.amount_fen


@given(facts(), strategies.integers(1, 5_000))
def test_M7_another_discount_never_raises_the_payable(case: BillFacts, amount_fen: int) -> None:
    more = Discount(discount_id="more", reason="x", amount_fen=amount_fen)
    cheaper = msgspec.structs.replace(case, discounts=(*case.discounts, more))

    assert price_bill(cheaper).total_fen <= price_bill(case).total_fen


@given(facts(), strategies.data())
def test_O4_one_dish_less_raises_nothing_but_the_shortfall(
    case: BillFacts, data: strategies.DataObject
) -> None:
    fees = tuple(rule for rule in case.terms.fees if rule.kind != "minimum")
    case = msgspec.structs.replace(case, terms=msgspec.structs.replace(case.terms, fees=fees))
    some = [place for place, one in enumerate(case.lines) if one.quantity]
    if not some:
        return
    place = data.draw(strategies.sampled_from(some))
    one = case.lines[place]
    less = msgspec.structs.replace(
        one, quantity=one.quantity - 1, amount_fen=(one.quantity - 1) * one.unit_price_fen
    )
    lines = (*case.lines[:place], less, *case.lines[place + 1 :])

    assert price_bill(msgspec.structs.replace(case, lines=lines)).total_fen <= price_bill(case).total_fen
