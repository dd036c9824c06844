"""Why a file is not taken as a menu."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from api.menu_files.reading import CellProblem


class ImportUnreadable(Rejection):
    """This file cannot be read as a menu.

    ``reason`` says what it is not.
    """

    status: ClassVar[int] = 422
    hint: ClassVar[str] = "GET …/menu/export.xlsx gives a file to begin from."

    reason: str


class ImportInvalid(Rejection):
    """Some cells of this file are wrong; nothing was imported.

    ``problems`` names each by sheet, row, column and value.
    """

    status: ClassVar[int] = 422
    hint: ClassVar[str] = "Correct them and send the whole file again; dry_run=true shows what would change."

    problems: list[CellProblem]
