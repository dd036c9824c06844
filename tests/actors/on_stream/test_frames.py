"""A stream has no borders: frames come whole however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.on_stream.frames import Frames, FrameTooLarge, framed


@given(st.lists(st.binary(max_size=300), max_size=6), st.lists(st.integers(1, 50), min_size=1, max_size=60))
def test_any_cut_gives_the_same_frames(bodies: list[bytes], cuts: list[int]) -> None:
    """Every frame once, in order, whatever the sizes of the reads."""
    stream = b"".join(framed(body) for body in bodies)
    frames, got, at, turn = Frames(limit=300), [], 0, 0
    while at < len(stream):
        size = cuts[turn % len(cuts)]
        got += list(frames.feed(stream[at : at + size]))
        at, turn = at + size, turn + 1

    assert got == bodies


@given(st.binary(max_size=50), st.integers(0, 49))
def test_a_frame_above_the_limit_is_refused_at_its_head(body: bytes, limit: int) -> None:
    """The announced size is enough; what it announces is not waited for."""
    frames = Frames(limit)
    if len(body) <= limit:
        assert list(frames.feed(framed(body))) == [body]
        return
    with pytest.raises(FrameTooLarge):
        list(frames.feed(framed(body)[:4]))


def test_the_limit_may_change_between_two_frames_of_one_read() -> None:
    """A proof and the first batch may come together."""
    frames = Frames(limit=3)
    got = []
    for body in frames.feed(framed(b"abc") + framed(b"a longer one")):
        got.append(body)
        frames.limit = 100

    assert got == [b"abc", b"a longer one"]
