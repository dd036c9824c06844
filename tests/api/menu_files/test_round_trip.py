"""A2: a menu that is exported and imported again is the same menu, in every form."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings

from api.menu_files.columns import SHEETS
from api.menu_files.csv_file import read_csv, write_csv
from api.menu_files.diff import MenuDiff, diff
from api.menu_files.json_file import read_json, write_json
from api.menu_files.reading import Read
from api.menu_files.xlsx import read_xlsx, write_xlsx
from pricing.menu import Menu
from tests.api.menu_files.menus import menus

NOTHING = MenuDiff(added=[], changed=[], removed=[], moved=False)
CHILDREN = {"option_groups", "options", "slots", "choices"}


@pytest.mark.parametrize(
    ("write", "read"),
    [(write_xlsx, read_xlsx), (write_csv, read_csv), (write_json, read_json)],
    ids=["xlsx", "csv", "json"],
)
def test_A2_what_is_exported_imports_as_the_same_menu(
    write: Callable[[Menu], bytes], read: Callable[[bytes], Read]
) -> None:
    """Whatever people name their dishes; and the same menu gives the same bytes."""

    @settings(max_examples=60, deadline=None)
    @given(menu=menus())
    def goes_round(menu: Menu) -> None:
        written = write(menu)
        came = read(written)
        assert came.problems == []
        assert came.menu == menu
        assert diff(menu, came.menu) == NOTHING
        assert write(menu) == written

    goes_round()


def test_A2_every_field_of_a_menu_has_a_column() -> None:
    """A field that is added to the menu is added to its files, or it would be lost on the way."""
    for sheet in SHEETS:
        fields = {field.name for field in msgspec.structs.fields(sheet.row)} - CHILDREN
        assert {column.field for column in sheet.columns if column.field} == fields, sheet.name


@settings(max_examples=60, deadline=None)
@given(before=menus(), after=menus())
def test_A2_a_diff_is_empty_exactly_when_nothing_changes(before: Menu, after: Menu) -> None:
    """And what is added one way is removed the other."""
    there, back = diff(before, after), diff(after, before)

    assert diff(before, before) == NOTHING
    assert (there == NOTHING) == (before == after)
    assert {(one.entry, one.id) for one in there.added} == {(one.entry, one.id) for one in back.removed}
    assert len(there.changed) == len(back.changed)
