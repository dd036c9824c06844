"""D4: a menu whose bytes are changed piece by piece is the menu made anew."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.menu_views import Layout, MenuDish, MenuShown
from pricing.items import MenuIndex
from pricing.menu import Dish, Menu, Option, OptionGroup, SetChoice, SetSlot
from store_runtime.store.menu.projections import Availability
from tests.api.menu_files.menus import menus

SIZE = OptionGroup(
    group_id="size",
    name="份量",
    min=1,
    options=(Option(option_id="small", name="小", default=True), Option(option_id="large", name="大")),
)
MENU = Menu(
    dishes=(
        Dish(dish_id="noodles", name="面", price_fen=1_800, option_groups=(SIZE,)),
        Dish(dish_id="tea", name="茶", price_fen=800, shown=False),
        Dish(
            dish_id="meal",
            name="套餐",
            price_fen=2_400,
            kind="set",
            slots=(
                SetSlot(slot_id="main", name="主食", choices=(SetChoice(dish_id="noodles"),)),
                SetSlot(slot_id="cup", name="饮料", choices=(SetChoice(dish_id="tea", quantity=2),)),
            ),
        ),
    )
)
KEYS = ("noodles", "noodles#small", "noodles#large", "tea", "meal", "gone")

availabilities = st.one_of(
    st.just(Availability(state="out")),
    st.builds(lambda left: Availability(state="qty", left=left), st.integers(0, 5)),
)
stocks = st.dictionaries(st.sampled_from(KEYS), availabilities)


def shown(layout: Layout, stock: dict[str, Availability]) -> bytes:
    return layout.body("s1", "面馆", "Asia/Shanghai", 7, stock)


@given(steps=st.lists(stocks, min_size=1, max_size=6))
def test_D4_the_bytes_after_any_changes_are_those_of_a_fresh_menu(
    steps: list[dict[str, Availability]],
) -> None:
    """Whatever came before, of dishes, options, and sets through their parts."""
    index = MenuIndex(MENU, 3)
    layout = Layout(index)

    for stock in steps:
        assert shown(layout, stock) == shown(Layout(index), stock)


@settings(max_examples=40, deadline=None)
@given(menu=menus())
def test_D1_the_document_has_the_form_that_is_documented(menu: Menu) -> None:
    """Every dish that is shown, or a part of one that is, in the menu's order."""
    index = MenuIndex(menu, 3)
    parts = {
        choice.dish_id for dish in menu.dishes if dish.shown for slot in dish.slots for choice in slot.choices
    }

    document = msgspec.json.decode(shown(Layout(index), {}), type=MenuShown)

    listed = [dish for dish in menu.dishes if dish.shown or dish.dish_id in parts]
    assert document.dishes == [MenuDish.of(dish, index, {}) for dish in listed]
    assert document.menu_version == 3
