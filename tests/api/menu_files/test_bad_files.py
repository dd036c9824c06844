"""A2: files that are wrong are refused cell by cell, and files that are dangerous before they are opened."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
import xlsxwriter
from openpyxl import Workbook

from api.menu_files import reading
from api.menu_files.csv_file import NotText, read_csv, write_csv
from api.menu_files.json_file import read_json
from api.menu_files.reading import ROWS_MAX, TooManyRows
from api.menu_files.xlsx import NotAWorkbook, read_xlsx, write_xlsx
from pricing.menu import Dish, Menu

DISH_HEADER = ("dish_id", "name", "price")


def workbook(merged: str = "", **sheets: Sequence[Sequence[Any]]) -> bytes:
    """A workbook with these rows, the header too."""
    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(list(row))
        if merged:
            page.merge_cells(merged)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def problems(body: bytes) -> list[tuple[str, int, str, str, str]]:
    read = read_xlsx(body)
    assert read.menu is None
    return [(one.sheet, one.row, one.column, one.problem, one.value) for one in read.problems]


def test_A2_cells_of_a_wrong_type_are_named_by_row_and_column() -> None:
    """All of them at once, each with what would be right and what is there."""
    body = workbook(
        dishes=[
            (*DISH_HEADER, "shown", "make_minutes", "kind"),
            ("tea", "茶", "eight", "true", 5, "plain"),
            ("rice", "饭", 3, "perhaps", 5, "plain"),
            ("soup", "汤", 8.005, True, 5.5, "plain"),
            ("bread", "饼", 8, True, 5, "round"),
            (None, "面", 8, True, 5, "plain"),
            ("noodles", None, 8, True, 5, "plain"),
            ("ok", "好", -1, True, 5, "plain"),
        ]
    )

    assert problems(body) == [
        ("dishes", 2, "price", "a number", "eight"),
        ("dishes", 3, "shown", "true or false (是 or 否)", "perhaps"),
        ("dishes", 4, "price", "an amount in yuan with at most two decimals", "8.005"),
        ("dishes", 4, "make_minutes", "a whole number", "5.5"),
        ("dishes", 5, "kind", "Invalid enum value 'round'; allowed: market, plain, set, weighed", "round"),
        ("dishes", 6, "dish_id", "must not be empty", ""),
        ("dishes", 7, "name", "must not be empty", ""),
        ("dishes", 8, "price", "Expected int >= 0", "-1"),
    ]


def test_A2_merged_cells_are_refused_with_their_place() -> None:
    """It cannot be known which rows their value is meant for."""
    body = workbook("A2:A3", dishes=[DISH_HEADER, ("tea", "茶", 8), ("rice", "饭", 3)])

    assert problems(body) == [
        ("dishes", 2, "", "these cells are merged; write the value into each row", "A2:A3")
    ]


GROUP_HEADER = ("dish_id", "group_id", "name")
OPTION_HEADER = ("dish_id", "group_id", "option_id", "name")


def test_A2_what_hangs_on_a_wrong_row_is_not_reported_again() -> None:
    """One price is wrong: its options have a dish, only not yet a right one. A real orphan is still named."""
    body = workbook(
        dishes=[DISH_HEADER, ("tea", "茶", "eight"), ("rice", "饭", -3)],
        option_groups=[
            GROUP_HEADER,
            *((dish, group, "组") for dish in ("tea", "rice") for group in ("size", "ice")),
            ("soup", "size", "杯型"),
        ],
        options=[OPTION_HEADER, ("tea", "size", "large", "大"), ("rice", "ice", "none", "去冰")],
    )

    assert problems(body) == [
        ("dishes", 2, "price", "a number", "eight"),
        ("dishes", 3, "price", "Expected int >= 0", "-3"),
        ("option_groups", 6, "dish_id", "no row for soup in sheet dishes", "soup"),
    ]


def test_A2_a_missing_id_column_is_one_problem() -> None:
    """And not one for each row, nor for what belongs to them."""
    body = workbook(
        dishes=[("name", "price"), ("茶", 8), ("饭", 3)],
        option_groups=[GROUP_HEADER, ("tea", "size", "杯型")],
    )

    assert [one[:4] for one in problems(body)] == [("dishes", 1, "dish_id", "this column is missing")]


def test_A2_a_formula_that_was_never_calculated_is_called_one() -> None:
    """A program wrote it: there is no value in the file. Calculated ones are read, empty cells stay empty."""
    body = workbook(dishes=[DISH_HEADER, ("tea", "茶", "=4*2"), ("=A2", "饭", 3), ("rice", None, 3)])

    found = problems(body)

    assert [(row, column, value) for _, row, column, _, value in found] == [
        (2, "price", "=4*2"),
        (3, "dish_id", "=A2"),
        (4, "name", ""),
    ]
    assert all("formula was never calculated" in problem for _, _, _, problem, _ in found[:2])


def test_A2_what_does_not_fit_together_is_named_by_row() -> None:
    """Unknown categories, ids twice, options without a dish: as the spreadsheet counts."""
    body = workbook(
        dishes=[(*DISH_HEADER, "category_ids"), ("tea", "茶", 8, "drinks"), ("tea", "茶", 8, None)],
    )
    orphan = workbook(
        dishes=[DISH_HEADER, ("tea", "茶", 8)],
        options=[("dish_id", "group_id", "option_id", "name"), ("tea", "size", "large", "大")],
    )

    assert problems(body) == [
        ("dishes", 3, "dish_id", "tea is row 2 of dishes already", "tea"),
        ("dishes", 2, "category_ids", "no category drinks", "drinks"),
    ]
    assert problems(orphan) == [
        ("options", 2, "group_id", "no row for size of tea in sheet option_groups", "size")
    ]


def test_A2_headers_that_are_wrong_are_named() -> None:
    """Unknown, twice, missing, and cells beyond them."""
    body = workbook(dishes=[("dish_id", "name", "name", "prize"), ("tea", "茶", "茶", 8, "beyond")])
    missing = workbook(dishes=[("name", "price"), ("茶", 8)])

    assert [problem[2:4] for problem in problems(body)][:2] == [
        ("name", "this column is there twice"),
        (
            "prize",
            "no such column; there are " + ", ".join(column.name for column in reading.DISHES.columns),
        ),
    ]
    assert problems(missing)[0][2:4] == ("dish_id", "this column is missing")


def test_A2_what_a_spreadsheet_makes_of_a_cell_is_understood() -> None:
    """Ids that became numbers, times that became times, booleans, yuan as numbers, Chinese yes and no."""
    import datetime

    body = workbook(
        dishes=[
            ("dish_id 菜品编号", "name 名称", "price 价格", "shown", "time_slots"),
            (101, 202, 8.1, "否", "lunch"),
        ],
        time_slots=[
            ("slot_id", "name", "starts", "ends", "weekdays"),
            ("lunch", "午市", datetime.time(11, 0), "14:00", 1234567.0),
            ("dinner", "晚市", 0.75, "9:00", "1 2"),
        ],
    )

    read = read_xlsx(body)

    assert [problem.column for problem in read.problems] == ["weekdays"]
    fixed = workbook(
        dishes=[("dish_id", "name", "price", "shown", "time_slots"), (101, 202, 8.1, "否", "dinner")],
        time_slots=[
            ("slot_id", "name", "starts", "ends", "weekdays"),
            ("dinner", "晚市", 0.75, "9:00", "1 2"),
        ],
    )
    menu = read_xlsx(fixed).menu
    assert menu is not None
    (dish,), (slot,) = menu.dishes, menu.time_slots
    assert (dish.dish_id, dish.name, dish.price_fen, dish.shown) == ("101", "202", 810, False)
    assert (slot.starts, slot.ends, slot.weekdays) == ("18:00", "09:00", (1, 2))


def test_A2_a_million_rows_are_refused_and_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the bound; blank rows at the end are no rows."""
    monkeypatch.setattr(reading, "ROWS_MAX", 100)
    rows = [DISH_HEADER, *((f"d{number}", "x", 1) for number in range(101))]

    with pytest.raises(TooManyRows):
        read_xlsx(workbook(dishes=rows))
    with pytest.raises(TooManyRows):
        read_csv(
            write_csv(Menu(dishes=tuple(Dish(dish_id=f"d{n}", name="x", price_fen=1) for n in range(101))))
        )
    blank = [*rows[:50], *((None, "", None) for _ in range(1_000))]
    assert read_xlsx(workbook(dishes=blank)).menu is not None
    assert ROWS_MAX < 1_000_000


