"""Stores for measuring a silo in one process: a journal in a file (none of it in our memory), or a real mongod."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from actors.journal import Document, Outcome, Stored, Taken
from actors.on_mongo import open_stores
from actors.silo import Stores
from actors.testing.local import memory_stores
from cluster.embedded import DataFolder, EmbeddedMongod


class FileJournal:
    """Documents one after the other in a file; in memory only where each of them lies. Not durable: no fsync."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._end = 0
        self._places: dict[str, dict[int, tuple[int, int]]] = {}

    async def append(self, documents: Sequence[Document]) -> list[Outcome]:
        return [self._append(document) for document in documents]

    def _append(self, document: Document) -> Outcome:
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


def file_stores(folder: Path) -> Stores:
    """A journal in a file, the rest in memory."""
    return msgspec.structs.replace(memory_stores(), journal=FileJournal(folder / "journal"))


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
