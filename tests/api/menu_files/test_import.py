"""A2 over HTTP: dry run, report, nothing half-imported, and files that are refused."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from actors.words import Accepted
from api.menu_files.csv_file import read_csv, write_csv
from api.menu_files.xlsx import read_xlsx, write_xlsx
from api.staff.menu_files import CSV, JSON, XLSX
from pricing.menu import Category, Dish, Menu
from store_runtime.store.commands import CreateStore
from store_runtime.store.menu.commands import PublishMenu, SaveDraft
from tests.api.house import House, open_house

pytestmark = pytest.mark.anyio

_stores = itertools.count(1)

TEA = Dish(dish_id="tea", name="茶", price_fen=800, category_ids=("drinks",))
MENU = Menu(
    categories=(Category(category_id="drinks", name="饮品"),),
    dishes=(TEA, Dish(dish_id="rice", name="饭", price_fen=300)),
)
DEARER = Menu(
    categories=MENU.categories,
    dishes=(
        Dish(dish_id="tea", name="茶", price_fen=900, category_ids=("drinks",)),
        Dish(dish_id="soup", name="汤", price_fen=1_800),
    ),
)


class Shop:
    """A store that has published MENU, and what its owner sends."""

    def __init__(self, house: House, store: str, headers: dict[str, str]) -> None:
        self.house = house
        self.store = store
        self._headers = headers

    async def send(self, body: bytes, content_type: str, query: str = "") -> httpx.Response:
        return await self.house.http.post(
            f"/api/v1/stores/{self.store}/menu/import{query}",
            content=body,
            headers={**self._headers, "Content-Type": content_type},
        )

    async def get(self, path: str) -> httpx.Response:
        return await self.house.http.get(f"/api/v1/stores/{self.store}/menu/{path}", headers=self._headers)

    async def draft(self) -> Any:
        return (await self.get("draft")).json()


@pytest.fixture
async def shop(house: House) -> Shop:
    store = f"files-{next(_stores)}"
    for command in (CreateStore(name="茶馆"), SaveDraft(menu=MENU), PublishMenu()):
        assert isinstance(await house.command(f"store/{store}", command), Accepted)
    return Shop(house, store, await house.staff("owner"))


@pytest.mark.parametrize(
    ("write", "content_type"), [(write_xlsx, XLSX), (write_csv, f"{CSV}; charset=utf-8")], ids=["xlsx", "csv"]
)
async def test_A2_a_dry_run_says_what_would_change_and_changes_nothing(
    shop: Shop, write: Any, content_type: str
) -> None:
    """Added, changed with before and after, removed; sent again without dry_run it is the draft."""
    dry = await shop.send(write(DEARER), content_type, "?dry_run=true")

    assert dry.status_code == 200, dry.text
    report = dry.json()
    assert (report["imported"], report["rows"], report["problems"]) == (False, 3, [])
    assert [(one["entry"], one["id"]) for one in report["diff"]["added"]] == [("dish", "soup")]
    assert [(one["entry"], one["id"]) for one in report["diff"]["removed"]] == [("dish", "rice")]
    (changed,) = report["diff"]["changed"]
    assert changed["fields"] == [{"field": "price_fen", "before": 800, "after": 900}]
    assert (await shop.draft())["saved_at"] is None

    assert (await shop.send(write(DEARER), content_type)).json()["imported"] is True
    draft = await shop.draft()
    assert [dish["dish_id"] for dish in draft["menu"]["dishes"]] == ["tea", "soup"]
    assert draft["published_version"] == 1


async def test_A2_nothing_is_half_imported(shop: Shop) -> None:
    """One wrong cell among many: a 422 that names it, and the draft is as it was."""
    wrong = write_csv(DEARER).replace(b"18.00", b"18.001")

    refused = await shop.send(wrong, CSV)
    dry = await shop.send(wrong, CSV, "?dry_run=true")

    assert (refused.status_code, refused.json()["code"]) == (422, "import_invalid")
    (problem,) = refused.json()["problems"]
    assert (problem["sheet"], problem["row"], problem["column"]) == ("dishes", 4, "price")
    assert problem["value"] == "18.001"
    assert (dry.status_code, dry.json()["problems"], dry.json()["diff"]) == (200, [problem], None)
    assert (await shop.draft())["saved_at"] is None


async def test_A2_what_is_exported_can_be_sent_back(shop: Shop) -> None:
    """All three forms; the draft if it is asked for."""
    book = await shop.get("export.xlsx")
    table = await shop.get("export.csv")
    text = await shop.get("export.json")
    await shop.send((await shop.get("export.json?draft=true")).content, JSON)

    assert read_xlsx(book.content).menu == read_csv(table.content).menu == MENU
    assert book.headers["content-type"] == XLSX
    assert book.headers["content-disposition"] == f'attachment; filename="menu-{shop.store}.xlsx"'
    assert (await shop.send(text.content, JSON, "?dry_run=true")).json()["diff"]["changed"] == []
    assert (await shop.draft())["saved_at"] is not None


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"PK", XLSX, "import_unreadable"),
        (b"sheet,\xff\xff", CSV, "import_unreadable"),
        (b"{", JSON, "import_invalid"),
        (b"{}", "text/html", "invalid_field"),
        (b"", XLSX, "import_unreadable"),
    ],
)
async def test_A2_what_is_no_menu_is_refused(shop: Shop, body: bytes, content_type: str, code: str) -> None:
    """Each with a reason."""
    refused = await shop.send(body, content_type)

    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_A2_a_file_may_be_larger_than_a_body_but_not_for_ever() -> None:
    """413 beyond the bound of a file, which is not that of a JSON body."""
    async with open_house(settings={"body_bytes_max": 1_000, "file_bytes_max": 20_000}) as house:
        shop = Shop(house, "s1", await house.staff("owner"))

        assert (await shop.send(b" " * 2_000 + b"{}", JSON, "?dry_run=true")).status_code == 200
        assert (await shop.send(b" " * 30_000, JSON)).json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    "name", ["_x0041_", "_x000D_", "=1+1", "'quoted", " spaces ", "0012", "TRUE", "1e5", "#REF!"]
)
async def test_A2_names_that_spreadsheets_change_stay(name: str) -> None:
    """Letter by letter, in both."""
    menu = Menu(dishes=(Dish(dish_id="tea", name=name, description=f"{name}\n{name}", price_fen=1),))

    assert read_xlsx(write_xlsx(menu)).menu == menu
    assert read_csv(write_csv(menu)).menu == menu
