"""Stores for measuring a silo in one process: a journal in a file (none of it in our memory), or a real mongod."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from actors.journal import Document, Outcome, Stored, Taken
from actors.on_mongo import open_stores
from actors.parts import Part
from actors.silo import Stores
from actors.testing.local import memory_stores
from actors.testing.memory import MemorySnapshots
from cluster.embedded import DataFolder, EmbeddedMongod

UNKEPT = "takeout/"
"""Entities that only stand in for others: what becomes of them is not measured, and is to take no memory."""


class FileJournal:
    """Documents one after the other in a file; in memory only where each of them lies. Not durable: no fsync."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._end = 0
        self._places: dict[str, dict[int, tuple[int, int]]] = {}

    async def append(self, documents: Sequence[Document]) -> list[Outcome]:
        return [self._append(document) for document in documents]

    def _append(self, document: Document) -> Outcome:
        if document.entity.startswith(UNKEPT):
            return Stored()
        places = self._places.setdefault(document.entity, {})
        if document.first_seq in places:
            return Taken(self._read(places[document.first_seq]))
        raw = msgspec.msgpack.encode(document)
        os.pwrite(self._file, raw, self._end)
        places[document.first_seq] = self._end, len(raw)
        self._end += len(raw)
        return Stored()

    def _read(self, place: tuple[int, int]) -> Document:
        return msgspec.msgpack.decode(os.pread(self._file, place[1], place[0]), type=Document)

    async def read(self, entity: str, after_seq: int = 0) -> AsyncIterator[Document]:
        # An entity's documents were written in their order.
        for first_seq, place in list(self._places.get(entity, {}).items()):
            if first_seq > after_seq:
                yield self._read(place)


class FileSnapshots(MemorySnapshots):
    """Manifests in memory, parts as files; counts the bytes that each snapshot wrote anew."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.written: list[int] = []

    def write_now(self, entity: str, parts: Mapping[bytes, bytes]) -> None:
        for digest, raw in parts.items():
            (self._folder / digest.hex()).write_bytes(raw)
        self.written.append(sum(map(len, parts.values())))

    def parts_now(self, entity: str, wanted: Sequence[Part]) -> list[bytes] | None:
        return [(self._folder / part.digest.hex()).read_bytes() for part in wanted]


def file_stores(folder: Path) -> Stores:
    """Journal and snapshots in files, the rest in memory."""
    journal, snapshots = FileJournal(folder / "journal"), FileSnapshots(folder)
    return msgspec.structs.replace(memory_stores(), journal=journal, snapshots=snapshots)


@asynccontextmanager
async def mongo_stores(folder: Path) -> AsyncIterator[Stores]:
    """A mongod of our own; majority and journaled, as in production."""
    data = DataFolder(folder)
    data.lock()
    mongod = EmbeddedMongod(data)
    await mongod.start()
    stores = await open_stores(mongod.uri, "longsale", timeout_ms=30_000)
    try:
        yield stores
    finally:
        await stores.close()
        await mongod.stop()
        data.unlock()
