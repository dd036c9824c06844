"""What is true of a floor."""

from __future__ import annotations

from actors.words import Event
from store_runtime.by import By
from store_runtime.store.floor.commands import NoteTable, TablePlan


class TablePut(Event, frozen=True, kw_only=True):
    """The table is there, with this plan."""

    table_id: str
    plan: TablePlan
    by: By | None = None


class TableRemoved(Event, frozen=True, kw_only=True):
    """The table is no longer there; ``plan`` is what it was."""

    table_id: str
    plan: TablePlan
    by: By | None = None


class WishNoted(Event, frozen=True, kw_only=True):
    """A party's cart wants this of what is scarce; ``keys``: that, and what it wanted before."""

    session_id: str
    label: str
    seq: int
    wishes: dict[str, int]
    keys: tuple[str, ...]


class TableNoted(Event, frozen=True, kw_only=True):
    """A table stands so."""

    note: NoteTable
