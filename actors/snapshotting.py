"""When and how snapshots are made: from the last one and committed documents; large ones in a worker process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from actors.activation import Activation
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document, Journal, JournalUnreadable
from actors.membership import StoreUnreachable
from actors.snapshot_worker import SnapshotWorker, WorkerFailed
from actors.snapshots import Manifest, SnapshotStore, digests, groups

if TYPE_CHECKING:
    from actors.activator import Activator
    from actors.host import EntityHost

TAIL_SHARE = 20
"""A snapshot is due when the tail is ``snapshot_every`` events long and a twentieth of the history: what is written
of a large entity stays in proportion to what happens to it."""

DOCUMENTS_BYTES_AT_ONCE = 1_000_000

log = structlog.get_logger("kaifan.snapshotting")


class Snapshotting:
    """One snapshot at a time in a silo, from committed documents only: live memory is ahead of the journal."""

    def __init__(
        self, host: EntityHost, activator: Activator, journal: Journal, snapshots: SnapshotStore
    ) -> None:
        self._host = host
        self._activator = activator
        self._journal = journal
        self._snapshots = snapshots
        self._wanted: dict[str, Activation] = {}
        self._busy = False
        self._worker: SnapshotWorker | None = None
        self._one = asyncio.Lock()

    def notice(self, activation: Activation) -> None:
        """Something was committed; makes a snapshot when the tail has become long."""
        tail = activation.committed - activation.snapshot_seq
        if tail < self._host.settings.snapshot_every or tail * TAIL_SHARE < activation.committed:
            return
        activation.snapshot_seq = activation.committed
        self._wanted[activation.key] = activation
        if not self._busy:
            self._busy = True
            self._host.keep(asyncio.get_running_loop().create_task(self._make_all()))

    async def _make_all(self) -> None:
        try:
            while self._wanted:
                key, activation = self._wanted.popitem()
                try:
                    await self.make(activation)
                except (JournalUnreadable, StoreUnreachable, CannotReplay, WorkerFailed) as error:
                    # Only an optimisation: the next threshold tries again.
                    log.warning("snapshot_failed", entity=key, reason=str(error))
        finally:
            self._busy = False

    async def make(self, activation: Activation) -> Manifest:
        """A snapshot of what is committed now."""
        async with self._one:
            return await self._make(activation)

    async def _make(self, activation: Activation) -> Manifest:
        until = activation.committed
        if until < self._host.settings.snapshot_in_worker_from:
            manifest, parts = await self._here(activation, until)
        else:
            manifest, parts = await self._in_worker(activation, until)
        await self._snapshots.save(manifest, parts)
        self._host.meter.snapshots += 1
        return manifest

    async def _here(self, activation: Activation, until: int) -> tuple[Manifest, dict[bytes, bytes]]:
        shadow = EntityMemory(activation.type, activation.key)
        last = await self._activator.restore(shadow)
        await self._activator.replay(shadow, until)
        return shadow.cut(digests(last))

    # --- in the worker -------------------------------------------------------------------------------------

    async def _in_worker(self, activation: Activation, until: int) -> tuple[Manifest, dict[bytes, bytes]]:
        if self._worker is None:
            self._worker = SnapshotWorker()
            self._host.keep(asyncio.get_running_loop().create_task(self._end_with_us(self._worker)))
        worker = self._worker
        try:
            stored, seq = await self._bring_up(worker, activation)
            await self._hand_over(worker, activation.key, seq, until)
            return await worker.cut(stored)
        except BaseException:
            # Half a copy, or half an answer in the pipe: the next snapshot begins anew.
            await worker.close()
            raise

    async def _bring_up(self, worker: SnapshotWorker, activation: Activation) -> tuple[frozenset[bytes], int]:
        """The worker's copy, from the last snapshot if it has none; the stored parts, and where it stands."""
        skip = sorted(self._activator.skipped(activation.key))
        seq = await worker.begin(activation.key, activation.type, skip)
        last = await self._snapshots.latest(activation.key)
        if seq or last is None:
            return digests(last), seq
        number = 0
        for group in groups(last):
            raws = await self._snapshots.parts(activation.key, group)
            try:
                seq = await worker.take(last, number, raws) if raws else 0
            except WorkerFailed as failed:
                log.error("snapshot_unreadable", entity=activation.key, seq=last.seq, reason=str(failed))
                seq = 0
            if not seq:
                # The whole journal then, and every part is written again.
                await worker.close()
                return frozenset(), await worker.begin(activation.key, activation.type, skip)
            number += len(group)
        return digests(last), seq

    async def _hand_over(self, worker: SnapshotWorker, key: str, after_seq: int, until: int) -> None:
        documents: list[Document] = []
        size = 0
        async for document in self._journal.read(key, after_seq):
            if document.last_seq > until:
                break
            documents.append(document)
            size += document.size_bytes
            if size > DOCUMENTS_BYTES_AT_ONCE:
                await worker.apply(documents)
                documents, size = [], 0
        if documents:
            await worker.apply(documents)

    async def _end_with_us(self, worker: SnapshotWorker) -> None:
        """Cancelled when the host closes."""
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await worker.close()
