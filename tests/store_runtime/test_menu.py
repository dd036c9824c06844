"""The menu of a store: draft, publishing, versions (D1)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from actors.testing.kit import NOON, Given, after
from pricing.menu import Category, Dish, Menu, Option, OptionGroup
from store_runtime.by import By
from store_runtime.store.actor import Store
from store_runtime.store.commands import CreateFlashSale, CreateStore, RecordSold
from store_runtime.store.invariants import violations
from store_runtime.store.menu.commands import (
    CancelPublishing,
    GetDishStock,
    GetDraft,
    GetMenu,
    GetMenuSince,
    GetVersion,
    GetVersions,
    PublishMenu,
    PutDish,
    SaveDraft,
    SetDishStock,
)
from store_runtime.store.menu.rejections import (
    MenuInvalid,
    NoDraft,
    NothingScheduled,
    VersionNotFound,
)
from store_runtime.store.menu.state import KEPT_FULL
from store_runtime.store.rejections import DishNotFound, StoreNotFound
from store_runtime.store.state import StoreBooks
from tests.store_runtime.builders import HOUR


def dish(dish_id: str, price_fen: int = 3_200, **fields: Any) -> Dish:
    return Dish(dish_id=dish_id, name=dish_id, price_fen=price_fen, **fields)


def menu(*dish_ids: str, price_fen: int = 3_200) -> Menu:
    return Menu(
        categories=(Category(category_id="all", name="全部"),),
        dishes=tuple(dish(dish_id, price_fen, category_ids=("all",)) for dish_id in dish_ids),
    )


def store(*dish_ids: str) -> Given[StoreBooks]:
    """A store that offers these dishes as its version 1; without any, one that has published nothing."""
    given = after(Store("store-1"))
    assert given.when(CreateStore(name="面馆")).accepted
    if dish_ids:
        publish(given, menu(*dish_ids))
    return given


def publish(given: Given[StoreBooks], wanted: Menu) -> int:
    assert given.when(SaveDraft(menu=wanted)).accepted
    return int(given.when(PublishMenu()).reply.version)


def offered(given: Given[StoreBooks]) -> list[str]:
    return [one.dish_id for one in given.ask(GetMenu()).dishes]


def test_D1_a_draft_is_seen_by_nobody_until_it_is_published() -> None:
    """Saved, it stands beside the menu; published, it is the menu."""
    given = store("noodles")

    saved = given.when(SaveDraft(menu=menu("noodles", "rice")))
    assert (saved.reply.saved_at, saved.reply.published_version) == (NOON, 1)
    assert offered(given) == ["noodles"]
    published = given.when(PublishMenu(by=By("manager")))

    assert published.reply.version == 2
    assert offered(given) == ["noodles", "rice"]
    assert given.ask(GetDraft()).saved_at == 0
    assert given.ask(GetVersions()).items[0].by == "manager"


def test_D1_a_menu_that_does_not_fit_together_is_no_draft() -> None:
    """The refusal names each place; the draft before it stays."""
    given = store("noodles")
    given.when(SaveDraft(menu=menu("rice")))
    wrong = Menu(dishes=(dish("tea", category_ids=("drinks",)), dish("tea")))

    refused = given.when(SaveDraft(menu=wrong))

    assert isinstance(refused.rejection, MenuInvalid)
    assert [problem.path for problem in refused.rejection.problems] == [
        "$.dishes[1].dish_id",
        "$.dishes[0].category_ids[0]",
    ]
    assert given.ask(GetDraft()).menu == menu("rice")


def test_D1_nothing_is_published_without_a_draft() -> None:
    """A draft is published once."""
    given = store("noodles")

    assert given.when(PublishMenu()).rejection == NoDraft()
    assert after(Store("none")).when(PublishMenu()).rejection == StoreNotFound()


def test_D1_a_menu_is_published_at_its_moment() -> None:
    """What was scheduled is fixed: the draft may go on changing, and is published for itself."""
    given = store("noodles")
    given.when(SaveDraft(menu=menu("breakfast")))
    given.when(PublishMenu(at=NOON + HOUR, by=By("manager")))
    given.when(SaveDraft(menu=menu("dinner")))

    assert (given.deadline, offered(given)) == (NOON + HOUR, ["noodles"])
    given.then_wake()

    assert (given.deadline, offered(given)) == (None, ["breakfast"])
    assert given.ask(GetVersions()).items[0].by == "manager"
    assert given.ask(GetDraft()).menu == menu("dinner")


def test_D1_a_moment_that_is_past_is_now() -> None:
    """There is nothing to wait for."""
    given = store("noodles")
    given.when(SaveDraft(menu=menu("rice")))

    assert given.when(PublishMenu(at=NOON)).reply.version == 2
    assert given.deadline is None


def test_D1_what_is_scheduled_can_be_cancelled() -> None:
    """Then the menu that stands goes on standing."""
    given = store("noodles")
    given.when(SaveDraft(menu=menu("rice")))
    given.when(PublishMenu(at=NOON + HOUR))

    assert given.when(CancelPublishing()).accepted

    assert given.deadline is None
    assert given.when(CancelPublishing()).rejection == NothingScheduled()


def test_D1_an_earlier_version_is_published_again() -> None:
    """Under a new number, so that prices quoted in between are known as other ones."""
    given = store("noodles")
    publish(given, menu("noodles", price_fen=9_900))

    again = given.when(PublishMenu(version=1))

    assert again.reply.version == 3
    assert given.ask(GetMenu()).dishes[0].price_fen == 3_200
    assert given.when(PublishMenu(version=7)).rejection == VersionNotFound(version=7)


def test_D1_the_last_versions_are_kept_whole_and_older_ones_by_number() -> None:
    """An old one is listed, and can be neither read nor published."""
    given = store()
    for price_fen in range(KEPT_FULL + 2):
        publish(given, menu("noodles", price_fen=price_fen))

    rows = given.ask(GetVersions()).items

    assert [row.version for row in rows] == list(range(KEPT_FULL + 2, 0, -1))
    assert [row.version for row in rows if not row.whole] == [2, 1]
    assert given.ask(GetVersion(number=3)).menu == menu("noodles", price_fen=2)
    with pytest.raises(VersionNotFound):
        given.ask(GetVersion(number=2))
    assert given.when(PublishMenu(version=2)).rejection == VersionNotFound(version=2)


def test_D4_a_dish_that_leaves_the_menu_keeps_its_books() -> None:
    """Sales that hold of it go on, and it comes back with what it had."""
    given = store("noodles", "rice")
    given.when(SetDishStock(dish_id="noodles", state="qty", left=20))
    sale = CreateFlashSale(
        title="Noodles",
        dish_id="noodles",
        price_fen=900,
        stock=5,
        per_user_limit=1,
        starts_at=NOON,
        ends_at=NOON + HOUR,
    )
    sale_id = given.when(sale).reply.flash_sale_id
    publish(given, menu("rice"))

    assert given.when(RecordSold(flash_sale_id=sale_id, dish_id="noodles", quantity=2)).accepted
    assert given.when(sale).rejection == DishNotFound(dish_id="noodles")
    publish(given, menu("noodles", "rice"))

    books = given.ask(GetDishStock(dish_id="noodles"))
    assert (books.left, books.held, books.sold) == (15, 3, 2)
    assert violations(given.state) == []


def test_D1_a_dish_put_by_itself_is_a_version_and_stays_in_the_draft() -> None:
    """Options and categories of a dish that changes its price stay; the next publishing does not lose it."""
    given = store("noodles")
    given.when(SaveDraft(menu=menu("noodles", "rice")))

    given.when(PutDish(dish_id="noodles", name="凉面", price_fen=1_800))
    given.when(PutDish(dish_id="tea", name="茶", price_fen=800))

    noodles = given.state.menu.published.dishes[0]
    assert (noodles.name, noodles.price_fen, noodles.category_ids) == ("凉面", 1_800, ("all",))
    assert given.ask(GetMenu()).menu_version == 3
    given.when(PublishMenu())
    assert [(one.dish_id, one.name) for one in given.ask(GetMenu()).dishes] == [
        ("noodles", "凉面"),
        ("rice", "rice"),
        ("tea", "茶"),
    ]


def test_D1_an_offer_says_only_what_is_new() -> None:
    """Nothing when nothing changed, no menu when only stock did, all of it after publishing."""
    given = store("noodles", "rice")
    first = given.ask(GetMenuSince())
    assert (first.menu, first.stock) == (menu("noodles", "rice"), {})

    again = given.ask(GetMenuSince(seen=first.version, seen_menu=first.menu_version))
    assert (again.version, again.menu, again.name) == (first.version, None, "")
    given.when(SetDishStock(dish_id="rice", state="out"))
    out = given.ask(GetMenuSince(seen=first.version, seen_menu=first.menu_version))
    assert (out.menu, [(key, one.state) for key, one in out.stock.items()]) == (None, [("rice", "out")])
    publish(given, menu("rice"))
    assert given.ask(GetMenuSince(seen=out.version, seen_menu=out.menu_version)).menu == menu("rice")


def test_D2_an_option_has_stock_of_its_own() -> None:
    """From the moment somebody counts it; an option the menu does not have cannot be counted."""
    size = OptionGroup(group_id="size", name="份量", options=(Option(option_id="large", name="大份"),))
    given = store()
    publish(given, Menu(dishes=(dish("noodles", option_groups=(size,)),)))

    counted = given.when(SetDishStock(dish_id="noodles#large", state="qty", left=3))

    assert (counted.reply.name, counted.reply.availability.left) == ("大份", 3)
    assert given.ask(GetMenuSince()).stock["noodles#large"].left == 3
    refused = given.when(SetDishStock(dish_id="noodles#huge", state="out"))
    assert refused.rejection == DishNotFound(dish_id="noodles#huge")


def test_a_snapshot_of_the_form_before_is_read() -> None:
    """Version 1 kept name, price and books of a dish together."""
    stock = {"counted": True, "initial": 20, "left": 12, "held": 8, "out": True, "until": NOON}
    fields = {
        "created": True,
        "settings": {"name": "面馆"},
        "dishes": {"noodles": {"name": "凉面", "price_fen": 1_200, "stock": stock}},
        "sales": {},
        "menu_version": 7,
        "back_at": NOON,
    }
    read = msgspec.convert(Store.type.state_upcasters[1](fields), StoreBooks)

    assert [(one.dish_id, one.price_fen) for one in read.menu.published.dishes] == [("noodles", 1_200)]
    assert (read.stock.of("noodles").left, read.stock.back_at, read.menu.changes) == (12, NOON, 7)
