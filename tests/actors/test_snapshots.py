"""A snapshot is the memory it was made of, in any number of parts; damage and newer forms are told."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import snapshots
from actors.codec import CommandRecord, SendRecord, Unreadable, encode
from actors.entity_memory import EntityMemory
from actors.snapshots import Image, Manifest, decode_state, digests, join
from tests.actors.counter_shop import Bought, GivenBack, Shelf, Shop


def remembered_shop(steps: list[tuple[int, int]]) -> EntityMemory:
    memory = EntityMemory(Shop.type, "shop/a")
    for number, (quantity, at) in enumerate(steps):
        event = Bought(quantity=quantity) if quantity % 2 else GivenBack(quantity=quantity)
        memory.apply(event, at)
        memory.remember(CommandRecord(number.to_bytes(16, "big"), b"d", 0, b"a"), memory.last_at, memory.seq)
        if quantity % 3 == 0:
            memory.owe(SendRecord(number.to_bytes(16, "big"), "till/t", "RingUp", b""), memory.last_at)
    return memory


def restored(manifest: Manifest, parts: Mapping[bytes, bytes]) -> EntityMemory:
    """A memory from all parts of a snapshot."""
    memory = EntityMemory(Shop.type, "shop/a")
    raws = [parts[part.digest] for part in manifest.parts]
    memory.restore_head(manifest, raws[: manifest.head])
    for number in range(manifest.head, len(raws)):
        for _ in memory.restore_part(manifest, number, raws[number]):
            pass
    return memory


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10**9)), max_size=30), st.integers(20, 400))
def test_G8_a_snapshot_gives_back_the_memory(steps: list[tuple[int, int]], part_bytes: int) -> None:
    """State, sequence, answers and sends, whatever the size of its parts."""
    memory = remembered_shop(steps)
    whole = snapshots.PART_BYTES_MAX
    snapshots.PART_BYTES_MAX = part_bytes
    try:
        manifest, parts = memory.cut()
    finally:
        snapshots.PART_BYTES_MAX = whole
    again = restored(manifest, parts)

    assert parts.keys() == digests(manifest)
    assert again.state == memory.state
    assert (again.seq, again.last_at) == (memory.seq, memory.last_at)
    assert list(again.remembered.records()) == list(memory.remembered.records())
    assert again.sends == memory.sends


def test_G9_a_state_of_version_1_is_read_through_its_upcaster() -> None:
    """``stock`` of version 1 is ``left`` of version 2."""
    image = Image(seq=1, last_at=1, state_version=1, state=encode({"stock": 4}), remembered=[], sends=[])
    assert decode_state(image, Shop.type) == Shelf(left=4)


@pytest.mark.parametrize("version", [0, 3])
def test_G9_a_state_of_an_unknown_version_is_unreadable(version: int) -> None:
    """A newer one, and one without an upcaster: the journal serves instead."""
    image = Image(seq=1, last_at=1, state_version=version, state=encode({}), remembered=[], sends=[])
    with pytest.raises(Unreadable):
        decode_state(image, Shop.type)


def test_a_damaged_or_newer_snapshot_is_unreadable() -> None:
    """One flipped bit, or a format from the future."""
    manifest, parts = remembered_shop([(1, 1)]).cut()
    (whole,) = parts.values()
    damaged = bytes([whole[0] ^ 1]) + whole[1:]
    newer: Manifest = msgspec.structs.replace(manifest, format=manifest.format + 1)

    with pytest.raises(Unreadable, match="damaged"):
        join(manifest, [damaged])
    with pytest.raises(Unreadable, match="newer"):
        join(newer, [whole])


def test_G4_answers_are_forgotten_by_time_and_never_by_count() -> None:
    """After 24 hours of event time, and not before."""
    hour = 3_600_000
    memory = EntityMemory(Shop.type, "shop/a")
    for number in range(30):
        memory.apply(Bought(quantity=0), number * hour)
        memory.remember(CommandRecord(bytes([number]), b"", 0, b""), memory.last_at, memory.seq)

    assert [command_id[0] for command_id in memory.remembered] == list(range(5, 30))