def test_A2_a_zip_bomb_is_refused_before_it_is_read() -> None:
    """Ten thousand times smaller than what it unpacks to."""
    out = io.BytesIO(write_xlsx(Menu()))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/bomb.xml", b" " * 70_000_000)

    with pytest.raises(NotAWorkbook, match="unpacks to more than"):
        read_xlsx(out.getvalue())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no .xlsx"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "no .xlsx"),
        (b"PK\x03\x04" + b"\0" * 100, "no .xlsx"),
        (write_xlsx(Menu())[:-40], "no .xlsx"),
    ],
)
def test_A2_what_is_no_workbook_is_said_to_be_none(body: bytes, reason: str) -> None:
    """An old .xls, half a file, nothing."""
    with pytest.raises(NotAWorkbook, match=reason):
        read_xlsx(body)


def test_A2_a_workbook_of_something_else_is_refused() -> None:
    """Zips of other things, sheets of other names, XML with a document type."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("hello.txt", "hello")
    with pytest.raises(NotAWorkbook, match="cannot be read"):
        read_xlsx(zipped.getvalue())
    with pytest.raises(NotAWorkbook, match="none of the sheets"):
        read_xlsx(workbook(Sheet1=[("a", "b")]))
    typed = io.BytesIO(write_xlsx(Menu()))
    with zipfile.ZipFile(typed, "a") as archive:
        archive.writestr("xl/other.xml", '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>')
    with pytest.raises(NotAWorkbook, match="document type"):
        read_xlsx(typed.getvalue())


def test_A2_a_formula_is_no_value() -> None:
    """A cell with one is read as what was calculated last, and that is nothing here."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page = book.add_worksheet("dishes")
    for place, name in enumerate(DISH_HEADER):
        page.write(0, place, name)
    page.write_row(1, 0, ["tea", "茶"])
    page.write_formula(1, 2, "=1+7", None, "#REF!")
    book.close()

    assert problems(out.getvalue()) == [("dishes", 2, "price", "a number", "#REF!")]


