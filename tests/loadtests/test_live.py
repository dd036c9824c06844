"""The benchmark of live updates holds its subjects to the same rule: every phone sees every op once."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

import pytest

from loadtests.equipment import Missing
from loadtests.live import FastApiSide, Round, Side, SocketIoSide

pytestmark = pytest.mark.services


@pytest.mark.parametrize("kind", [SocketIoSide, FastApiSide])
def test_a_peer_shows_every_op_to_every_phone_once(kind: type[Side]) -> None:
    """Under a closed load and an offered one; none is lost, none comes twice."""

    async def play() -> list[Round]:
        side = kind(3, 4)
        with tempfile.TemporaryDirectory(prefix="kl-") as folder:
            try:
                await side.start(Path(folder))
                return [await side.closed(0.5, 2), await side.steady(0.5, 40, random.Random(3))]
            finally:
                await side.stop()

    try:
        rounds = asyncio.run(play())
    except Missing as missing:
        pytest.skip(f"left out: {missing}")

    for one in rounds:
        assert one.per_second > 0
        assert (one.lost, one.twice, one.failed) == (0, 0, 0)


def test_an_op_that_a_phone_missed_or_saw_twice_is_found() -> None:
    """The audit of a round, on a side without servers."""

    async def judge(seen_by: list[int]) -> Round:
        side = Side(1, 2)
        side._begin()
        for _ in seen_by:
            side.tables[0].saw(1, 1.0)
        side.tables[0].sent_at[1] = 0.5
        return side._judge(1.0, 0.0, 2.0)

    assert (asyncio.run(judge([1])).lost, asyncio.run(judge([1])).twice) == (1, 0)
    assert (asyncio.run(judge([1, 2])).lost, asyncio.run(judge([1, 2])).twice) == (0, 0)
    assert asyncio.run(judge([1, 2, 2])).twice == 1
