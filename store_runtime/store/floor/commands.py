"""What can be asked of a store's floor."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from flash_sale.commands import Name
from pricing.facts import BillTerms
from store_runtime.by import By
from store_runtime.store.commands import JoinPolicy, PayMode
from store_runtime.table.projections import SittingView
from store_runtime.texts import END, ONE_LINE

TABLES_MAX = 500

TableId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,32}" + END)]
"""Without a dot: a table's entity is ``<store_id>.<table_id>``."""

Area = Annotated[str, Meta(max_length=64, pattern=ONE_LINE)]
Seats = Annotated[int, Meta(ge=1, le=500)]
ClearingS = Annotated[int, Meta(ge=0, le=86_400)]


class TablePlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table as the store has set it up; a policy that is None is the store's setting."""

    name: Name
    area: Area = ""
    room: bool = False
    seats: Seats = 4
    join_policy: JoinPolicy | None = None
    pay_mode: PayMode | None = None
    shared: bool = False
    clearing_s: ClearingS = 0
    bill: BillTerms = BillTerms()


class PutTable(Command, frozen=True, kw_only=True):
    """A table is there, or is changed. Answered with a FloorTableView."""

    table_id: TableId
    plan: TablePlan
    by: By | None = None


class RemoveTable(Command, frozen=True, kw_only=True):
    """A free table is no longer there."""

    table_id: str
    by: By | None = None


class NoteTable(Command, frozen=True, kw_only=True):
    """A table tells how it stands. ``seq`` grows; an older note that comes late is known as such."""

    table_id: str
    seq: int
    phase: str
    waiting: int = 0
    sessions: tuple[SittingView, ...] = ()


class NoteWish(Command, frozen=True, kw_only=True):
    """A party's cart wants dishes of which little is left: stock key → how many. It replaces what it said before.

    News, and no claim: a cart holds no stock. ``seq`` grows.
    """

    session_id: str
    label: str
    seq: int
    wishes: dict[str, int]


class GetFloor(Query, frozen=True, kw_only=True):
    """All tables, in the order in which they were put: FloorView."""
