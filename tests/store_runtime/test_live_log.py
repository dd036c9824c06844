"""The live log (T2, X1): gap-free, bounded, and as good after it was stored as before."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from store_runtime.live import KEPT_MAX, PACK_FROM_BYTES, PACKED_BYTES_MAX, LiveLog
from tests.store_runtime.tables import add, edit, party


def stored(log: LiveLog) -> LiveLog:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(log), type=LiveLog)


@given(
    sizes=st.lists(st.integers(0, 3_000), max_size=120),
    reloads=st.sets(st.integers(0, 120)),
    back=st.integers(-2, 130),
)
def test_X1_a_delta_is_gap_free_or_a_reset(sizes: list[int], reloads: set[int], back: int) -> None:
    """Whatever the events, and whenever it was stored and read again."""
    log = LiveLog()
    for number, size in enumerate(sizes, 1):
        log.add("said", number, words="x" * size)
        if number in reloads:
            log = stored(log)

    delta = log.since(log.seq - back)

    assert log.seq == delta.seq == len(sizes)
    if 0 <= back <= log.count:
        assert not delta.reset
        assert [one.seq for one in delta.events] == list(range(log.seq - back + 1, log.seq + 1))
        assert [len(one.data["words"]) for one in delta.events] == sizes[len(sizes) - back :]
    else:
        assert delta.reset
        assert delta.events == []
    assert [one.seq for one in log.kept] == list(range(log.seq - log.count + 1, log.seq + 1))


def test_X1_old_events_are_let_go_of() -> None:
    """Small ones by their number, large ones by what they take: the bound holds all the time."""
    small, large = LiveLog(), LiveLog()
    for number in range(4 * KEPT_MAX):
        small.add("said", number)
        large.add("said", number, words="".join(map(str, range(number * 7, number * 7 + 300))))
        size_bytes = sum(len(pack.packed) for pack in large.packs)
        assert size_bytes <= PACKED_BYTES_MAX
        assert sum(map(len, large.rows)) < PACK_FROM_BYTES

    assert small.seq - small.count > 0
    assert large.seq - large.count > 0
    assert large.count > 0


def test_T2_a_phone_can_miss_64_events_of_a_cart() -> None:
    """Dishes with names, notes and prices in two languages, as they are put into a cart."""
    table = party("ann", "bob")
    for number in range(90):
        ops = edit(table, ("ann", "bob")[number % 2], add(f"op{number}", note=f"少辣 {number}"))
        assert ops[0].status == "accepted"
    live = table.state.live

    delta = live.since(live.seq - 64)

    assert not delta.reset
    assert [one.seq for one in delta.events] == list(range(live.seq - 63, live.seq + 1))
