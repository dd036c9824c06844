"""A workbook with one sheet for each kind of row.

A workbook is a zip of XML, and comes from anybody: what it unpacks to is bounded before it is read, XML with a
document type is refused, rows are read one after the other and no formula is calculated.
"""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import xlsxwriter
from openpyxl import Workbook, load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from api.menu_files.columns import BY_NAME, SHEETS, Uncalculated
from api.menu_files.reading import ROWS_MAX, CellProblem, Read, Rows, read_sheets
from api.menu_files.writing import rows_of
from pricing.menu import Menu

UNPACKED_BYTES_MAX = 60_000_000
ENTRIES_MAX = 500
CHUNK_BYTES = 1 << 16
MERGES_MAX = 50
COLUMNS_MAX = 64
MADE = datetime.datetime(2026, 1, 1)
"""The date in the file: the same menu gives the same bytes."""

_MERGE = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z]{1,3}\d{1,7}(?::[A-Z]{1,3}\d{1,7})?)"')

_FORMULA = re.compile(rb"<(?:\w{1,9}:)?f[\s/>]")


class NotAWorkbook(Exception):
    """The bytes are no .xlsx, or one that nobody should open; the text says why."""


def write_xlsx(menu: Menu) -> bytes:
    """The menu as a workbook: headers frozen, prices as numbers."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    book.set_properties({"created": MADE})
    bold, amount, text = (
        book.add_format({"bold": True}),
        book.add_format({"num_format": "0.00"}),
        book.add_format({"num_format": "@"}),
    )
    sheets = rows_of(menu)
    for sheet in SHEETS:
        page = book.add_worksheet(sheet.name)
        page.freeze_panes(1, 0)
        for place, column in enumerate(sheet.columns):
            page.write_string(0, place, column.header, bold)
            page.set_column(place, place, 18, None if column.numeric else text)
        for number, row in enumerate(sheets.get(sheet.name, ()), 1):
            for place, cell in enumerate(row):
                if isinstance(cell, int | float):
                    page.write_number(number, place, cell, amount if isinstance(cell, float) else None)
                elif cell:
                    page.write_string(number, place, str(cell), text)
    book.close()
    return out.getvalue()


def read_xlsx(body: bytes) -> Read:
    """The menu of a workbook. Raises NotAWorkbook, TooManyRows."""
    _must_be_harmless(body)
    merged: list[CellProblem] = []
    try:
        with warnings.catch_warnings():
            # What openpyxl does not carry over (styles, validation) is not what we read.
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
            written: Workbook | None = None
            try:
                names = [name for name in book.sheetnames if name.strip().lower() in BY_NAME]
                if not names:
                    raise NotAWorkbook(f"it has none of the sheets {', '.join(BY_NAME)}")
                for name in names:
                    merged += _merged(name, body, book[name]._worksheet_path)
                if any(_has_formulas(body, book[name]._worksheet_path) for name in names):
                    written = load_workbook(io.BytesIO(body), read_only=True, keep_links=False)
                read = read_sheets((name.strip().lower(), _rows(book, written, name)) for name in names)
            finally:
                book.close()
                if written is not None:
                    written.close()
    except (
        InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        SyntaxError,
        OSError,
    ) as e:
        # openpyxl raises what its parsers raise; whichever it is, the file is not one that Excel wrote.
        raise NotAWorkbook(f"it cannot be read ({type(e).__name__})") from e
    if merged:
        covered = {(one.sheet.strip().lower(), row) for one in merged for row in _rows_of(one.value)}
        # All cells of a merge but one are empty: that is no fault of its own.
        others = [one for one in read.problems if one.value or (one.sheet, one.row) not in covered]
        read.problems, read.menu = [*merged, *others], None
    return read


def _rows(book: Workbook, written: Workbook | None, name: str) -> Rows:
    if written is None:
        return enumerate(_cells(book[name]), 1)
    pairs = zip(_cells(book[name]), _cells(written[name]), strict=False)
    return enumerate((_with_formulas(values, cells) for values, cells in pairs), 1)


def _cells(page: ReadOnlyWorksheet) -> Iterator[tuple[Any, ...]]:
    # A file may say that it has a million rows, or one: count those that come.
    page.reset_dimensions()
    return page.iter_rows(values_only=True, max_col=COLUMNS_MAX)  # type: ignore[no-any-return]


def _with_formulas(values: tuple[Any, ...], cells: tuple[Any, ...]) -> list[Any]:
    """What was calculated; where nothing was, the formula."""
    return [
        Uncalculated(getattr(cell, "text", cell)) if value is None and cell is not None else value
        for value, cell in zip(values, cells, strict=False)
    ]


def _has_formulas(body: bytes, path: str) -> bool:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        tail = b""
        for chunk in _chunks(archive, archive.getinfo(path)):
            if _FORMULA.search(tail + chunk):
                return True
            tail = chunk[-20:]
    return False


def _rows_of(ref: str) -> range:
    """``A2:B5`` → 2 to 5."""
    first, _, last = ref.partition(":")
    rows = [int(re.sub(r"\D", "", corner)) for corner in (first, last or first)]
    return range(rows[0], min(rows[1], ROWS_MAX) + 1)


def _must_be_harmless(body: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX:
                raise NotAWorkbook(f"it holds {len(entries)} files, at most {ENTRIES_MAX}")
            left = UNPACKED_BYTES_MAX
            for entry in entries:
                # What the directory says of sizes is the sender's word, so it is counted.
                tail = b""
                for chunk in _chunks(archive, entry):
                    left -= len(chunk)
                    if left < 0:
                        raise NotAWorkbook(f"it unpacks to more than {UNPACKED_BYTES_MAX} bytes")
                    if b"<!DOCTYPE" in tail + chunk:
                        raise NotAWorkbook("its XML has a document type")
                    tail = chunk[-len(b"<!DOCTYPE") :]
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ) as e:
        raise NotAWorkbook("it is no .xlsx (an .xls has to be saved as .xlsx)") from e


def _merged(sheet: str, body: bytes, path: str) -> Iterator[CellProblem]:
    """Cells that are merged: it cannot be known which rows their value is meant for."""
    found = 0
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        tail = b""
        for chunk in _chunks(archive, archive.getinfo(path)):
            window = tail + chunk
            end = 0
            for match in _MERGE.finditer(window):
                end = match.end()
                found += 1
                if found > MERGES_MAX:
                    return
                ref = match[1].decode()
                row = _rows_of(ref).start
                problem = "these cells are merged; write the value into each row"
                yield CellProblem(sheet=sheet, row=row, column="", problem=problem, value=ref)
            tail = window[max(end, len(window) - 200) :]


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(entry) as opened:
        while chunk := opened.read(CHUNK_BYTES):
            yield chunk
