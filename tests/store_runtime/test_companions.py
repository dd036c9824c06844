"""What is ordered together (D6): above chance, within bounds, and only what is on the menu."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from store_runtime.store.menu.companions import AGE_AT, DISHES_MAX, PARTNERS_MAX, Companion, Companions

orders = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5), max_size=40)


def counted(*taken: list[str]) -> Companions:
    companions = Companions()
    for order in taken:
        companions.note(order)
    return companions


def test_D6_what_goes_together_more_often_than_by_chance_is_named_with_its_counts() -> None:
    """Rice, which comes with everything, says nothing; tea comes with duck."""
    companions = counted(*[["duck", "tea", "rice"]] * 4, *[["soup", "rice"]] * 8)

    assert companions.of("duck") == [Companion(dish_id="tea", together=4, orders=4)]
    assert companions.of("nothing") == []


def test_D6_a_few_orders_are_chance() -> None:
    """Two are no habit."""
    assert counted(*[["duck", "tea"]] * 2, *[["soup"]] * 8).of("duck") == []


@given(taken=orders)
def test_D6_the_counts_are_those_of_a_naive_recount(taken: list[list[str]]) -> None:
    """Each pair once per order, however many of a dish there were."""
    companions = counted(*taken)

    alone = Counter(dish for order in taken for dish in set(order))
    both = Counter(pair for order in taken for pair in combinations(sorted(set(order)), 2))
    assert companions.with_dish == dict(alone)
    for (one, other), count in both.items():
        assert companions.pairs[one][other] == companions.pairs[other][one] == count
    for dish in alone:
        for companion in companions.of(dish):
            assert companion.together * len(taken) > alone[dish] * alone[companion.dish_id]


def test_D6_memory_is_bounded() -> None:
    """Partners, dishes of one order, and the age of what is remembered."""
    companions = Companions()
    for number in range(AGE_AT + 10):
        companions.note(["a", f"b{number}"])

    assert len(companions.pairs["a"]) <= PARTNERS_MAX
    assert companions.orders < AGE_AT
    banquet = counted([f"d{number}" for number in range(100)])
    assert len(banquet.with_dish) == DISHES_MAX


def test_D6_what_leaves_the_menu_is_forgotten() -> None:
    """A new version keeps the counts of what stays."""
    companions = counted(*[["duck", "tea", "soup"]] * 4, *[["rice"]] * 4)

    companions.keep({"duck", "soup"})

    assert [one.dish_id for one in companions.of("duck")] == ["soup"]
    assert "tea" not in companions.pairs
