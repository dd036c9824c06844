"""One .csv for a whole menu: the first column says which sheet a row is of, the others are all columns there are.

Written as UTF-8 with a byte order mark, which Excel needs to see Chinese; read as that, as plain UTF-8, or as
GB 18030, which is what Excel saves in China. Text that a spreadsheet would take for a formula gets an apostrophe in
front.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from api.menu_files.columns import BY_NAME, SHEETS, Cell, Column
from api.menu_files.reading import CellProblem, Read, Rows, read_sheets
from api.menu_files.writing import rows_of
from pricing.menu import Menu

FORMULA = ("=", "+", "-", "@", "\t", "'")
FIELD_LENGTH_MAX = 4_000

COLUMNS: dict[str, Column] = {}
for _sheet in SHEETS:
    for _column in _sheet.columns:
        COLUMNS.setdefault(_column.name, _column)


class NotText(Exception):
    """The bytes are no text in UTF-8 or GB 18030."""


def write_csv(menu: Menu) -> bytes:
    """The menu as one file."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["sheet", *(column.header for column in COLUMNS.values())])
    sheets = rows_of(menu)
    for sheet in SHEETS:
        for row in sheets.get(sheet.name, ()):
            cells = {
                column.name: _written(column, cell) for column, cell in zip(sheet.columns, row, strict=True)
            }
            writer.writerow([sheet.name, *(cells.get(name, "") for name in COLUMNS)])
    return out.getvalue().encode("utf-8-sig")


def _written(column: Column, cell: Cell) -> str:
    if column.numeric:
        return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
    said = str(cell)
    return f"'{said}" if said.startswith(FORMULA) else said


def read_csv(body: bytes) -> Read:
    """The menu of a file. Raises NotText, TooManyRows."""
    rows = enumerate(_cells(_decoded(body)), 1)
    try:
        first = next(rows, None)
        header = [] if first is None else [cell.split(" ", 1)[0].strip() for cell in first[1]]
        if not header or header[0] != "sheet":
            wrong = CellProblem(
                sheet="",
                row=1,
                column="sheet",
                problem="the first column is sheet",
                value="".join(header[:1]),
            )
            return Read(problems=[wrong])
        return _read(header, [(number, row) for number, row in rows if any(row)])
    except csv.Error as error:
        problem = CellProblem(sheet="", row=0, column="", problem=f"no csv: {error}", value="")
        return Read(problems=[problem])


def _read(header: list[str], rows: list[tuple[int, list[str]]]) -> Read:
    """Rows of a sheet may stand anywhere; a column that a sheet does not have must be empty in its rows."""
    by_sheet: dict[str, list[tuple[int, list[Cell]]]] = {}
    for number, row in rows:
        cells: list[Cell] = [_unquoted(cell) for cell in row[1:]]
        by_sheet.setdefault(row[0].strip(), []).append((number, cells))
    sheets: list[tuple[str, Rows]] = []
    for name, its_rows in by_sheet.items():
        known = BY_NAME.get(name)
        used: list[Cell] = [
            column
            if known is None
            or known.column(column)
            or column not in COLUMNS
            or any(place < len(cells) and cells[place] for _, cells in its_rows)
            else ""
            for place, column in enumerate(header[1:])
        ]
        sheets.append((name, [(1, used), *its_rows]))
    return read_sheets(sheets)


def _cells(text: str) -> Iterator[list[str]]:
    csv.field_size_limit(FIELD_LENGTH_MAX)
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _unquoted(cell: str) -> str:
    return cell[1:] if cell.startswith("'") else cell


def _decoded(body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotText
