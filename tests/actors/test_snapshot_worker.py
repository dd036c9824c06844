"""Snapshots made in a process of their own: the same ones, also after its end and after a damaged part."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.snapshots import Manifest
from actors.testing.local import local_silo, memory_stores
from actors.testing.memory import MemorySnapshots
from tests.actors.counter_shop import Buy, Shop, TillEntity
from tests.actors.test_host import fresh_id, until, view

pytestmark = pytest.mark.anyio

IN_WORKER = RuntimeSettings(snapshot_every=1_000_000, snapshot_in_worker_from=0)


async def buy(silo: Silo, times: int) -> None:
    for _ in range(times):
        await silo.router.ask("shop/a", Buy(), command_id=fresh_id())


async def snapshot(silo: Silo) -> Manifest:
    return await silo.host.activator.snapshotting.make(silo.host.activations["shop/a"])


async def left_after_restart(stores: Stores) -> int:
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        return (await view(silo)).left


async def test_G8_a_snapshot_from_the_worker_is_the_committed_state() -> None:
    """Twice, so that the second goes on from the worker's own copy."""
    stores = memory_stores()
    async with local_silo(Shop, TillEntity, stores=stores, settings=IN_WORKER) as silo:
        await buy(silo, 3)
        first = await snapshot(silo)
        await buy(silo, 2)
        second = await snapshot(silo)
        left = (await view(silo)).left
        committed = silo.host.activations["shop/a"].committed

    assert first.seq < second.seq <= committed
    assert await stores.snapshots.latest("shop/a") == second
    assert await left_after_restart(stores) == left


@pytest.mark.parametrize("damage", ["worker killed", "part lost", "part damaged"])
async def test_G8_the_next_snapshot_is_made_whatever_became_of_worker_and_parts(damage: str) -> None:
    """A worker that ended is started again; without a readable snapshot it begins with the journal."""
    stores = memory_stores()
    snapshots = stores.snapshots
    assert isinstance(snapshots, MemorySnapshots)
    async with local_silo(Shop, TillEntity, stores=stores, settings=IN_WORKER) as silo:
        await buy(silo, 3)
        first = await snapshot(silo)
        worker = silo.host.activator.snapshotting._worker
        assert worker is not None
        assert worker._process is not None
        os.kill(worker._process.pid, signal.SIGKILL)
        await worker._process.wait()
        if damage == "part lost":
            snapshots.lose_now("shop/a", first.parts[0].digest)
        elif damage == "part damaged":
            snapshots.write_now("shop/a", {first.parts[0].digest: b"damaged"})
        await buy(silo, 2)
        second = await snapshot(silo)
        left = (await view(silo)).left

    parts = await snapshots.parts("shop/a", second.parts)
    assert second.seq > first.seq
    assert parts is not None
    assert await left_after_restart(stores) == left


async def test_the_worker_ends_with_its_silo() -> None:
    """No process is left behind."""
    async with local_silo(Shop, TillEntity, settings=IN_WORKER) as silo:
        await buy(silo, 1)
        await snapshot(silo)
        worker = silo.host.activator.snapshotting._worker
        assert worker is not None
        process = worker._process
        assert process is not None

    await until(lambda: process.returncode is not None, "the worker has ended")


async def test_the_worker_ends_when_nobody_holds_its_pipe() -> None:
    """What a kill -9 of the silo leaves: a closed pipe."""
    async with local_silo(Shop, TillEntity, settings=IN_WORKER) as silo:
        await buy(silo, 1)
        await snapshot(silo)
        worker = silo.host.activator.snapshotting._worker
        assert worker is not None
        assert worker._process is not None
        assert worker._process.stdin is not None
        worker._process.stdin.close()

        assert await asyncio.wait_for(worker._process.wait(), 10) == 0
