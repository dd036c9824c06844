"""A long full collection happens once over the same objects."""

from __future__ import annotations

import gc

from actors.collecting import ShortCollections


def test_what_outlived_a_long_collection_is_not_looked_through_again() -> None:
    """Set apart after the first; garbage in a cycle that comes later is still found."""
    with ShortCollections(pause_s=0.0) as collections:
        before = gc.get_freeze_count()
        kept = [[number] for number in range(10_000)]
        gc.collect()
        set_apart = gc.get_freeze_count() - before

        cycle: list[object] = []
        cycle.append(cycle)
        del cycle

        assert set_apart >= 10_000
        assert collections.frozen == 1
        assert gc.collect() >= 1
        assert len(kept) == 10_000


def test_short_collections_are_left_alone() -> None:
    """Nothing is set apart that might be garbage later."""
    with ShortCollections(pause_s=60.0) as collections:
        gc.collect()

        assert collections.frozen == 0
