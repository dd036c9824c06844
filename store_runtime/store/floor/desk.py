"""The store's tables: put, changed, removed; and what they tell."""

from __future__ import annotations

from collections.abc import Iterator

from actors.entity import Decision, answers, decides, evolves, reacts
from actors.turn import Turn
from actors.words import Send
from store_runtime.store.books import Desk
from store_runtime.store.events import SettingsChanged
from store_runtime.store.floor.commands import TABLES_MAX, GetFloor, NoteTable, PutTable, RemoveTable
from store_runtime.store.floor.events import TableNoted, TablePut, TableRemoved
from store_runtime.store.floor.projections import (
    FloorTableView,
    FloorView,
    floor_table_view,
    floor_view,
    terms_of,
)
from store_runtime.store.floor.rejections import FloorFull, TableOccupied
from store_runtime.store.floor.state import FloorTable
from store_runtime.store.rejections import InvalidField
from store_runtime.store.state import StoreBooks
from store_runtime.table.commands import ConfigureTable
from store_runtime.table.rejections import TableNotFound


class FloorDesk(Desk):
    """Knows every table of the store."""

    @decides(PutTable)
    def put_table(self, store: StoreBooks, cmd: PutTable, turn: Turn) -> Decision[FloorTableView]:
        """A new table, or new terms of one that was there; sessions that are open keep theirs."""
        self.must_exist(store)
        InvalidField.check(cmd)
        tables = store.floor.tables
        table = tables.get(cmd.table_id)
        if table is None and len(tables) >= TABLES_MAX:
            raise FloorFull(tables_max=TABLES_MAX)
        if table is None or table.plan != cmd.plan:
            yield TablePut(table_id=cmd.table_id, plan=cmd.plan, by=cmd.by)
        put = FloorTable(plan=cmd.plan, note=None if table is None else table.note)
        return floor_table_view(cmd.table_id, put, store.settings)

    @decides(RemoveTable)
    def remove_table(self, store: StoreBooks, cmd: RemoveTable, turn: Turn) -> Decision[None]:
        """Only a free one. One that was taken a moment ago refuses guests from then on, and is cleared as ever."""
        self.must_exist(store)
        table = store.floor.tables.get(cmd.table_id)
        if table is None:
            raise TableNotFound()
        if table.phase != "free":
            raise TableOccupied(phase=table.phase)
        yield TableRemoved(table_id=cmd.table_id, plan=table.plan, by=cmd.by)

    @decides(NoteTable)
    def note_table(self, store: StoreBooks, cmd: NoteTable, turn: Turn) -> Decision[None]:
        """What is newer than what it told before."""
        table = store.floor.tables.get(cmd.table_id)
        if table is not None and (table.note is None or table.note.seq < cmd.seq):
            yield TableNoted(note=cmd)

    @answers(GetFloor)
    def show_floor(self, store: StoreBooks, query: GetFloor, at: int) -> FloorView:
        """All tables."""
        self.must_exist(store)
        return floor_view(store.floor, store.settings)

    # --- tables hear of their terms --------------------------------------------------------------------

    @reacts(TablePut)
    def configure(self, store: StoreBooks, e: TablePut, turn: Turn) -> Iterator[Send]:
        """The table has its terms."""
        yield self._configure(store, e.table_id, store.floor.tables[e.table_id])

    @reacts(TableRemoved)
    def unconfigure(self, store: StoreBooks, e: TableRemoved, turn: Turn) -> Iterator[Send]:
        """The table knows that it is gone."""
        yield self._configure(store, e.table_id, FloorTable(plan=e.plan), removed=True)

    @reacts(SettingsChanged)
    def configure_all(self, store: StoreBooks, e: SettingsChanged, turn: Turn) -> Iterator[Send]:
        """The store's policies are every table's that has none of its own."""
        for table_id, table in store.floor.tables.items():
            yield self._configure(store, table_id, table)

    def _configure(
        self, store: StoreBooks, table_id: str, table: FloorTable, *, removed: bool = False
    ) -> Send:
        terms = terms_of(table, store.settings)
        command = ConfigureTable(version=store.floor.version, terms=terms, removed=removed)
        return Send(to=f"table/{self.id}.{table_id}", command=command, step=f"table.{table_id}")

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(TablePut)
    def on_table_put(self, store: StoreBooks, e: TablePut, at: int) -> None:
        floor = store.floor
        floor.version += 1
        table = floor.tables.get(e.table_id)
        if table is None:
            floor.tables[e.table_id] = FloorTable(plan=e.plan)
        else:
            table.plan = e.plan

    @evolves(TableRemoved)
    def on_table_removed(self, store: StoreBooks, e: TableRemoved, at: int) -> None:
        store.floor.version += 1
        del store.floor.tables[e.table_id]

    @evolves(TableNoted)
    def on_table_noted(self, store: StoreBooks, e: TableNoted, at: int) -> None:
        store.floor.tables[e.note.table_id].note = e.note
