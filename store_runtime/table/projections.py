"""What a table shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

from typing import Literal

import msgspec

from store_runtime.table.state import TableState
from store_runtime.table_session.commands import OpenSession
from store_runtime.table_session.moving.commands import TableReserved

Outcome = Literal["opened", "joined", "waiting", "pin_wrong"]


class ScanAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a scan, or of staff opening the table.

    With ``opened`` whoever asked can tell ``table-session/{session_id}`` the same ``opening`` under the derived id
    ``derived_id(command_id, "open")``; with ``joined`` the guest still has to join that session. ``waiting``: staff
    have been told.
    """

    outcome: Outcome
    session_id: str = ""
    opening: OpenSession | None = None


class Received(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session sits here now. Whoever asked can tell it so, under ``derived_id(command_id, "received")``."""

    reserved: TableReserved


class SittingView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A party at the table."""

    session_id: str
    label: str
    state: str
    party_size: int
    guests: int
    opened_at: int
    due_fen: int = 0
    calls: tuple[str, ...] = ()


class TableView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table as staff see it. ``rotation`` is the code's, 0 when it is revoked; ``pin`` lets guests in."""

    store_id: str
    table_id: str
    name: str
    area: str
    seats: int
    phase: str
    rotation: int
    shared: bool = False
    room: bool = False
    pin: str = ""
    waiting: int = 0
    sessions: tuple[SittingView, ...] = ()


def sitting_views(table: TableState) -> tuple[SittingView, ...]:
    """The parties at the table, in the order in which they came."""
    return tuple(
        SittingView(
            session_id=session_id,
            label=sitting.label,
            state=sitting.state,
            party_size=sitting.party_size,
            guests=sitting.guests,
            opened_at=sitting.opened_at,
            due_fen=sitting.due_fen,
            calls=sitting.calls,
        )
        for session_id, sitting in table.sittings.items()
    )


def table_view(table: TableState, key: str) -> TableView:
    """The table as it stands; ``key`` is ``<store_id>.<table_id>``."""
    store_id, _, table_id = key.rpartition(".")
    terms = table.terms
    return TableView(
        store_id=store_id,
        table_id=table_id,
        name=terms.name,
        area=terms.area,
        seats=terms.seats,
        phase=table.phase,
        rotation=0 if table.revoked else table.rotation,
        shared=terms.shared,
        room=terms.room,
        pin=table.pin,
        waiting=len(table.waiting),
        sessions=sitting_views(table),
    )
