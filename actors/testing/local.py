"""A whole silo in memory, on real time: for examples and for tests that want the host without servers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from actors.clock import Clock, ClusterClock
from actors.entity import Entity
from actors.lanes import Landed, LaneDown
from actors.membership import Member
from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.memory import (
    MemoryJournal,
    MemoryMembers,
    MemoryPlacement,
    MemoryQuarantine,
    MemoryReminders,
    MemorySnapshots,
)


class LocalLanes:
    """Lanes between silos of one process: a batch is received when it is sent."""

    def __init__(self) -> None:
        self.silos: dict[str, Silo] = {}

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        asyncio.get_running_loop().call_soon(self._deliver, receiver, batch, landed)

    def _deliver(self, receiver: str, batch: bytes, landed: Landed) -> None:
        silo = self.silos.get(receiver)
        try:
            if silo is None:
                raise LaneDown(f"{receiver} is not in this process")
            silo.receive(batch)
        except LaneDown as down:
            landed(down)
        else:
            landed(None)

    def forget(self, receiver: str) -> None:
        self.silos.pop(receiver, None)


def memory_stores() -> Stores:
    """Empty stores; hand the same ones to several silos and they are one cluster."""
    return Stores(
        journal=MemoryJournal(),
        members=MemoryMembers(),
        placement=MemoryPlacement(),
        reminders=MemoryReminders(),
        snapshots=MemorySnapshots(),
        quarantine=MemoryQuarantine(),
    )


async def start_local_silo(
    name: str,
    types: Sequence[type[Entity[Any]]],
    *,
    stores: Stores,
    lanes: LocalLanes,
    settings: RuntimeSettings | None = None,
    clock: Clock | None = None,
    spare: bool = False,
    random: Callable[[int], bytes] = os.urandom,
) -> Silo:
    """Start one silo on given stores and lanes; it takes its shards within moments."""
    silo = Silo(
        name=name,
        types=types,
        stores=stores,
        transport=lanes,
        clock=clock or ClusterClock(),
        settings=settings or RuntimeSettings(),
        random=random,
        member=Member(name=name, incarnation=0, spare=spare),
    )
    await silo.start()
    lanes.silos[silo.address] = silo
    return silo


@asynccontextmanager
async def local_silo(
    *types: type[Entity[Any]], stores: Stores | None = None, settings: RuntimeSettings | None = None
) -> AsyncIterator[Silo]:
    """One silo with everything in memory; ends with it. Keep ``stores`` to start again from what it wrote."""
    silo = await start_local_silo(
        "local", types, stores=stores or memory_stores(), lanes=LocalLanes(), settings=settings
    )
    try:
        yield silo
    finally:
        await silo.drain(5.0)
        await silo.stop()
