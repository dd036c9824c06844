"""TableCode (kind ``table-code``, id = the code's number): which table a printed code stands on (T1).

A token of 32 characters cannot carry the ids of store and table, so it carries a number under which they are kept.
Written when the code is made, and never changed; whether it still lets anybody in is the table's to say.
"""

from __future__ import annotations

import msgspec

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from actors.words import Command, Event, Query
from store_runtime.table.rejections import TableCodeNotFound


class NameCode(Command, frozen=True, kw_only=True):
    """The code stands on this table. Answered with a CodePlace."""

    store_id: str
    table_id: str
    rotation: int


class GetCode(Query, frozen=True, kw_only=True):
    """Where it stands: CodePlace."""


class CodeNamed(Event, frozen=True, kw_only=True):
    """It stands on this table."""

    store_id: str
    table_id: str
    rotation: int


class CodePlace(msgspec.Struct, kw_only=True):
    """A table, and which of its codes this is."""

    store_id: str = ""
    table_id: str = ""
    rotation: int = 0


class TableCode(Entity[CodePlace]):
    """One code."""

    kind = "table-code"

    def blank(self) -> CodePlace:
        return CodePlace()

    @decides(NameCode)
    def name(self, code: CodePlace, cmd: NameCode, turn: Turn) -> Decision[CodePlace]:
        """Once; its number follows from what it names, so a second time says the same."""
        if not code.rotation:
            yield CodeNamed(store_id=cmd.store_id, table_id=cmd.table_id, rotation=cmd.rotation)
        return CodePlace(store_id=cmd.store_id, table_id=cmd.table_id, rotation=cmd.rotation)

    @evolves(CodeNamed)
    def on_named(self, code: CodePlace, e: CodeNamed, at: int) -> None:
        code.store_id, code.table_id, code.rotation = e.store_id, e.table_id, e.rotation

    @answers(GetCode)
    def show(self, code: CodePlace, query: GetCode, at: int) -> CodePlace:
        """Where it stands."""
        if not code.rotation:
            raise TableCodeNotFound()
        return code
