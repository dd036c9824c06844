"""A key map is a plain dict of lists, whatever its size and however the hashes fall."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from actors import keymap
from actors.keymap import KeyMap, key_hash

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(0, 500)), max_size=300)


def crowded(key: int) -> int:
    """A hash with few different marks, all in two tables: every run is long."""
    return ((key % 7) << 32 | key % 2) + (key // 14 << 40)


@settings(deadline=None)
@given(STEPS, st.integers(0, 20))
def test_a_key_map_is_a_dict_under_any_order_of_adding_and_removing(
    steps: list[tuple[bool, int, int]], small_max: int
) -> None:
    """What was added and not removed is found, and nothing under a hash that has none."""
    plain: dict[int, list[int]] = {}
    with patch.object(keymap, "SMALL_MAX", small_max):
        tried = KeyMap()
        for adds, key, number in steps:
            if adds:
                tried.add(crowded(key), number)
                plain.setdefault(key, []).append(number)
            elif plain.get(key):
                tried.remove(crowded(key), plain[key].pop())
    for key in range(41):
        # The owner compares keys; what a look-up must give are all numbers of this one.
        found = sorted(tried.find(crowded(key)))
        alike = [number for other, numbers in plain.items() if same_mark(other, key) for number in numbers]
        assert found in (sorted(plain.get(key, [])), sorted(alike))


def same_mark(one: int, other: int) -> bool:
    """Candidates may be false when table and mark are the same."""
    return (crowded(one) & 0xFF, crowded(one) >> 32) == (crowded(other) & 0xFF, crowded(other) >> 32)


def test_a_key_map_finds_each_of_many() -> None:
    """Past the dict, past several growths of every table."""
    tried = KeyMap()
    for number in range(30_000):
        tried.add(key_hash(number.to_bytes(8, "big")), number)

    for number in range(0, 30_000, 7):
        assert number in tried.find(key_hash(number.to_bytes(8, "big")))
    assert tried.find(key_hash(b"nobody")) == ()
