"""Millions of keys to small numbers in some 20 bytes a key, without a long pause and without work for the collector.

The keys themselves are kept by whoever owns the numbers: a look-up names candidates, the owner compares. A dict of
as many ``bytes`` keys takes 130 bytes a key, and its growth stops the loop for tens of milliseconds.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import xxhash

SHARDS = 256
SMALL_MAX = 1_024
"""Up to here one plain dict serves; most entities stay below."""

TABLE_MIN = 16
NUMBER_BITS = 32
NUMBER_MASK = (1 << NUMBER_BITS) - 1


def key_hash(key: bytes) -> int:
    """64 bits of a key."""
    return xxhash.xxh3_64_intdigest(key)


class KeyMap:
    """Hash → numbers below 2^32 - 1. One hash may have several numbers; candidates may be false.

    Large: 256 tables with open addressing; an entry holds 32 bits of the hash and the number + 1. Each table grows by
    itself, so that no single ``add`` is long.
    """

    __slots__ = ("_counts", "_few", "_tables")

    def __init__(self) -> None:
        self._few: dict[int, int | list[int]] | None = {}
        self._tables: list[array[int]] = []
        self._counts: list[int] = []

    def add(self, hashed: int, number: int) -> None:
        """One more number under this hash."""
        few = self._few
        if few is not None:
            there = few.get(hashed)
            few[hashed] = number if there is None else [*_numbers(there), number]
            if len(few) > SMALL_MAX:
                self._spread(few)
            return
        shard = hashed & 0xFF
        table = self._tables[shard]
        self._counts[shard] = count = self._counts[shard] + 1
        if count * 4 > len(table) * 3:
            table = self._grow(shard, table)
        mask = len(table) - 1
        mark = hashed >> 32
        slot = mark & mask
        while table[slot]:
            slot = (slot + 1) & mask
        table[slot] = mark << NUMBER_BITS | (number + 1)

    def find(self, hashed: int) -> Sequence[int]:
        """Numbers whose key may have this hash."""
        if self._few is not None:
            there = self._few.get(hashed)
            return () if there is None else _numbers(there)
        table = self._tables[hashed & 0xFF]
        mark = hashed >> 32
        mask = len(table) - 1
        slot = mark & mask
        found: list[int] | None = None
        while entry := table[slot]:
            if entry >> NUMBER_BITS == mark:
                if found is None:
                    found = []
                found.append((entry & NUMBER_MASK) - 1)
            slot = (slot + 1) & mask
        return found or ()

    def remove(self, hashed: int, number: int) -> None:
        """Take one number away; it must be there."""
        if self._few is not None:
            rest = list(_numbers(self._few[hashed]))
            rest.remove(number)
            if rest:
                self._few[hashed] = rest
            else:
                del self._few[hashed]
            return
        shard = hashed & 0xFF
        table = self._tables[shard]
        mask = len(table) - 1
        entry = (hashed >> 32 << NUMBER_BITS) | (number + 1)
        slot = (hashed >> 32) & mask
        while table[slot] != entry:
            assert table[slot], "only what is there is removed"
            slot = (slot + 1) & mask
        self._counts[shard] -= 1
        self._close_gap(table, slot, mask)

    def _close_gap(self, table: array[int], gap: int, mask: int) -> None:
        """Move later entries of the run back, so that no look-up ends too early."""
        slot = gap
        while True:
            slot = (slot + 1) & mask
            entry = table[slot]
            if not entry:
                break
            home = (entry >> NUMBER_BITS) & mask
            if (slot - home) & mask >= (slot - gap) & mask:
                table[gap] = entry
                gap = slot
        table[gap] = 0

    def _spread(self, few: dict[int, int | list[int]]) -> None:
        self._few = None
        self._tables = [array("Q", bytes(8 * TABLE_MIN)) for _ in range(SHARDS)]
        self._counts = [0] * SHARDS
        for hashed, there in few.items():
            for number in _numbers(there):
                self.add(hashed, number)

    def _grow(self, shard: int, old: array[int]) -> array[int]:
        table = array("Q", bytes(16 * len(old)))
        self._tables[shard] = table
        mask = len(table) - 1
        for entry in old:
            if entry:
                slot = (entry >> NUMBER_BITS) & mask
                while table[slot]:
                    slot = (slot + 1) & mask
                table[slot] = entry
        return table


def _numbers(there: int | list[int]) -> Sequence[int]:
    return there if isinstance(there, list) else (there,)
