"""What a store remembers of its floor."""

from __future__ import annotations

import msgspec

from store_runtime.store.floor.commands import NoteTable, TablePlan


class FloorTable(msgspec.Struct, kw_only=True):
    """A table and what it last told of itself."""

    plan: TablePlan
    note: NoteTable | None = None

    @property
    def phase(self) -> str:
        """As it last told; a table that never told anything is free."""
        return "free" if self.note is None else self.note.phase


class Wish(msgspec.Struct, kw_only=True):
    """What a party's cart wants of dishes of which little is left."""

    label: str
    seq: int
    wishes: dict[str, int]


class Floor(msgspec.Struct, kw_only=True):
    """All tables. ``version`` grows with every change of anybody's terms.

    ``wishes``: session → what its cart wants of what is scarce; ``wish_changes`` counts what was heard of that.
    """

    version: int = 0
    tables: dict[str, FloorTable] = {}
    wishes: dict[str, Wish] = {}
    wish_changes: int = 0
