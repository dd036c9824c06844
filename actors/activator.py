"""Bringing entities into memory: snapshot + journal tail, a bounded number at once, the most wanted first.

Also keeps the live timers of deadlines. Snapshots are made in ``snapshotting.py``.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from actors.activation import Activation, Phase
from actors.codec import Unreadable
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document, Journal, JournalUnreadable
from actors.membership import StoreUnreachable
from actors.quarantine import SKIP
from actors.snapshots import Manifest, SnapshotStore, groups
from actors.snapshotting import Snapshotting

if TYPE_CHECKING:
    from actors.following import Copy
    from actors.host import EntityHost

EVENTS_PER_SLICE = 256
"""Events replayed between two looks at the loop, so that a long history does not stall the silo."""

LOOKED_UP_AT_ONCE = 16

RETRY_S = 0.1
RETRY_MAX_S = 1.0
WAKE_AGAIN_S = 0.05
"""A deadline that stays due after its Wake is not tried more often than this."""

log = structlog.get_logger("kaifan.activator")


class Activator:
    """Loads, snapshots and wakes. Runs on the silo's loop; its tasks are owned by the host."""

    def __init__(self, host: EntityHost, journal: Journal, snapshots: SnapshotStore) -> None:
        self._host = host
        self._journal = journal
        self._snapshots = snapshots
        self.snapshotting = Snapshotting(host, self, journal, snapshots)
        self.copies: Callable[[str], Copy | None] = lambda key: None
        """A followed copy to start from, if there is one; its tail is read all the same."""
        self._waiting: dict[str, Activation] = {}
        self._next: list[str] = []
        """Keys of those who wait, the most wanted last; some may wait no longer."""
        self._loading = 0
        self._loading_bytes = 0
        self._wakes: list[tuple[int, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0

    @property
    def loading(self) -> int:
        """Activations being loaded now."""
        return self._loading

    # --- loading -------------------------------------------------------------------------------------------

    def want(self, activation: Activation) -> None:
        """Load this entity when a place is free."""
        if activation.shard in self._host.handover.suspects:
            # Not before the placement has said that it is ours: EntityHost._ask_placement calls retry().
            return
        self._waiting[activation.key] = activation
        self._start_some()

    def retry(self, activation: Activation) -> None:
        """The shard is confirmed as ours: load what waited for that."""
        if activation.phase is Phase.LOADING and activation.key not in self._waiting:
            self.want(activation)

    def _start_some(self) -> None:
        settings = self._host.settings
        while self._waiting and self._loading < settings.activations_at_once:
            if self._loading_bytes >= settings.activation_bytes_at_once:
                return
            activation = self._waiting.pop(self._most_wanted())
            if activation.phase is not Phase.LOADING:
                continue
            self._loading += 1
            self._host.keep(asyncio.get_running_loop().create_task(self._load(activation)))

    def _most_wanted(self) -> str:
        """Hot keys first: a recovery storm serves most people by loading what most of them wait for.

        Looked up for an eighth of those who wait at a time: with each one alone, a storm of 20,000 would spend
        itself on comparing.
        """
        while True:
            if not self._next:
                count = max(LOOKED_UP_AT_ONCE, len(self._waiting) // 8)
                waiting = self._waiting
                self._next = heapq.nlargest(count, waiting, key=lambda key: len(waiting[key].mailbox))[::-1]
            key = self._next.pop()
            if key in self._waiting:
                return key

    async def _load(self, activation: Activation) -> None:
        try:
            back_off = RETRY_S
            while activation.phase is Phase.LOADING:
                try:
                    await self._rebuild(activation)
                    break
                except (JournalUnreadable, StoreUnreachable) as outage:
                    log.warning("activation_waits", entity=activation.key, reason=str(outage))
                    if not activation.mailbox:
                        self._host.abandon(activation)
                        return
                    await asyncio.sleep(back_off)
                    back_off = min(2 * back_off, RETRY_MAX_S)
        except CannotReplay as error:
            self._host.failed_to_load(activation, error)
            return
        finally:
            self._loading -= 1
            self._start_some()
        self._host.loaded(activation)

    async def _rebuild(self, activation: Activation) -> None:
        if (copy := self.copies(activation.key)) is not None:
            activation.memory, activation.snapshot_seq, manifest = copy.memory, copy.snapshot_seq, None
        else:
            if activation.memory.seq:
                # An earlier attempt got half-way.
                activation.memory.clear()
            manifest = await self.restore(activation.memory)
            activation.snapshot_seq = activation.memory.seq
        size = manifest.size_bytes if manifest else 0
        self._loading_bytes += size
        try:
            await self.replay(activation.memory, None)
        finally:
            self._loading_bytes -= size

    # --- copies that a spare follows (actors/following.py) ---------------------------------------------------

    async def bring_up(self, memory: EntityMemory) -> int:
        """Rebuild a copy that decides nothing; the sequence of the snapshot it began from."""
        await self.restore(memory)
        snapshot_seq = memory.seq
        await self.replay(memory, None)
        return snapshot_seq

    async def tail(self, memory: EntityMemory) -> list[Document]:
        """What was committed since."""
        return [document async for document in self._journal.read(memory.key, memory.seq)]

    async def restore(self, memory: EntityMemory) -> Manifest | None:
        """Start from the latest snapshot that can be read; without one the journal alone serves."""
        manifest = await self._snapshots.latest(memory.key)
        if manifest is None:
            return None
        try:
            await self._read_parts(memory, manifest)
        except Unreadable as error:
            log.error("snapshot_unreadable", entity=memory.key, seq=manifest.seq, reason=str(error))
            memory.clear()
            return None
        return manifest

    async def _read_parts(self, memory: EntityMemory, manifest: Manifest) -> None:
        """Head first, then the rest, a few megabytes at a time, with a look at the loop every few milliseconds."""
        number = 0
        for group in groups(manifest):
            raws = await self._snapshots.parts(memory.key, group)
            if raws is None:
                raise Unreadable("a part is missing")
            if not number:
                memory.restore_head(manifest, raws)
            else:
                for offset, raw in enumerate(raws):
                    for _ in memory.restore_part(manifest, number + offset, raw):
                        await asyncio.sleep(0)
            number += len(group)

    async def replay(self, memory: EntityMemory, until_seq: int | None) -> None:
        """What the journal has after the memory's sequence, up to a document's end."""
        skip = self.skipped(memory.key)
        count = 0
        async for document in self._journal.read(memory.key, memory.seq):
            if until_seq is not None and document.last_seq > until_seq:
                break
            memory.apply_document(document, skip)
            count += document.n
            if count >= EVENTS_PER_SLICE:
                count = 0
                await asyncio.sleep(0)

    def skipped(self, key: str) -> frozenset[int]:
        """Events that an operator has left out of this entity's history."""
        stopped = self._host.quarantined.get(key)
        return frozenset(stopped.skip) if stopped is not None and stopped.mode == SKIP else frozenset()

    # --- live deadlines ------------------------------------------------------------------------------------

    def watch_wake(self, activation: Activation) -> None:
        """Keep the live timer at the entity's earliest deadline."""
        at = activation.memory.deadline()
        if at is None or at == activation.wake_at:
            activation.wake_at = at
            return
        activation.wake_at = at
        heapq.heappush(self._wakes, (at, activation.key))
        self._set_timer()

    def _set_timer(self, at_least_s: float = 0.0) -> None:
        if not self._wakes:
            return
        at = self._wakes[0][0]
        if self._timer is not None:
            if self._timer_at <= at:
                return
            self._timer.cancel()
        delay = max(at_least_s, (at - self._host.clock.now_ms()) / 1000)
        self._timer_at = at
        # Looked at again each second, because cluster time may run differently from the loop's.
        self._timer = asyncio.get_running_loop().call_later(min(delay, LOOK_AGAIN_S), self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._host.clock.now_ms()
        fired = False
        while self._wakes and self._wakes[0][0] <= now:
            at, key = heapq.heappop(self._wakes)
            activation = self._host.activations.get(key)
            if activation is not None and activation.wake_at == at:
                activation.wake_at = None
                fired = True
                if activation.phase is Phase.ACTIVE:
                    self._host.wake(key)
                    if activation.phase is Phase.ACTIVE:
                        self._rewatch(activation, now)
        self._set_timer(WAKE_AGAIN_S if fired else 0.0)

    def _rewatch(self, activation: Activation, now: int) -> None:
        at = activation.memory.deadline()
        if at is not None and at <= now:
            at = now + int(WAKE_AGAIN_S * 1000)
        if at is not None and at != activation.wake_at:
            activation.wake_at = at
            heapq.heappush(self._wakes, (at, activation.key))


LOOK_AGAIN_S = 60.0
