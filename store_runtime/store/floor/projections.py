"""What a floor shows."""

from __future__ import annotations

import msgspec

from store_runtime.store.floor.state import Floor, FloorTable
from store_runtime.store.state import Settings
from store_runtime.table.projections import SittingView
from store_runtime.table.terms import TableTerms


class FloorTableView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table of the floor with the policies that hold at it."""

    table_id: str
    name: str
    seats: int
    phase: str
    join_policy: str
    pay_mode: str
    area: str = ""
    room: bool = False
    shared: bool = False
    waiting: int = 0
    sessions: tuple[SittingView, ...] = ()


class FloorView(msgspec.Struct, frozen=True, kw_only=True):
    """All tables of a store."""

    items: list[FloorTableView]


def terms_of(table: FloorTable, settings: Settings) -> TableTerms:
    """The table's plan, with the store's settings where it has none of its own."""
    plan = table.plan
    return TableTerms(
        name=plan.name,
        area=plan.area,
        room=plan.room,
        seats=plan.seats,
        join_policy=plan.join_policy or settings.join_policy,  # type: ignore[arg-type]
        pay_mode=plan.pay_mode or settings.pay_mode,  # type: ignore[arg-type]
        shared=plan.shared,
        order_hold_s=settings.order_hold_s,
        grace_s=settings.grace_s,
        clearing_s=plan.clearing_s,
        bill=plan.bill,
        zone_offsets=settings.zone_offsets,
        cutoff=settings.cutoff,
    )


def floor_table_view(table_id: str, table: FloorTable, settings: Settings) -> FloorTableView:
    """One table."""
    terms = terms_of(table, settings)
    note = table.note
    return FloorTableView(
        table_id=table_id,
        name=terms.name,
        seats=terms.seats,
        phase=table.phase,
        join_policy=terms.join_policy,
        pay_mode=terms.pay_mode,
        area=terms.area,
        room=terms.room,
        shared=terms.shared,
        waiting=0 if note is None else note.waiting,
        sessions=() if note is None else note.sessions,
    )


def floor_view(floor: Floor, settings: Settings) -> FloorView:
    """All tables."""
    return FloorView(items=[floor_table_view(key, table, settings) for key, table in floor.tables.items()])
