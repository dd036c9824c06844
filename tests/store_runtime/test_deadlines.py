"""The first of many moments is the first, whatever was set, moved and dropped."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from store_runtime.store.deadlines import Deadlines

CHANGES = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 20)), max_size=60)


@given(changes=CHANGES, at=st.integers(0, 20))
def test_the_first_moment_is_the_least_of_all(changes: list[tuple[str, int]], at: int) -> None:
    """Against a plain dict; also when it comes back from a snapshot; and what is dropped does not pile up."""
    deadlines, model = Deadlines(), dict[str, int]()
    for key, moment in changes:
        deadlines.set(key, moment)
        model[key] = moment
        if not moment:
            del model[key]
        deadlines = msgspec.msgpack.decode(msgspec.msgpack.encode(deadlines), type=Deadlines)

        assert deadlines.first() == min(model.values(), default=0)
        assert sorted(deadlines.due(at)) == sorted(key for key, moment in model.items() if moment <= at)
        assert model or not deadlines.heap
