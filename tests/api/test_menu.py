"""The menu over HTTP: from memory, compressed once, a change seen within a second; drafts and versions (D1 to D4)."""

from __future__ import annotations

import gzip
import itertools
from typing import Any

import httpx
import pytest
import zstandard

from actors.words import Accepted, Command, Query
from api import menus
from api.menus import best_encoding
from store_runtime.store.commands import CreateStore
from store_runtime.store.menu.commands import GetMenuSince, SetDishStock
from tests.api.house import Gate, House, fresh_key, in_time, open_house

pytestmark = pytest.mark.anyio

_stores = itertools.count(1)

MENU: dict[str, Any] = {
    "categories": [
        {"category_id": "food", "name": "菜", "name_en": "Food"},
        {"category_id": "noodles", "name": "面", "parent_id": "food"},
    ],
    "time_slots": [{"slot_id": "lunch", "name": "午市", "starts": "11:00", "ends": "14:00"}],
    "dishes": [
        {
            "dish_id": "noodles",
            "name": "牛肉面",
            "name_en": "Beef noodles",
            "price_fen": 3_200,
            "category_ids": ["noodles"],
            "time_slots": ["lunch"],
            "allergens": ["gluten"],
            "flags": ["signature"],
            "option_groups": [
                {
                    "group_id": "size",
                    "name": "份量",
                    "min": 1,
                    "options": [
                        {"option_id": "regular", "name": "标准", "default": True},
                        {"option_id": "large", "name": "大份", "price_delta_fen": 600},
                    ],
                }
            ],
        },
        {"dish_id": "tea", "name": "茶", "price_fen": 800, "shown": False},
        {"dish_id": "off", "name": "停售", "price_fen": 800, "shown": False},
        {
            "dish_id": "meal",
            "name": "套餐",
            "kind": "set",
            "price_fen": 3_600,
            "slots": [
                {"slot_id": "main", "name": "主食", "choices": [{"dish_id": "noodles"}]},
                {"slot_id": "cup", "name": "饮料", "choices": [{"dish_id": "tea", "quantity": 2}]},
            ],
        },
    ],
}


class Owner:
    """A store of its own, and what its manager does there."""

    def __init__(self, house: House, store: str, headers: dict[str, str]) -> None:
        self.house = house
        self.store = store
        self._headers = headers

    async def do(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {**self._headers, "Idempotency-Key": fresh_key()}
        return await self.house.http.request(
            method, f"/api/v1/stores/{self.store}/{path}", json=body, headers=headers
        )

    async def publish(self, menu: dict[str, Any]) -> int:
        saved = await self.do("PUT", "menu/draft", menu)
        assert saved.status_code == 200, saved.text
        answer = await self.do("POST", "menu/publish", {})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["version"])

    async def menu(self, **headers: str) -> httpx.Response:
        return await self.house.http.get(f"/api/v1/stores/{self.store}/menu", headers=headers)

    async def dish(self, dish_id: str) -> dict[str, Any]:
        dishes = (await self.menu()).json()["dishes"]
        return next(dish for dish in dishes if dish["dish_id"] == dish_id)


@pytest.fixture
async def owner(house: House) -> Owner:
    """A new store that has published the menu above."""
    store = f"menu-{next(_stores)}"
    assert isinstance(await house.command(f"store/{store}", CreateStore(name="面馆")), Accepted)
    owner = Owner(house, store, await house.staff("owner"))
    await owner.publish(MENU)
    return owner


async def test_D1_D2_D3_D7_the_whole_menu_is_shown(owner: Owner) -> None:
    """Both languages, categories, slots, options and sets, each with its availability; what is off is not there."""
    menu = (await owner.menu()).json()

    assert [category["parent_id"] for category in menu["categories"]] == ["", "food"]
    assert menu["time_slots"][0]["weekdays"] == [1, 2, 3, 4, 5, 6, 7]
    assert (menu["menu_version"], menu["time_zone"]) == (1, "Asia/Shanghai")
    noodles, tea, meal = menu["dishes"]
    assert (noodles["name_en"], noodles["allergens"], noodles["flags"]) == (
        "Beef noodles",
        ["gluten"],
        ["signature"],
    )
    large = noodles["option_groups"][0]["options"][1]
    assert (large["price_delta_fen"], large["availability"]) == (600, {"state": "in"})
    assert (tea["dish_id"], tea["shown"], meal["slots"][1]["choices"][0]["quantity"]) == ("tea", False, 2)


