"""From the cells of a file to a menu, or to everything that is wrong with them, each by its sheet, row and column.

A file is read whole or not at all: whatever is wrong in one row, the rows after it are looked at too, and a file with
a single problem gives no menu.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from api.menu_files.columns import (
    BY_NAME,
    CATEGORIES,
    DISHES,
    OPTION_GROUPS,
    OPTIONS,
    SET_CHOICES,
    SET_SLOTS,
    TIME_SLOTS,
    Cell,
    Column,
    Sheet,
    WrongCell,
    plain,
)
from api.wording import problem_in_words
from pricing.menu import Menu
from pricing.menu_check import problems_of

PROBLEMS_MAX = 500
ROWS_MAX = 50_000
"""Of all sheets: a menu of the most dishes with twenty options each."""

VALUE_LENGTH_MAX = 100

Rows = Iterable[tuple[int, Sequence[Cell]]]
"""(number in the file, from 1; its cells) of each row, the header first."""


class CellProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one cell or row. ``row`` as the spreadsheet counts; 0: the sheet as a whole."""

    sheet: str
    row: int
    column: str
    problem: str
    value: str


class Read(msgspec.Struct, kw_only=True):
    """What came of a file. ``menu`` is None when anything was wrong."""

    menu: Menu | None = None
    rows: int = 0
    problems: list[CellProblem] = []


class TooManyRows(Exception):
    """More rows than any menu has."""


class _Record(msgspec.Struct):
    """One row as it was read: whose it is, its fields, and where it stood."""

    sheet: Sheet
    row: int
    key: tuple[str, ...]
    fields: dict[str, Any]
    cells: dict[str, Cell]
    children: dict[str, list[_Record]] = {}


def read_sheets(sheets: Iterable[tuple[str, Rows]]) -> Read:
    """The menu of these sheets. Raises TooManyRows."""
    reader = _Reader()
    for name, rows in sheets:
        reader.sheet(name, rows)
    return reader.whole()


