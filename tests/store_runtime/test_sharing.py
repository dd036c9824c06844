"""Equal values are held once, in a session that was read again too."""

from __future__ import annotations

import msgspec
import pytest

from store_runtime.sharing import shared, shared_counts
from store_runtime.store.orders.commands import LinesPlaced
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.table_session.commands import SubmitRound
from store_runtime.table_session.state import Session
from tests.store_runtime.tables import PRICES, SESSION, add, edit, party


def dined() -> Session:
    """A table of two that had duck and tofu, as it is after it was stored."""
    table = party("ann", "bob")
    edit(table, "ann", add("1", "duck"), add("2", "tofu"))
    assert table.when(SubmitRound(seen_seq=table.state.live.seq, user_id="ann")).accepted
    lines = tuple(
        PlacedLine(
            line_id=f"{SESSION}.l{number}",
            dish_id=dish,
            name=f"{dish} 烤",
            quantity=1,
            unit_price_fen=PRICES[dish],
        )
        for number, dish in enumerate(("duck", "tofu"), 1)
    )
    placed = LinesPlaced(placed=PlacedLines(batch=1, menu_version=1, lines=lines), fired=True)
    assert table.when(placed).accepted
    return msgspec.msgpack.decode(msgspec.msgpack.encode(table.state), type=Session)


def test_T5_what_two_tables_ordered_alike_is_in_memory_once() -> None:
    """Names, prices, selections and counts; and within a table the ids of lines."""
    here, there = dined(), dined()

    for key, line in here.ordered.items():
        same, billed = there.ordered[key], here.bill.lines[key]
        assert line.placed is not None
        assert same.placed is not None
        assert line.placed.name is same.placed.name is billed.name
        assert line.placed.unit_price_fen is billed.unit_price_fen
        assert line.selection is same.selection
        assert line.counts is same.counts
        assert key is line.placed.line_id is billed.line_id
    assert all(line_id in {id(key) for key in here.ordered} for line_id in map(id, here.rounds[1].lines))


def test_T3_shared_counts_cannot_be_changed() -> None:
    """Nobody changes what another table holds too; they are stored like any other."""
    counts = shared_counts({"g1": 2})

    assert counts is shared_counts({"g1": 2})
    assert counts == {"g1": 2}
    assert msgspec.msgpack.encode(counts) == msgspec.msgpack.encode({"g1": 2})
    for change in (
        lambda: counts.__setitem__("g1", 3),
        lambda: counts.__delitem__("g1"),
        lambda: counts.update({"g2": 1}),
        lambda: counts.setdefault("g2", 1),
        lambda: counts.pop("g1"),
        counts.popitem,
        counts.clear,
    ):
        with pytest.raises(TypeError):
            change()
    assert counts == {"g1": 2}


def test_values_of_different_types_are_not_the_same() -> None:
    """1, True and 1.0 are equal, and are still three things."""
    assert [type(shared(one)) for one in (1, True, 1.0)] == [int, bool, float]