async def test_D1_a_published_menu_is_there_at_once_for_who_published_it(owner: Owner) -> None:
    """Also when the menu was read just before."""
    before = (await owner.menu()).json()["menu_version"]

    version = await owner.publish({"dishes": [{"dish_id": "rice", "name": "饭", "price_fen": 300}]})

    menu = (await owner.menu()).json()
    assert (before, version, menu["menu_version"]) == (1, 2, 2)
    assert [dish["dish_id"] for dish in menu["dishes"]] == ["rice"]


async def test_D1_versions_are_listed_read_and_published_again(owner: Owner) -> None:
    """Newest first, with who published them."""
    await owner.publish({})

    rows = (await owner.do("GET", "menu/versions")).json()["items"]
    first = (await owner.do("GET", "menu/versions/1")).json()
    again = await owner.do("POST", "menu/publish", {"version": 1})

    assert [(row["version"], row["dishes"]) for row in rows] == [(2, 0), (1, 4)]
    assert first["menu"]["dishes"][0]["name"] == "牛肉面"
    assert again.json() == {"version": 3, "publish_at": None}
    assert (await owner.do("GET", "menu/versions/9")).json()["code"] == "version_not_found"
    assert (await owner.do("GET", "menu/versions/one")).json()["code"] == "version_not_found"


async def test_D1_a_menu_can_be_scheduled_and_the_draft_read(owner: Owner) -> None:
    """publish_at says when; cancelled, it is null."""
    await owner.do("PUT", "menu/draft", {"dishes": [{"dish_id": "rice", "name": "饭", "price_fen": 300}]})

    scheduled = await owner.do("POST", "menu/publish", {"at": in_time(600)})
    draft = (await owner.do("GET", "menu/draft")).json()
    cancelled = await owner.do("DELETE", "menu/publish")

    assert scheduled.json()["version"] == 1
    assert draft["publish_at"] == scheduled.json()["publish_at"] is not None
    assert draft["menu"]["dishes"][0]["dish_id"] == "rice"
    assert cancelled.json() == {"version": 1, "publish_at": None}


async def test_D1_a_menu_that_does_not_fit_together_is_refused_with_every_place(owner: Owner) -> None:
    """422 with problems; a wrong type is named by its path."""
    wrong = {"dishes": [{"dish_id": "tea", "name": "茶", "price_fen": 800, "category_ids": ["x"]}] * 2}

    problem = (await owner.do("PUT", "menu/draft", wrong)).json()
    typed = (await owner.do("PUT", "menu/draft", {"dishes": [{"dish_id": "a b"}]})).json()

    assert (problem["status"], problem["code"], len(problem["problems"])) == (422, "menu_invalid", 3)
    assert (typed["code"], typed["path"]) == ("invalid_field", "$.dishes[0].dish_id")


@pytest.mark.parametrize(
    ("encoding", "unpack"), [("gzip", gzip.decompress), ("zstd", zstandard.decompress), ("identity", bytes)]
)
async def test_D1_the_compressed_menu_is_the_menu(owner: Owner, encoding: str, unpack: Any) -> None:
    """Each encoding has its own ETag, and a client that has any of them gets a 304."""
    plain = await owner.menu(**{"Accept-Encoding": "identity"})
    request = owner.house.http.build_request(
        "GET", f"/api/v1/stores/{owner.store}/menu", headers={"Accept-Encoding": encoding}
    )
    answer = await owner.house.http.send(request, stream=True)
    raw = b"".join([chunk async for chunk in answer.aiter_raw()])

    assert unpack(raw) == plain.content
    assert answer.headers.get("content-encoding", "identity") == encoding
    assert answer.headers["vary"] == "accept-encoding"
    unchanged = await owner.menu(**{"If-None-Match": answer.headers["etag"], "Accept-Encoding": "gzip"})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_D4_stock_of_an_option_and_of_parts_reaches_the_menu(owner: Owner) -> None:
    """A set has what its parts allow; a dish whose every required option is out, is out."""
    assert (await owner.do("PUT", "stock/tea", {"state": "qty", "left": 5})).status_code == 200
    assert (await owner.dish("meal"))["availability"] == {"state": "qty", "left": 2}

    large = await owner.do("PUT", "stock/noodles%23large", {"state": "out"})
    assert (large.json()["dish_id"], large.json()["availability"]) == ("noodles#large", {"state": "out"})
    noodles = await owner.dish("noodles")
    assert noodles["availability"] == {"state": "in"}
    assert noodles["option_groups"][0]["options"][1]["availability"] == {"state": "out"}

    await owner.do("PUT", "stock/noodles%23regular", {"state": "out"})
    assert (await owner.dish("noodles"))["availability"] == {"state": "out"}
    assert (await owner.dish("meal"))["availability"] == {"state": "out"}