def test_A2_a_csv_that_excel_saved_in_china_is_read() -> None:
    """GB 18030 without a mark; bytes that are neither are no text."""
    menu = Menu(dishes=(Dish(dish_id="tea", name="茉莉花茶", price_fen=800),))

    assert read_csv(write_csv(menu).decode("utf-8-sig").encode("gb18030")).menu == menu
    with pytest.raises(NotText):
        read_csv(b"sheet,\xff\xff\xff")


def test_A2_a_csv_holds_no_formula() -> None:
    """What begins like one is text to every spreadsheet, and the same name again when it comes back."""
    menu = Menu(dishes=(Dish(dish_id="tea", name="=HYPERLINK(1)", description="-2+3", price_fen=800),))

    written = write_csv(menu).decode("utf-8-sig")

    assert ",'=HYPERLINK(1)," in written
    assert read_csv(written.encode()).menu == menu


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the first column is sheet"),
        (b"a,b\n1,2", "the first column is sheet"),
        (b'sheet,dish_id\ndishes,"tea', "no csv: unexpected end of data"),
        (b"sheet,dish_id,name,price\nplates,tea,x,8", "no such sheet"),
        (b"sheet,dish_id,name,price,min\ndishes,tea,x,8,1", "no such column"),
        (
            b"sheet,dish_id,name,price\ndishes,tea," + b"x" * 5_000 + b",8",
            "no csv: field larger than field limit",
        ),
    ],
)
def test_A2_a_csv_that_is_wrong_is_told_so(body: bytes, problem: str) -> None:
    """With its row where there is one."""
    read = read_csv(body)

    assert read.menu is None
    assert read.problems[0].problem.startswith(problem)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"{", "$"),
        (b"[" * 10_000, "$"),
        (b'{"dishes": [{"dish_id": 1}]}', "$.dishes[0].dish_id"),
        (
            b'{"dishes": [{"dish_id": "a", "name": "a", "price_fen": 1, "kind": "weighed"}]}',
            "$.dishes[0].unit",
        ),
    ],
)
def test_A2_json_that_is_wrong_is_named_by_its_path(body: bytes, path: str) -> None:
    """Malformed, of wrong types, or a menu that does not fit together."""
    read = read_json(body)

    assert (read.menu, read.problems[0].column) == (None, path)
