"""The sheets of a menu file and their columns; and how a cell is read and written.

A cell is what a spreadsheet holds: text, a number, a boolean, a time, or None. Prices are yuan with two decimals,
lists of ids are separated by spaces, an empty cell means the field's default.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from pricing.menu import Category, Dish, Option, OptionGroup, SetChoice, SetSlot, TimeSlot

Cell = (
    str | int | float | bool | datetime.datetime | datetime.date | datetime.time | datetime.timedelta | None
)

YES = frozenset({"true", "yes", "y", "1", "是", "√"})
NO = frozenset({"false", "no", "n", "0", "否", "×"})


class WrongCell(Exception):
    """The cell cannot be what its column holds; the text says what would be right."""


class Uncalculated(str):
    """A formula that no spreadsheet has calculated: its text."""


class Column(msgspec.Struct, frozen=True):
    """One column.

    Args:
        name: of the column in the file. ``title`` is the same in Chinese, for the eye only.
        field: of the struct that a row becomes; empty where the column only says whose row it is.
        numeric: written as a number, so that a spreadsheet can calculate with it.
        text: kept letter by letter; anything else is stripped of the space around it.
    """

    name: str
    title: str
    field: str
    read: Callable[[Cell], Any]
    write: Callable[[Any], Cell]
    numeric: bool = False
    text: bool = False

    @property
    def header(self) -> str:
        return f"{self.name} {self.title}"


class Sheet(msgspec.Struct, frozen=True):
    """One sheet: every row is a ``row`` struct; ``key`` columns name it and what it belongs to."""

    name: str
    row: type[msgspec.Struct]
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)

    def column_of(self, field: str) -> str:
        """The column that holds a field; the field itself where none does."""
        return next((column.name for column in self.columns if column.field == field), field)


# --- reading and writing of one cell -------------------------------------------------------------------------


def plain(cell: Cell) -> str:
    """The cell as text: what somebody typed as 101 is the id ``101``, whatever the spreadsheet made of it."""
    if isinstance(cell, Uncalculated):
        raise WrongCell(
            "a value; this formula was never calculated: open the file in a spreadsheet and save it, "
            "or write the value"
        )
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime.datetime | datetime.date | datetime.timedelta):
        raise WrongCell("text; the spreadsheet made a date of it, so format the cell as text")
    if isinstance(cell, datetime.time):
        return cell.strftime("%H:%M")
    return str(cell)


def _text(cell: Cell) -> str:
    return plain(cell)


def _word(cell: Cell) -> str:
    return plain(cell).strip()


def _words(cell: Cell) -> list[str]:
    return plain(cell).replace(",", " ").replace("，", " ").split()


def _number(cell: Cell) -> Decimal:
    if isinstance(cell, bool):
        raise WrongCell("a number")
    try:
        number = Decimal(plain(cell).strip())
    except InvalidOperation:
        raise WrongCell("a number") from None
    if not number.is_finite():
        raise WrongCell("a number")
    return number


def _whole(cell: Cell) -> int:
    number = _number(cell)
    if abs(number) > 10**12 or number != number.to_integral_value():
        raise WrongCell("a whole number")
    return int(number)


def _fen(cell: Cell) -> int:
    yuan = _number(cell)
    if abs(yuan) > 10**12:
        raise WrongCell("an amount in yuan")
    fen = yuan * 100
    if fen != fen.to_integral_value():
        raise WrongCell("an amount in yuan with at most two decimals")
    return int(fen)


def _boolean(cell: Cell) -> bool:
    said = plain(cell).strip().lower()
    if said in YES:
        return True
    if said in NO:
        return False
    raise WrongCell("true or false (是 or 否)")


def _time(cell: Cell) -> str:
    if isinstance(cell, datetime.time):
        return cell.strftime("%H:%M")
    if isinstance(cell, float) and 0 <= cell < 1:
        minutes = round(cell * 1_440)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    said = plain(cell).strip().replace("：", ":")
    return said.zfill(5) if ":" in said else said


def _days(cell: Cell) -> list[int]:
    days = _words(cell)
    if not all(day.isdecimal() and len(day) == 1 for day in days):
        raise WrongCell("days from 1 (Monday) to 7, separated by spaces")
    return [int(day) for day in days]


def _join(values: tuple[object, ...]) -> str:
    return " ".join(str(value) for value in values)


def _yuan(fen: int) -> float:
    return fen / 100


def _same(value: Any) -> Any:
    return value


def text(name: str, title: str, field: str = "") -> Column:
    return Column(name, title, field or name, _text, _same, text=True)


def word(name: str, title: str, field: str | None = None) -> Column:
    return Column(name, title, name if field is None else field, _word, _same)


def words(name: str, title: str) -> Column:
    return Column(name, title, name, _words, _join)


def whole(name: str, title: str) -> Column:
    return Column(name, title, name, _whole, _same, numeric=True)


def fen(name: str, title: str, field: str) -> Column:
    return Column(name, title, field, _fen, _yuan, numeric=True)


def boolean(name: str, title: str) -> Column:
    return Column(name, title, name, _boolean, lambda value: "true" if value else "false")


# --- the sheets ----------------------------------------------------------------------------------------------

NAMES = (text("name", "名称"), text("name_en", "英文名"))
WHOSE = word("dish_id", "菜品编号", "")
MIN_MAX = (whole("min", "最少选"), whole("max", "最多选"))

CATEGORIES = Sheet(
    "categories",
    Category,
    (word("category_id", "分类编号"), *NAMES, word("parent_id", "上级分类")),
    ("category_id",),
)
TIME_SLOTS = Sheet(
    "time_slots",
    TimeSlot,
    (
        word("slot_id", "时段编号"),
        *NAMES,
        Column("starts", "开始", "starts", _time, _same),
        Column("ends", "结束", "ends", _time, _same),
        Column("weekdays", "星期", "weekdays", _days, _join),
    ),
    ("slot_id",),
)
DISHES = Sheet(
    "dishes",
    Dish,
    (
        word("dish_id", "菜品编号"),
        *NAMES,
        words("category_ids", "分类"),
        word("kind", "类型"),
        fen("price", "价格（元）", "price_fen"),
        text("unit", "单位"),
        words("time_slots", "供应时段"),
        boolean("shown", "上架"),
        text("station", "档口"),
        text("course", "出餐顺序"),
        whole("make_minutes", "制作分钟"),
        words("allergens", "过敏原"),
        words("flags", "标签"),
        fen("box", "打包盒费（元）", "box_fen"),
        boolean("divisible", "可分摊"),
        text("description", "描述"),
        text("description_en", "英文描述"),
    ),
    ("dish_id",),
)
OPTION_GROUPS = Sheet(
    "option_groups",
    OptionGroup,
    (WHOSE, word("group_id", "选项组编号"), *NAMES, *MIN_MAX),
    ("dish_id", "group_id"),
)
OPTIONS = Sheet(
    "options",
    Option,
    (
        WHOSE,
        word("group_id", "选项组编号", ""),
        word("option_id", "选项编号"),
        *NAMES,
        fen("price", "加价（元）", "price_delta_fen"),
        boolean("default", "默认"),
        words("excludes", "互斥选项"),
    ),
    ("dish_id", "group_id", "option_id"),
)
SET_SLOTS = Sheet(
    "set_slots",
    SetSlot,
    (WHOSE, word("slot_id", "套餐位编号"), *NAMES, *MIN_MAX),
    ("dish_id", "slot_id"),
)
SET_CHOICES = Sheet(
    "set_choices",
    SetChoice,
    (
        WHOSE,
        word("slot_id", "套餐位编号", ""),
        word("choice_id", "可选菜品", "dish_id"),
        whole("quantity", "数量"),
        fen("price", "加价（元）", "upcharge_fen"),
        boolean("default", "默认"),
    ),
    ("dish_id", "slot_id", "choice_id"),
)

SHEETS = (CATEGORIES, TIME_SLOTS, DISHES, OPTION_GROUPS, OPTIONS, SET_SLOTS, SET_CHOICES)
BY_NAME = {sheet.name: sheet for sheet in SHEETS}