async def test_D4_many_are_set_at_once_or_none(owner: Owner) -> None:
    """One that is not there refuses all; the books list what was set."""
    items = [{"dish_id": "noodles", "state": "qty", "left": 7}, {"dish_id": "tea", "state": "out"}]

    done = await owner.do("POST", "stock:batch", {"items": items})
    refused = await owner.do(
        "POST",
        "stock:batch",
        {"items": [{"dish_id": "meal", "state": "out"}, {"dish_id": "x", "state": "in"}]},
    )
    twice = await owner.do("POST", "stock:batch", {"items": [items[0], items[0]]})

    assert [dish["availability"]["state"] for dish in done.json()["items"]] == ["qty", "out"]
    assert (refused.status_code, refused.json()["code"]) == (404, "dish_not_found")
    assert (twice.json()["code"], twice.json()["path"]) == ("invalid_field", "$.items[1].dish_id")
    books = {row["dish_id"]: row for row in (await owner.do("GET", "stock")).json()["items"]}
    assert (books["noodles"]["left"], books["noodles"]["restocked"]) == (7, 7)
    assert books["meal"]["availability"] == {"state": "in"}


async def test_D4_a_change_made_elsewhere_reaches_every_reader_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A silo reads from memory and asks again once its menu is a little old; never from one that is too old."""
    now = 1_000.0
    asked: list[Query | Command] = []

    def counting(router: Any) -> Any:
        def holds(word: Command | Query) -> bool:
            if isinstance(word, GetMenuSince):
                asked.append(word)
            return False

        return Gate(router, holds)

    async with open_house(around=counting) as house:
        monkeypatch.setattr(house.app.door.menus, "_now", lambda: now)

        async def state() -> str:
            dishes = (await house.http.get("/api/v1/stores/s1/menu")).json()["dishes"]
            return str(dishes[0]["availability"]["state"])

        assert await state() == "in"
        # Behind the ingress' back, as another silo would.
        await house.command("store/s1", SetDishStock(dish_id="crayfish", state="out"))

        now += menus.RENEW_S - 0.1
        assert (await state(), len(asked)) == ("in", 1)
        now += 0.2
        assert len(asked) == 1
        await state()
        assert len(asked) == 2
        now += menus.GOOD_S
        assert await state() == "out"


@pytest.mark.parametrize(
    ("accepted", "best"),
    [
        (b"gzip, deflate, br, zstd", b"zstd"),
        (b"gzip;q=1.0, zstd;q=0.5", b"gzip"),
        (b"*", b"zstd"),
        (b"*;q=0", b""),
        (b"gzip;q=nonsense", b""),
        (b"GZIP", b"gzip"),
        (b"", b""),
        (b"\xff;;;=,q", b""),
    ],
)
def test_the_best_encoding_is_chosen(accepted: bytes, best: bytes) -> None:
    """By weight; what we cannot read counts as no."""
    assert best_encoding(accepted) == best


async def test_stores_that_are_not_there_are_not_remembered(house: House) -> None:
    """Whoever tries names fills no memory."""
    for number in range(20):
        answer = await house.http.get(f"/api/v1/stores/none-{number}/menu")
        assert answer.json()["code"] == "store_not_found"

    assert not [store for store in house.app.door.menus._boards if store.startswith("none")]
