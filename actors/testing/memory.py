"""Every port of the runtime in memory: deterministic, without I/O.

Each store does its state transition in a plain method (``append_now``, ``swap_now``, …), so that the simulator can
apply it at a moment of its own choice; the async methods only wrap them.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec

from actors.journal import Document, Outcome, Stored, Taken
from actors.membership import ENDED, Member, Renewal
from actors.parts import Part
from actors.placement import Placement, copy, empty, shard_of
from actors.quarantine import Quarantine
from actors.reminders import Reminder
from actors.snapshots import Manifest


class MemoryJournal:
    """Documents per entity, in order of their first sequence; the fence is the key."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[int, Document]] = {}

    def append_now(self, document: Document) -> Outcome:
        standing = self.documents.setdefault(document.entity, {})
        if document.first_seq in standing:
            return Taken(standing[document.first_seq])
        standing[document.first_seq] = document
        return Stored()

    def read_now(self, entity: str, after_seq: int = 0) -> list[Document]:
        standing = self.documents.get(entity, {})
        return [standing[seq] for seq in sorted(standing) if seq > after_seq]

    async def append(self, documents: Sequence[Document]) -> list[Outcome]:
        return [self.append_now(document) for document in documents]

    async def read(self, entity: str, after_seq: int = 0) -> AsyncIterator[Document]:
        for document in self.read_now(entity, after_seq):
            yield document


class MemoryMembers:
    """Incarnations of silos; ``now_ms`` plays the primary's clock."""

    def __init__(self, now_ms: Callable[[], int] = lambda: int(time.time() * 1000)) -> None:
        self._rows: dict[str, Member] = {}
        self._incarnations: dict[str, int] = {}
        self._now_ms = now_ms

    def register_now(self, member: Member) -> Member:
        incarnation = self._incarnations.get(member.name, 0) + 1
        self._incarnations[member.name] = incarnation
        row = msgspec.structs.replace(member, incarnation=incarnation, beat=0)
        self._rows[row.address] = row
        return msgspec.structs.replace(row)

    def renew_now(self, member: Member) -> Renewal:
        row = self._rows.get(member.address)
        if row is None or row.state == ENDED:
            return Renewal(ended=True, primary_ms=self._now_ms())
        row.beat += 1
        row.state, row.port, row.spare = member.state, member.port, member.spare
        row.seat, row.hot = member.seat, list(member.hot)
        return Renewal(ended=False, primary_ms=self._now_ms())

    def mark_ended_now(self, name: str, incarnation: int, beat: int | None) -> bool:
        row = self._rows.get(f"{name}#{incarnation}")
        if row is None or row.state == ENDED:
            return True
        if beat is not None and row.beat != beat:
            return False
        row.state = ENDED
        return True

    def members_now(self) -> list[Member]:
        return [msgspec.structs.replace(row) for row in self._rows.values()]

    async def register(self, member: Member) -> Member:
        return self.register_now(member)

    async def renew(self, member: Member) -> Renewal:
        return self.renew_now(member)

    async def mark_ended(self, name: str, incarnation: int, beat: int | None) -> bool:
        return self.mark_ended_now(name, incarnation, beat)

    async def members(self) -> list[Member]:
        return self.members_now()


class MemoryPlacement:
    """One document, swapped by version."""

    def __init__(self) -> None:
        self._placement = empty()

    def read_now(self) -> Placement:
        return copy(self._placement)

    def swap_now(self, placement: Placement) -> bool:
        if placement.version != self._placement.version + 1:
            return False
        self._placement = copy(placement)
        return True

    async def read(self) -> Placement:
        return self.read_now()

    async def swap(self, placement: Placement) -> bool:
        return self.swap_now(placement)