class _Reader:
    def __init__(self) -> None:
        self.read = Read()
        self.records: dict[str, list[_Record]] = {name: [] for name in BY_NAME}
        self.wrong: dict[str, set[tuple[str, ...]]] = {name: set() for name in BY_NAME}
        self.nameless: set[str] = set()
        self.absent: set[tuple[str, str]] = set()

    def problem(self, sheet: str, row: int, column: str, problem: str, value: Cell = None) -> None:
        if len(self.read.problems) < PROBLEMS_MAX:
            shown = "" if value is None else str(value)[:VALUE_LENGTH_MAX]
            found = CellProblem(sheet=sheet, row=row, column=column, problem=problem, value=shown)
            self.read.problems.append(found)

    # --- rows ---

    def sheet(self, name: str, rows: Rows) -> None:
        sheet = BY_NAME.get(name)
        if sheet is None:
            self.problem(name, 0, "", f"no such sheet; there are {', '.join(BY_NAME)}")
            return
        columns: list[Column | None] | None = None
        for number, cells in rows:
            if all(cell is None or cell == "" for cell in cells):
                continue
            if columns is None:
                columns = self._header(sheet, number, cells)
                continue
            self.read.rows += 1
            if self.read.rows > ROWS_MAX:
                raise TooManyRows
            self._row(sheet, number, dict(zip(columns, cells, strict=False)), cells[len(columns) :])

    def _header(self, sheet: Sheet, number: int, cells: Sequence[Cell]) -> list[Column | None]:
        columns: list[Column | None] = []
        for cell in cells:
            name = str(cell or "").split(" ", 1)[0].strip()
            column = sheet.column(name)
            if column is None and name:
                known = ", ".join(one.name for one in sheet.columns)
                self.problem(sheet.name, number, name, f"no such column; there are {known}", cell)
            elif column is not None and column in columns:
                self.problem(sheet.name, number, name, "this column is there twice", cell)
                column = None
            columns.append(column)
        for needed in sheet.columns:
            if needed.name in sheet.key and needed not in columns:
                self.problem(sheet.name, number, needed.name, "this column is missing")
                self.absent.add((sheet.name, needed.name))
        return columns

    def _row(self, sheet: Sheet, number: int, row: dict[Column | None, Cell], beyond: Sequence[Cell]) -> None:
        if any(cell is not None and cell != "" for cell in beyond):
            self.problem(sheet.name, number, "", "more cells than the header has columns")
        fields: dict[str, Any] = {}
        fits = True
        key: dict[str, str] = {}
        for column, cell in row.items():
            if column is None or cell is None or cell == "":
                continue
            try:
                value = column.read(cell)
            except WrongCell as wrong:
                self.problem(sheet.name, number, column.name, str(wrong), cell)
                fits = False
                continue
            if column.name in sheet.key:
                key[column.name] = value
            if column.field:
                fields[column.field] = value
        cells = {column.name: cell for column, cell in row.items() if column is not None}
        missing = [name for name in sheet.key if not key.get(name)]
        for name in missing:
            if fits and (sheet.name, name) not in self.absent:
                self.problem(sheet.name, number, name, "must not be empty")
        if missing:
            self.nameless.add(sheet.name)
            return
        names = tuple(key[name] for name in sheet.key)
        if fits and self._fits(sheet, number, fields, cells):
            self.records[sheet.name].append(_Record(sheet, number, names, fields, cells, {}))
        else:
            self.wrong[sheet.name].add(names)

    def _fits(self, sheet: Sheet, number: int, fields: dict[str, Any], cells: dict[str, Cell]) -> bool:
        """Whether the row by itself is within the bounds of its struct."""
        try:
            msgspec.convert(fields, sheet.row)
        except msgspec.ValidationError as error:
            problem, _, at = str(error).partition(" - at ")
            missing = re.search(r"required field `(\w+)`", problem)
            field = missing[1] if missing else at.strip("`").removeprefix("$.").partition("[")[0]
            column = sheet.column_of(field)
            said = problem_in_words(problem, at.strip("`"), sheet.row)
            if missing:
                said = "must not be empty"
            self.problem(sheet.name, number, column, said, cells.get(column))
            return False
        return True

    # --- the menu ---

    def whole(self) -> Read:
        """Rows come to those they belong to; then the menu is looked at as a whole."""
        for child, parent, field in (
            (OPTIONS, OPTION_GROUPS, "options"),
            (SET_CHOICES, SET_SLOTS, "choices"),
            (OPTION_GROUPS, DISHES, "option_groups"),
            (SET_SLOTS, DISHES, "slots"),
        ):
            self._belong(child, parent, field)
        if not self.read.problems:
            self._menu()
        return self.read

    def _belong(self, child: Sheet, parent: Sheet, field: str) -> None:
        """A row whose owner's row is itself wrong is not reported: once that is mended, it belongs somewhere."""
        parents = {record.key: record for record in reversed(self.records[parent.name])}
        for record in self.records[child.name]:
            owner = parents.get(record.key[: len(parent.key)])
            if owner is None:
                if self._is_wrong(parent, record.key[: len(parent.key)]):
                    continue
                column = parent.key[-1]
                whose = " of ".join(reversed(record.key[: len(parent.key)]))
                problem = f"no row for {whose} in sheet {parent.name}"
                self.problem(child.name, record.row, column, problem, record.cells.get(column))
            else:
                owner.children.setdefault(field, []).append(record)

    def _is_wrong(self, sheet: Sheet, key: tuple[str, ...]) -> bool:
        """Whether a row of this key is there with a fault, or may be: a row that has one has no name."""
        return key in self.wrong[sheet.name] or sheet.name in self.nameless

    def _menu(self) -> None:
        fields = {
            "categories": [_built(record) for record in self.records[CATEGORIES.name]],
            "time_slots": [_built(record) for record in self.records[TIME_SLOTS.name]],
            "dishes": [_built(record) for record in self.records[DISHES.name]],
        }
        menu = msgspec.convert(fields, Menu)
        for found in problems_of(menu):
            record, field = self._place(found.path)
            if record is None:
                self.problem("", 0, "", f"{found.path}: {found.problem}")
                continue
            column = record.sheet.column_of(field)
            problem = self._readable(found.problem)
            self.problem(record.sheet.name, record.row, column, problem, record.cells.get(column))
        if not self.read.problems:
            self.read.menu = menu

    def _readable(self, problem: str) -> str:
        """A sentence that names another place by its path names it by its row."""

        def row(path: re.Match[str]) -> str:
            record, _ = self._place(path[0])
            return path[0] if record is None else f"row {record.row} of {record.sheet.name}"

        return re.sub(r"\$[\w.\[\]]+\]", row, problem)

    def _place(self, path: str) -> tuple[_Record | None, str]:
        """The row that a path of the menu came from, and the field of it."""
        record: _Record | None = None
        field = ""
        children: dict[str, list[_Record]] = self.records
        for name, index in _steps(path):
            if index is not None and name in children:
                record = children[name][index]
                children, field = record.children, ""
            else:
                field = name
                break
        return record, field


def _steps(path: str) -> Iterator[tuple[str, int | None]]:
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", path.removeprefix("$")):
        yield name, int(index) if index else None


def _built(record: _Record) -> dict[str, Any]:
    children = {name: [_built(one) for one in ones] for name, ones in record.children.items()}
    return {**record.fields, **children}


__all__ = ["CellProblem", "Read", "Rows", "TooManyRows", "plain", "read_sheets"]
