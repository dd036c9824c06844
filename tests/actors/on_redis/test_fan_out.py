"""News between silos, on a real Redis-compatible server that is killed and comes back (X1)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from actors.live import Hub
from actors.on_redis.fan_out import RedisFanOut
from actors.placement import shard_of
from actors.silo import Silo
from actors.tasks import end_tasks
from actors.testing.local import LocalLanes, memory_stores, start_local_silo
from actors.words import Accepted
from cluster.embedded import DataFolder, EmbeddedValkey
from tests.actors.followed import Board, BoardLanguage, Screen, Write
from tests.api.house import until

pytestmark = [pytest.mark.anyio, pytest.mark.services]


class Two:
    """Two silos, each with its hub on the same Redis."""

    def __init__(self, silos: list[Silo], hubs: list[Hub], fan_outs: list[RedisFanOut]) -> None:
        self.silos = silos
        self.hubs = hubs
        self.fan_outs = fan_outs
        self._numbers = iter(range(10_000))

    def board(self, owner: int) -> str:
        """A board of that silo."""
        placement = self.silos[owner].router.placement
        assert placement is not None
        address = self.silos[owner].address
        return next(
            name
            for name in (f"board/b{number}" for number in self._numbers)
            if placement.owner[shard_of(name)] == address
        )

    async def write(self, by: int, board: str, lines: int = 1) -> None:
        reply = await self.silos[by].router.ask(
            board, Write(lines=lines), command_id=secrets.token_bytes(16), timeout_s=10
        )
        assert isinstance(reply, Accepted), reply

    async def shows(self, screen: Screen, seq: int) -> None:
        await until(lambda: screen.shown >= seq or bool(screen.wrong), f"the screen shows {seq}", 15)
        assert (screen.shown, screen.wrong) == (seq, [])


@pytest.fixture
def own_folder() -> Iterator[DataFolder]:
    with tempfile.TemporaryDirectory(prefix="kt-") as path:
        folder = DataFolder(Path(path))
        folder.lock()
        yield folder
        folder.unlock()


@contextlib.asynccontextmanager
async def two_silos(uri: str) -> AsyncIterator[Two]:
    stores, lanes = memory_stores(), LocalLanes()
    silos = [await start_local_silo(name, [Board], stores=stores, lanes=lanes) for name in ("a", "b")]

    def settled() -> bool:
        seen = [silo.router.placement for silo in silos]
        return all(one is not None and set(one.owner) == {silo.address for silo in silos} for one in seen)

    await until(settled, "all shards are owned, and both silos know by whom")
    hubs = [silo.watch(BoardLanguage()) for silo in silos]
    prefix = f"test:{uuid.uuid4().hex}"
    fan_outs = [
        RedisFanOut(hub, uri, prefix, silo.address, lambda: 0.5)
        for hub, silo in zip(hubs, silos, strict=True)
    ]
    running = [asyncio.get_running_loop().create_task(one.run()) for one in fan_outs]
    try:
        await until(lambda: all(one.up for one in fan_outs), "both hear themselves")
        yield Two(silos, hubs, fan_outs)
    finally:
        await end_tasks(*running)
        for silo in silos:
            if not silo.stopped:
                await silo.stop()


async def test_X1_a_screen_on_another_silo_sees_every_line_once(valkey: EmbeddedValkey) -> None:
    """By the fan-out and not by asking: the entity is asked a few times for hundreds of lines."""
    async with two_silos(valkey.uri) as two:
        board, screen, near = two.board(0), Screen(), Screen()
        two.hubs[1].follow(board, screen)
        two.hubs[0].follow(board, near)
        await until(lambda: two.hubs[0].feeds[board].wanted_until > 0, "the owner knows that it is wanted")

        for _ in range(200):
            await two.write(1, board)

        await two.shows(screen, 200)
        await two.shows(near, 200)
        assert two.hubs[1].asked < 20
        two.hubs[1].unfollow(board, screen)
        two.hubs[0].unfollow(board, near)
        assert not two.hubs[1].feeds


async def test_X1_a_screen_that_comes_late_and_one_that_lags_get_what_they_missed(
    valkey: EmbeddedValkey,
) -> None:
    async with two_silos(valkey.uri) as two:
        board = two.board(0)
        await two.write(0, board, 10)
        late, slow, far = Screen(10), Screen(10), Screen(10)
        for screen in (late, slow, far):
            two.hubs[1].follow(board, screen)
        slow.ready = False
        await two.write(0, board, 20)
        await two.shows(late, 30)
        assert slow.shown == 10

        slow.ready = True
        two.hubs[1].resume(board, slow)
        await two.shows(slow, 30)

        far.ready = False
        for _ in range(20):
            await two.write(0, board, 10)
        await two.shows(late, 230)
        far.ready = True
        two.hubs[1].resume(board, far)
        await until(lambda: far.shown == 230, "it starts from the view")
        assert far.resets == [230]


async def test_X1_Redis_killed_screens_go_on_by_asking_and_recover_by_themselves(
    own_folder: DataFolder,
) -> None:
    """Nothing is lost while it is away, and when it is back nobody polls any more."""
    async with EmbeddedValkey(own_folder) as valkey, two_silos(valkey.uri) as two:
        board, screen = two.board(0), Screen()
        two.hubs[1].follow(board, screen)
        await two.write(0, board)
        await two.shows(screen, 1)

        os.kill(valkey.pid, signal.SIGKILL)
        await until(lambda: not any(one.up for one in two.fan_outs), "both notice")
        for _ in range(5):
            await two.write(0, board)
        await two.shows(screen, 6)

        await valkey.restart()
        await until(lambda: all(one.up for one in two.fan_outs), "both are back")
        for _ in range(50):
            await two.write(0, board)
        await two.shows(screen, 56)


async def test_X1_Redis_that_stands_still_counts_as_lost(own_folder: DataFolder) -> None:
    """Connections stay up and nothing comes: who does not hear itself asks."""
    async with EmbeddedValkey(own_folder) as valkey, two_silos(valkey.uri) as two:
        board, screen = two.board(0), Screen()
        two.hubs[1].follow(board, screen)
        await two.write(0, board)
        await two.shows(screen, 1)
        os.kill(valkey.pid, signal.SIGSTOP)
        try:
            await two.write(0, board)
            await two.shows(screen, 2)
            await until(lambda: not any(one.up for one in two.fan_outs), "both notice", 20)
        finally:
            os.kill(valkey.pid, signal.SIGCONT)
        await until(lambda: all(one.up for one in two.fan_outs), "both are back", 20)
        await two.write(0, board)
        await two.shows(screen, 3)


async def test_X1_the_owner_leaves_and_the_screen_loses_nothing(valkey: EmbeddedValkey) -> None:
    """Its board moves to the screen's own silo, while others write."""
    async with two_silos(valkey.uri) as two:
        board, screen = two.board(0), Screen()
        two.hubs[1].follow(board, screen)
        await two.write(1, board, 3)
        await two.shows(screen, 3)

        await two.silos[0].stop()
        for _ in range(10):
            await two.write(1, board)

        await two.shows(screen, 13)
        await until(lambda: two.hubs[1].feeds[board].owner == two.silos[1].address, "it is ours now")


async def test_X1_a_board_that_moves_away_is_heard_from_its_new_owner(valkey: EmbeddedValkey) -> None:
    """The screen's own silo hands its boards over in order and stays for its screens; seq goes on."""
    async with two_silos(valkey.uri) as two:
        board, screen = two.board(1), Screen()
        two.hubs[1].follow(board, screen)
        await two.write(1, board)
        await two.shows(screen, 1)

        await two.silos[1].drain(10)
        await until(lambda: two.hubs[1].feeds[board].owner == two.silos[0].address, "it has moved")
        for _ in range(10):
            await two.write(0, board)

        await two.shows(screen, 11)
