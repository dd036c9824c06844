"""The menu as a file: import with a report and a dry run, export that imports again (A2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import msgspec

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.menu_files.csv_file import NotText, read_csv, write_csv
from api.menu_files.diff import MenuDiff, diff
from api.menu_files.json_file import read_json, write_json
from api.menu_files.reading import ROWS_MAX, CellProblem, Read, TooManyRows
from api.menu_files.rejections import ImportInvalid, ImportUnreadable
from api.menu_files.xlsx import NotAWorkbook, read_xlsx, write_xlsx
from api.operations import Answer, Table
from api.problems import Problem
from pricing.menu import Menu
from store_runtime.store.menu.commands import GetDraft, GetMenuSince, SaveDraft
from store_runtime.store.menu.projections import DraftView, MenuSince
from store_runtime.store.rejections import InvalidField, StoreNotFound

table = Table("Menu, stock, settings")

CHANGE = store_staff("menu.change")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
JSON = "application/json"

READERS: dict[str, Callable[[bytes], Read]] = {XLSX: read_xlsx, CSV: read_csv, JSON: read_json}

WAIT_S = 5.0
"""One file at a time on a silo, so that they never take the processor from the guests; the next one waits so long."""

T = TypeVar("T")


class ImportQuery(msgspec.Struct):
    """``dry_run``: only say what would change."""

    dry_run: bool = False


class ExportQuery(msgspec.Struct):
    """``draft``: the draft instead of the published menu."""

    draft: bool = False


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds, and what it changes of the published menu.

    ``imported``: it is the draft now. ``problems`` only after a dry run: without one they are a 422. ``diff`` is null
    as long as there are problems.
    """

    imported: bool
    rows: int
    problems: list[CellProblem]
    diff: MenuDiff | None


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/menu/import",
    audience=CHANGE,
    file=tuple(READERS),
    query=ImportQuery,
    answers={200: ImportReport},
    problems=[StoreNotFound, InvalidField, ImportUnreadable, ImportInvalid],
    headers={"Content-Type": "What the file is: .xlsx, text/csv, or JSON.", **WHO_HEADERS},
)
async def import_menu(call: Call) -> Answer:
    """Import a menu from a file.

    The whole file becomes the draft, or nothing of it. What the file leaves out is off the menu once it is
    published; the report says what changes against the published menu.
    """
    store = f"store/{call.params['store_id']}"
    published = await call.ask(store, GetMenuSince(), MenuSince)
    read = await _apart(call, lambda: _read(call))
    dry_run = call.query.dry_run
    if read.problems and not dry_run:
        raise ImportInvalid(problems=read.problems)
    change = None
    if read.menu is not None:
        change = diff(published.menu or Menu(), read.menu)
        if not dry_run:
            await call.tell(store, SaveDraft(menu=read.menu, by=who(call)), DraftView)
    report = ImportReport(
        imported=read.menu is not None and not dry_run,
        rows=read.rows,
        problems=read.problems,
        diff=change,
    )
    return Answer(200, report)


def _read(call: Call) -> Read:
    sent = call.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    reader = READERS.get(sent)
    if reader is None:
        raise InvalidField(path="header.Content-Type", problem=f"one of {', '.join(READERS)}")
    try:
        return reader(call.body)
    except NotAWorkbook as wrong:
        raise ImportUnreadable(reason=str(wrong)) from wrong
    except NotText as wrong:
        raise ImportUnreadable(reason="it is no text in UTF-8 or GB 18030") from wrong
    except TooManyRows as wrong:
        raise ImportUnreadable(reason=f"it has more than {ROWS_MAX} rows") from wrong


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/export.xlsx",
    audience=CHANGE,
    query=ExportQuery,
    answers={200: str},
    problems=[StoreNotFound],
)
async def export_xlsx(call: Call) -> Answer:
    """The menu as a workbook."""
    return await _exported(call, XLSX, "xlsx", write_xlsx)


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/export.csv",
    audience=CHANGE,
    query=ExportQuery,
    answers={200: str},
    problems=[StoreNotFound],
)
async def export_csv(call: Call) -> Answer:
    """The menu as one table."""
    return await _exported(call, f"{CSV}; charset=utf-8", "csv", write_csv)


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/menu/export.json",
    audience=CHANGE,
    query=ExportQuery,
    answers={200: Menu},
    problems=[StoreNotFound],
)
async def export_json(call: Call) -> Answer:
    """The menu as PUT …/menu/draft takes it."""
    return await _exported(call, JSON, "json", write_json)


async def _exported(call: Call, content_type: str, suffix: str, write: Callable[[Menu], bytes]) -> Answer:
    store_id = call.params["store_id"]
    if call.query.draft:
        menu = (await call.ask(f"store/{store_id}", GetDraft(), DraftView)).menu
    else:
        menu = (await call.ask(f"store/{store_id}", GetMenuSince(), MenuSince)).menu or Menu()
    body = await _apart(call, lambda: write(menu))
    disposition = f'attachment; filename="menu-{store_id}.{suffix}"'.encode()
    return Answer(200, body, ((b"content-disposition", disposition),), content_type.encode())


async def _apart(call: Call, work: Callable[[], T]) -> T:
    """Work that takes its time, beside the silo's loop; one after the other. Raises Problem (503) after WAIT_S."""
    turn = call.door.file_turn
    try:
        async with asyncio.timeout(WAIT_S):
            await turn.acquire()
    except TimeoutError:
        raise Problem(503, "overloaded", "Other files are being read.") from None
    try:
        return await asyncio.to_thread(work)
    finally:
        turn.release()
