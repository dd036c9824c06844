"""The measurement of tables runs, in small; every session that it weighs has all its guests and lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.testing.local import memory_stores
from loadtests import tables
from loadtests.stores import file_stores
from store_runtime.table_session.commands import GetSession
from store_runtime.table_session.projections import SessionView

pytestmark = pytest.mark.anyio


async def test_tables_are_measured(tmp_path: Path) -> None:
    """Each is seated, forgotten, and brought back from the journal and from its snapshot."""
    result = await tables.many_tables(file_stores(tmp_path), "file", 3)

    assert (result.tables, result.lines) == (3, 40)
    assert result.bytes_per_session > result.state_bytes > 0
    assert result.snapshot_bytes > 0
    assert min(result.journal_own_ms, result.snapshot_own_ms) > 0


async def test_every_table_has_eight_guests_forty_lines_and_a_bill() -> None:
    """What is weighed is a table in the middle of a meal."""
    silo = await tables.start(memory_stores())

    sessions = await tables.full_house(silo, 2)

    for session in sessions:
        view = await tables.tell(silo, session, GetSession(), SessionView)
        assert len(view.guests) == 8
        assert [(one.state, len(one.lines)) for one in view.rounds] == [
            ("fired", 20),
            ("fired", 12),
            ("fired", 8),
        ]
        assert view.bill is not None
        assert view.bill.total_fen > 0
    await tables.end(silo)