class MemoryReminders:
    """One row per entity."""

    def __init__(self) -> None:
        self.rows: dict[str, Reminder] = {}

    def at_latest_now(self, rows: Mapping[str, int], by: str) -> None:
        for entity, at in rows.items():
            standing = self.rows.get(entity)
            self.rows[entity] = Reminder(entity, at if standing is None else min(at, standing.at), by)

    def settle_now(self, seen: Reminder, next_at: int | None, by: str) -> None:
        if self.rows.get(seen.entity) != seen:
            return
        if next_at is None:
            del self.rows[seen.entity]
        else:
            self.rows[seen.entity] = Reminder(seen.entity, next_at, by)

    def due_now(self, now_ms: int, shards: Sequence[int], limit: int) -> list[Reminder]:
        wanted = set(shards)
        due = [row for row in self.rows.values() if row.at <= now_ms and shard_of(row.entity) in wanted]
        return sorted(due, key=lambda row: (row.at, row.entity))[:limit]

    async def at_latest(self, rows: Mapping[str, int], by: str) -> None:
        self.at_latest_now(rows, by)

    async def settle(self, seen: Reminder, next_at: int | None, by: str) -> None:
        self.settle_now(seen, next_at, by)

    async def due(self, now_ms: int, shards: Sequence[int], limit: int) -> list[Reminder]:
        return self.due_now(now_ms, shards, limit)

    async def get(self, entity: str) -> Reminder | None:
        return self.rows.get(entity)


class MemorySnapshots:
    """The latest snapshot of each entity: parts by their digest, and the manifest that names them."""

    def __init__(self) -> None:
        self._manifests: dict[str, Manifest] = {}
        self._parts: dict[str, dict[bytes, bytes]] = {}

    def write_now(self, entity: str, parts: Mapping[bytes, bytes]) -> None:
        self._parts.setdefault(entity, {}).update(parts)

    def name_now(self, manifest: Manifest) -> None:
        standing = self._manifests.get(manifest.entity)
        if standing is not None and standing.seq > manifest.seq:
            return
        self._manifests[manifest.entity] = manifest
        named = {part.digest for part in manifest.parts}
        parts = self._parts.get(manifest.entity, {})
        self._parts[manifest.entity] = {digest: raw for digest, raw in parts.items() if digest in named}

    def latest_now(self, entity: str) -> Manifest | None:
        return self._manifests.get(entity)

    def parts_now(self, entity: str, wanted: Sequence[Part]) -> list[bytes] | None:
        there = self._parts.get(entity, {})
        found = [there[part.digest] for part in wanted if part.digest in there]
        return found if len(found) == len(wanted) else None

    def delete_now(self, entity: str) -> None:
        self._manifests.pop(entity, None)
        self._parts.pop(entity, None)

    def lose_now(self, entity: str, digest: bytes) -> None:
        """One part is gone, its manifest is not."""
        self._parts.get(entity, {}).pop(digest, None)

    async def latest(self, entity: str) -> Manifest | None:
        return self.latest_now(entity)

    async def parts(self, entity: str, wanted: Sequence[Part]) -> list[bytes] | None:
        return self.parts_now(entity, wanted)

    async def save(self, manifest: Manifest, parts: Mapping[bytes, bytes]) -> None:
        self.write_now(manifest.entity, parts)
        self.name_now(manifest)

    async def delete(self, entity: str) -> None:
        self.delete_now(entity)


class MemoryQuarantine:
    """Stopped entities."""

    def __init__(self) -> None:
        self._rows: dict[str, Quarantine] = {}

    def all_now(self) -> list[Quarantine]:
        return list(self._rows.values())

    def put_now(self, quarantine: Quarantine) -> None:
        self._rows[quarantine.entity] = quarantine

    def clear_now(self, entity: str) -> None:
        self._rows.pop(entity, None)

    async def all(self) -> list[Quarantine]:
        return self.all_now()

    async def put(self, quarantine: Quarantine) -> None:
        self.put_now(quarantine)

    async def clear(self, entity: str) -> None:
        self.clear_now(entity)
