"""A spare's copies of the hottest entities, kept a moment behind their journal, so that it can decide at once.

Owners name their hottest entities with each renewal of their lease. A copy decides nothing and is never trusted: the
activation that starts from it reads the journal's tail after the take-over's write, as every activation does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
import structlog

from actors.entity import kind_of
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document, JournalUnreadable
from actors.membership import Member, StoreUnreachable
from actors.placement import Placement

if TYPE_CHECKING:
    from actors.host import EntityHost

HOT_MAX = 8
"""Entities that one owner names, and that one spare follows."""

WARM_MAX = 64
DOCUMENTS_PER_SLICE = 64
SLOWEST = 16
"""A copy whose journal stands still is looked at so many times less often."""

log = structlog.get_logger("kaifan.following")


def hottest(heat: Counter[str]) -> list[str]:
    """The entities with most events lately, hottest first. Halves what was counted, so that the past cools down."""
    ranked = heat.most_common(WARM_MAX)
    heat.clear()
    heat.update({key: count // 2 for key, count in ranked if count > 1})
    return [key for key, _ in ranked[:HOT_MAX]]


class Copy(msgspec.Struct, gc=False):
    """An entity at a document's end. ``snapshot_seq``: the snapshot from which it began."""

    memory: EntityMemory
    snapshot_seq: int
    wait: int = 1
    """Passes from one look at its journal to the next."""
    waited: int = 0


class Following:
    """The copies of one spare. A silo that owns shards has none."""

    def __init__(self, host: EntityHost, every_s: float) -> None:
        self._host = host
        self._every_s = every_s
        self._copies: dict[str, Copy] = {}
        self._wanted: list[str] = []
        self._unreadable: set[str] = set()
        self._something = asyncio.Event()

    @property
    def followed(self) -> dict[str, int]:
        """Entity → sequence up to which its copy goes."""
        return {key: copy.memory.seq for key, copy in self._copies.items()}

    def choose(self, members: Iterable[Member], placement: Placement) -> None:
        """Follow what the owners of shards, living or dead, call hot: each one's hottest first."""
        owners = set(placement.owner)
        named = [member.hot for member in members if member.address in owners]
        ranked = [key for rank in range(HOT_MAX) for hot in named for key in hot[rank : rank + 1]]
        self._wanted = [key for key in dict.fromkeys(ranked) if key not in self._unreadable][:HOT_MAX]
        # What has just cooled down stays while there is room: its owner may die before it is hot again.
        for key in [key for key in self._copies if key not in self._wanted]:
            if len(self._copies) + len(self._wanted) > 2 * HOT_MAX:
                del self._copies[key]
        if self._wanted:
            self._something.set()

    def take(self, key: str) -> Copy | None:
        """Give the copy away, for good: whoever has it goes on with it."""
        copy = self._copies.pop(key, None)
        return None if key in self._host.quarantined else copy

    def stop(self) -> None:
        """Nothing is followed any more; copies that are there can still be taken."""
        self._wanted = []
        self._something.clear()

    def forget(self) -> None:
        self.stop()
        self._copies.clear()

    async def run(self) -> None:
        """For ever, while something is to be followed."""
        while True:
            await self._something.wait()
            for key in list(self._wanted):
                try:
                    await self._look(key)
                except (JournalUnreadable, StoreUnreachable) as outage:
                    log.info("cannot_follow", entity=key, reason=str(outage))
                except CannotReplay as error:
                    # Whoever activates it meets the same event, and stops it with an alarm.
                    log.warning("cannot_follow", entity=key, reason=str(error))
                    self._copies.pop(key, None)
                    self._unreadable.add(key)
            await asyncio.sleep(self._every_s)

    async def _look(self, key: str) -> None:
        copy = self._copies.get(key)
        if copy is None:
            await self._begin(key)
            return
        copy.waited += 1
        if copy.waited < copy.wait:
            return
        copy.waited = 0
        documents = await self._host.activator.tail(copy.memory)
        copy.wait = 1 if documents else min(2 * copy.wait, SLOWEST)
        await self._apply(key, copy, documents)

    async def _begin(self, key: str) -> None:
        entity_type = self._host.types.get(kind_of(key))
        if entity_type is None or key in self._host.quarantined:
            return
        memory = EntityMemory(entity_type, key)
        snapshot_seq = await self._host.activator.bring_up(memory)
        if key in self._wanted:
            self._copies[key] = Copy(memory, snapshot_seq)
            log.info("following", entity=key, seq=memory.seq)

    async def _apply(self, key: str, copy: Copy, documents: list[Document]) -> None:
        for number, document in enumerate(documents, 1):
            # Taken meanwhile: it is an activation's memory now, and none of ours.
            if self._copies.get(key) is not copy:
                return
            copy.memory.apply_document(document)
            if number % DOCUMENTS_PER_SLICE == 0:
                await asyncio.sleep(0)
