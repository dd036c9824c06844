"""The outside of simulated silos: every call is a request and a reply, and both have fates drawn from the seed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from actors.journal import Document, InDoubt, JournalUnreadable, Outcome, Stored
from actors.lanes import Landed, LaneDown
from actors.membership import Member, Renewal, StoreUnreachable
from actors.parts import Part
from actors.placement import Placement
from actors.quarantine import Quarantine
from actors.reminders import Reminder
from actors.snapshots import Manifest

if TYPE_CHECKING:
    from actors.silo import Silo
    from actors.testing.simulation.world import World

T = TypeVar("T")

CALL_TIMEOUT_S = 0.5


class Lost(Exception):
    """The caller's time-out: it never learns whether the call was applied."""


async def call(world: World, apply: Callable[[], T]) -> T:
    """Ask the outside. Raises Lost after CALL_TIMEOUT_S; ``apply`` may have happened, or may still happen."""
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    loop = future.get_loop()

    def answer(result: T) -> None:
        if not future.done():
            future.set_result(result)

    def applied(reply_lost: bool) -> None:
        result = apply()
        if not reply_lost:
            world.after(world.latency(), lambda: loop.call_soon(answer, result))

    fate = world.fate()
    if fate == "late":
        world.after(CALL_TIMEOUT_S + world.rng.random() * 1.5, lambda: applied(True))
    elif fate != "lost":
        world.after(world.latency(), lambda: applied(fate == "answer lost"))
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            return await future
    except TimeoutError:
        raise Lost(fate) from None


async def ask(world: World, apply: Callable[[], T]) -> T:
    """The same for stores that say StoreUnreachable."""
    try:
        return await call(world, apply)
    except Lost as lost:
        raise StoreUnreachable(str(lost)) from lost


class SimJournal:
    """Documents of a batch have fates of their own; a read sees what is stored when it is applied."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def append(self, documents: Sequence[Document]) -> list[Outcome]:
        try:
            return await call(self._world, lambda: [self._store(document) for document in documents])
        except Lost as lost:
            return [InDoubt(str(lost)) for _ in documents]

    def _store(self, document: Document) -> Outcome:
        world = self._world
        if world.partial():
            # One document of the batch meets an interruption of its own; its neighbours do not.
            if world.rng.random() < 0.5:
                world.stored(document, world.journal.append_now(document))
            return InDoubt("interrupted")
        outcome = world.journal.append_now(document)
        world.stored(document, outcome)
        return outcome

    async def read(self, entity: str, after_seq: int = 0) -> AsyncIterator[Document]:
        world = self._world
        world.reading(+1)
        try:
            documents = await call(world, lambda: world.journal.read_now(entity, after_seq))
        except Lost as lost:
            raise JournalUnreadable(str(lost)) from lost
        finally:
            world.reading(-1)
        for document in documents:
            yield document


class SimMembers:
    def __init__(self, world: World) -> None:
        self._world = world

    async def register(self, member: Member) -> Member:
        return await ask(self._world, lambda: self._world.members.register_now(member))

    async def renew(self, member: Member) -> Renewal:
        return await ask(self._world, lambda: self._world.members.renew_now(member))

    async def mark_ended(self, name: str, incarnation: int, beat: int | None) -> bool:
        return await ask(self._world, lambda: self._world.members.mark_ended_now(name, incarnation, beat))

    async def members(self) -> list[Member]:
        return await ask(self._world, self._world.members.members_now)


class SimPlacement:
    def __init__(self, world: World) -> None:
        self._world = world

    async def read(self) -> Placement:
        return await ask(self._world, self._world.placement.read_now)

    async def swap(self, placement: Placement) -> bool:
        return await ask(self._world, lambda: self._world.placement.swap_now(placement))


class SimReminders:
    def __init__(self, world: World) -> None:
        self._world = world

    async def at_latest(self, rows: Mapping[str, int], by: str) -> None:
        await ask(self._world, lambda: self._world.reminders.at_latest_now(rows, by))

    async def settle(self, seen: Reminder, next_at: int | None, by: str) -> None:
        await ask(self._world, lambda: self._world.reminders.settle_now(seen, next_at, by))

    async def due(self, now_ms: int, shards: Sequence[int], limit: int) -> list[Reminder]:
        return await ask(self._world, lambda: self._world.reminders.due_now(now_ms, shards, limit))

    async def get(self, entity: str) -> Reminder | None:
        return await ask(self._world, lambda: self._world.reminders.rows.get(entity))


class SimSnapshots:
    def __init__(self, world: World) -> None:
        self._world = world

    async def latest(self, entity: str) -> Manifest | None:
        return await ask(self._world, lambda: self._world.snapshots.latest_now(entity))

    async def parts(self, entity: str, wanted: Sequence[Part]) -> list[bytes] | None:
        return await ask(self._world, lambda: self._world.snapshots.parts_now(entity, wanted))

    async def save(self, manifest: Manifest, parts: Mapping[bytes, bytes]) -> None:
        """Each part has a fate of its own, and the manifest is only written when all of them are there."""
        snapshots = self._world.snapshots
        for digest, raw in parts.items():
            await ask(self._world, lambda part={digest: raw}: snapshots.write_now(manifest.entity, part))  # type: ignore[misc]
        await ask(self._world, lambda: snapshots.name_now(manifest))

    async def delete(self, entity: str) -> None:
        await ask(self._world, lambda: self._world.snapshots.delete_now(entity))


class SimQuarantine:
    def __init__(self, world: World) -> None:
        self._world = world

    async def all(self) -> list[Quarantine]:
        return await ask(self._world, self._world.quarantine.all_now)

    async def put(self, quarantine: Quarantine) -> None:
        await ask(self._world, lambda: self._world.quarantine.put_now(quarantine))

    async def clear(self, entity: str) -> None:
        await ask(self._world, lambda: self._world.quarantine.clear_now(entity))


class SimLanes:
    """Batches are lost, received without the sender knowing, received twice, or late."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        asyncio.get_running_loop().create_task(self._fly(receiver, batch, landed))

    def forget(self, receiver: str) -> None:
        """A call has nothing to close."""

    async def _fly(self, receiver: str, batch: bytes, landed: Landed) -> None:
        down: LaneDown | None = None
        try:
            await self._call(receiver, batch)
        except LaneDown as error:
            down = error
        landed(down)

    async def _call(self, receiver: str, batch: bytes) -> None:
        world = self._world
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        loop = future.get_loop()
        fate = world.fate()
        twice = fate == "ok" and world.rng.random() < world.weather.doubled

        def answer(received: bool) -> None:
            if not future.done():
                future.set_result(received)

        def receive() -> None:
            silo = world.silo_at(receiver)
            received = silo is not None and _receive(world, silo, batch)
            if fate != "answer lost":
                world.after(world.latency(), lambda: loop.call_soon(answer, received))

        def arrive() -> None:
            target = world.loop_of(receiver)
            if target is None:
                world.after(world.latency(), lambda: loop.call_soon(answer, False))
            else:
                target.call_soon(receive)

        if fate == "late":
            world.after(CALL_TIMEOUT_S + world.rng.random(), arrive)
        elif fate != "lost":
            world.after(world.latency(), arrive)
            if twice:
                world.after(world.latency() * world.rng.choice((20, 200)), arrive)
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                received = await future
        except TimeoutError:
            raise LaneDown(fate) from None
        if not received:
            raise LaneDown("not here")


def _receive(world: World, silo: Silo, batch: bytes) -> bool:
    try:
        world.network.receive(silo, batch)
    except LaneDown:
        return False
    return True


__all__ = ["Stored"]
