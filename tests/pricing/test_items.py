"""One dish as somebody chose it: its price, its parts, its stock (D1, D2, D3, D5)."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from pricing.items import ItemProblem, MenuIndex, PricedItem, price_item, slot_is_open
from pricing.menu import Dish, Menu, Option, OptionGroup, SetChoice, SetSlot, TimeSlot
from pricing.selection import Chosen, Selection
from pricing.shares import allocate

MONDAY, TUESDAY, NOON = 1, 2, 12 * 60

SIZE = OptionGroup(
    group_id="size",
    name="份量",
    min=1,
    max=1,
    options=(
        Option(option_id="small", name="小份", name_en="small", default=True),
        Option(option_id="large", name="大份", name_en="large", price_delta_fen=600),
    ),
)
EXTRAS = OptionGroup(
    group_id="extras",
    name="加料",
    max=2,
    options=(
        Option(option_id="egg", name="加蛋", name_en="egg", price_delta_fen=200),
        Option(option_id="coriander", name="香菜", default=True),
        Option(option_id="no-coriander", name="免香菜", excludes=("coriander",)),
    ),
)
NOODLES = Dish(
    dish_id="noodles",
    name="牛肉面",
    name_en="beef noodles",
    price_fen=2_800,
    option_groups=(SIZE, EXTRAS),
    station="noodles",
    make_minutes=8,
    allergens=("gluten",),
    box_fen=100,
)
TEA = Dish(dish_id="tea", name="茶", price_fen=500, station="bar", make_minutes=2)
BEER = Dish(dish_id="beer", name="啤酒", price_fen=1_000, station="bar", shown=False)
FISH = Dish(dish_id="fish", name="鲈鱼", kind="weighed", unit="斤", price_fen=6_800, allergens=("fish",))
BREAKFAST = Dish(dish_id="congee", name="粥", price_fen=800, time_slots=("morning",))
LUNCH = Dish(
    dish_id="lunch",
    name="午市套餐",
    kind="set",
    price_fen=3_000,
    slots=(
        SetSlot(slot_id="main", name="主食", choices=(SetChoice(dish_id="noodles"),)),
        SetSlot(
            slot_id="drink",
            name="饮品",
            min=1,
            max=2,
            choices=(
                SetChoice(dish_id="tea", default=True),
                SetChoice(dish_id="beer", upcharge_fen=300, quantity=2),
            ),
        ),
    ),
)
INDEX = MenuIndex(
    Menu(
        time_slots=(TimeSlot(slot_id="morning", name="早餐", starts="06:00", ends="10:00", weekdays=(1,)),),
        dishes=(NOODLES, TEA, BEER, FISH, BREAKFAST, LUNCH),
    ),
    version=3,
)


def priced(selection: Selection, weekday: int = MONDAY, minute: int = NOON) -> PricedItem:
    item = price_item(INDEX, selection, weekday, minute)
    assert isinstance(item, PricedItem), item
    return item


def problem(selection: Selection, weekday: int = MONDAY, minute: int = NOON) -> tuple[str, str]:
    refused = price_item(INDEX, selection, weekday, minute)
    assert isinstance(refused, ItemProblem), refused
    return refused.problem, refused.detail


def test_D2_options_change_the_price_and_are_named_in_the_menus_order() -> None:
    item = priced(Selection(dish_id="noodles", options=("egg", "large")))

    assert item.unit_price_fen == 2_800 + 600 + 200
    assert item.options_text == "大份、加蛋"
    assert item.options_text_en == "large, egg"
    assert item.stock == (("noodles", 1), ("noodles#large", 1), ("noodles#egg", 1))


def test_D2_a_group_that_must_be_chosen_takes_its_default() -> None:
    assert priced(Selection(dish_id="noodles")).options == ("small",)


def test_D2_a_default_that_may_be_left_out_is_not_forced_on_anybody() -> None:
    assert "coriander" not in priced(Selection(dish_id="noodles", options=("egg",))).options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("small", "large"), ("choice_wrong", "size")),
        (("egg", "egg"), ("choice_wrong", "egg")),
        (("coriander", "no-coriander"), ("choice_wrong", "no-coriander")),
        (("caviar",), ("option_gone", "caviar")),
    ],
)
def test_D2_a_wrong_selection_has_no_price(options: tuple[str, ...], expected: tuple[str, str]) -> None:
    assert problem(Selection(dish_id="noodles", options=options)) == expected


def test_D1_what_is_off_the_shelf_is_gone() -> None:
    assert problem(Selection(dish_id="beer")) == ("gone", "beer")
    assert problem(Selection(dish_id="unicorn")) == ("gone", "unicorn")


def test_D1_a_dish_of_the_morning_is_not_had_at_noon_nor_on_another_day() -> None:
    congee = Selection(dish_id="congee")

    assert priced(congee, MONDAY, 6 * 60).unit_price_fen == 800
    assert problem(congee, MONDAY, 10 * 60) == ("not_now", "congee")
    assert problem(congee, TUESDAY, 8 * 60) == ("not_now", "congee")


def test_D1_a_time_slot_over_midnight_belongs_to_the_day_it_starts_on() -> None:
    night = TimeSlot(slot_id="night", name="夜宵", starts="22:00", ends="02:00", weekdays=(7,))

    assert slot_is_open(night, 7, 23 * 60)
    assert slot_is_open(night, 1, 60)
    assert not slot_is_open(night, 7, 60)
    assert not slot_is_open(night, 1, 2 * 60)


def test_D3_a_set_fills_in_its_only_choice_and_its_defaults() -> None:
    item = priced(Selection(dish_id="lunch"))

    assert [part.dish_id for part in item.parts] == ["noodles", "tea"]
    assert item.unit_price_fen == 3_000 == sum(part.amount_fen for part in item.parts)
    # 3000 over 2800 : 500 is 2545.45 : 454.54; the larger remainder takes the fen.
    assert [part.amount_fen for part in item.parts] == [2_545, 455]


def test_D3_an_upcharge_and_the_options_of_a_part_are_paid_for() -> None:
    item = priced(
        Selection(
            dish_id="lunch",
            choices=(
                Chosen(slot_id="drink", dish_id="beer"),
                Chosen(slot_id="main", dish_id="noodles", options=("large",)),
            ),
        )
    )

    assert item.unit_price_fen == 3_000 + 300 + 600
    assert [(part.dish_id, part.quantity) for part in item.parts] == [("noodles", 1), ("beer", 2)]


def test_D3_stock_is_needed_as_the_sum_per_component() -> None:
    item = priced(
        Selection(
            dish_id="lunch",
            choices=(
                Chosen(slot_id="drink", dish_id="beer"),
                Chosen(slot_id="drink", dish_id="beer"),
            ),
        )
    )

    assert dict(item.stock) == {"lunch": 1, "noodles": 1, "noodles#small": 1, "beer": 4}


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ((Chosen(slot_id="drink", dish_id="noodles"),), ("choice_wrong", "noodles")),
        ((Chosen(slot_id="dessert", dish_id="tea"),), ("choice_wrong", "dessert")),
        ((Chosen(slot_id="drink", dish_id="tea"),) * 3, ("choice_wrong", "drink")),
        ((Chosen(slot_id="drink", dish_id="tea", options=("large",)),), ("option_gone", "large")),
    ],
)
def test_D3_a_wrong_choice_has_no_price(choices: tuple[Chosen, ...], expected: tuple[str, str]) -> None:
    assert problem(Selection(dish_id="lunch", choices=choices)) == expected


def test_D3_a_choice_that_nobody_made_and_nothing_fills_is_missing() -> None:
    slot = SetSlot(
        slot_id="any", name="任选", choices=(SetChoice(dish_id="tea"), SetChoice(dish_id="noodles"))
    )
    index = MenuIndex(
        Menu(dishes=(TEA, NOODLES, Dish(dish_id="duo", name="双拼", price_fen=1, slots=(slot,))))
    )

    refused = price_item(index, Selection(dish_id="duo"), MONDAY, NOON)

    assert refused == ItemProblem(problem="choice_missing", detail="any")


def test_D5_a_weighed_dish_has_a_provisional_price() -> None:
    item = priced(Selection(dish_id="fish"))

    assert item.provisional
    assert (item.unit_price_fen, item.unit) == (6_800, "斤")


def test_a_dish_that_is_no_set_is_cooked_as_one_part() -> None:
    (part,) = priced(Selection(dish_id="noodles")).cooked

    assert (part.dish_id, part.station, part.make_minutes, part.amount_fen) == (
        "noodles",
        "noodles",
        8,
        2_800,
    )


# Always


PRICES = strategies.integers(0, 50_000)
KEYS = strategies.text("abcdefgh", min_size=1, max_size=3)


@given(
    strategies.integers(-10_000_000, 10_000_000),
    strategies.dictionaries(KEYS, strategies.integers(0, 10_000), min_size=1, max_size=12),
    strategies.randoms(use_true_random=False),
)
def test_parts_of_an_amount_sum_to_it_and_do_not_depend_on_the_order(total, weights, random) -> None:
    parts = allocate(total, weights)
    shuffled = list(weights.items())
    random.shuffle(shuffled)

    assert sum(parts.values()) == total
    assert parts == allocate(total, dict(shuffled))
    whole = sum(weights.values())
    if whole:
        assert all(abs(parts[key] * whole - total * weight) < whole for key, weight in weights.items())


@strategies.composite
def sets(draw) -> tuple[MenuIndex, Selection]:
    """A set of some slots over some dishes, and a choice that each slot allows."""
    dishes = [
        Dish(
            dish_id=f"d{n}",
            name=f"菜{n}",
            price_fen=draw(PRICES),
            option_groups=(
                OptionGroup(
                    group_id="g",
                    name="做法",
                    max=3,
                    options=tuple(
                        Option(
                            option_id=f"o{m}", name="x", price_delta_fen=draw(strategies.integers(-900, 900))
                        )
                        for m in range(3)
                    ),
                ),
            ),
        )
        for n in range(4)
    ]
    slots, chosen = [], []
    for n in range(draw(strategies.integers(1, 4))):
        most = draw(strategies.integers(1, 4))
        choices = [
            SetChoice(
                dish_id=dish.dish_id,
                quantity=draw(strategies.integers(1, 3)),
                upcharge_fen=draw(strategies.integers(0, 5_000)),
            )
            for dish in dishes
        ]
        slots.append(SetSlot(slot_id=f"s{n}", name="槽", max=most, choices=tuple(choices)))
        chosen += [
            Chosen(
                slot_id=f"s{n}",
                dish_id=draw(strategies.sampled_from(choices)).dish_id,
                options=tuple(draw(strategies.sets(strategies.sampled_from(["o0", "o1", "o2"])))),
            )
            for _ in range(draw(strategies.integers(1, most)))
        ]
    chosen = draw(strategies.permutations(chosen))
    whole = Dish(dish_id="set", name="套餐", kind="set", price_fen=draw(PRICES), slots=tuple(slots))
    return MenuIndex(Menu(dishes=(*dishes, whole))), Selection(dish_id="set", choices=tuple(chosen))


@given(sets(), strategies.randoms(use_true_random=False))
def test_D3_the_parts_of_a_set_sum_to_its_price_in_whatever_order_they_were_chosen(case, random) -> None:
    index, selection = case
    item = price_item(index, selection, MONDAY, NOON)
    shuffled = list(selection.choices)
    random.shuffle(shuffled)

    assert isinstance(item, PricedItem)
    assert sum(part.amount_fen for part in item.parts) == item.unit_price_fen >= 0
    assert all(part.amount_fen >= 0 for part in item.parts)
    again = price_item(index, Selection(dish_id="set", choices=tuple(shuffled)), MONDAY, NOON)
    assert again == item


OPTION_IDS = strategies.sampled_from(["small", "large", "egg", "coriander", "no-coriander", "unknown"])


@given(strategies.lists(OPTION_IDS, max_size=6))
def test_D2_only_what_the_groups_allow_ever_has_a_price(options: list[str]) -> None:
    item = price_item(INDEX, Selection(dish_id="noodles", options=tuple(options)), MONDAY, NOON)
    allowed = (
        "unknown" not in options
        and len(options) == len(set(options))
        and not {"small", "large"} <= set(options)
        and not {"coriander", "no-coriander"} <= set(options)
        and len({"egg", "coriander", "no-coriander"} & set(options)) <= 2
    )

    assert isinstance(item, PricedItem) == allowed
    if isinstance(item, PricedItem):
        assert len({"small", "large"} & set(item.options)) == 1
        assert set(options) <= set(item.options)
