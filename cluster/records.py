"""The journal as operators read it: of a running system, or of a stopped one through a mongod of their own."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from bson import Timestamp
from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from actors.journal import Document
from actors.on_mongo.journal import MongoJournal, from_bson
from actors.on_mongo.quarantine import MongoQuarantine
from cluster.embedded import DataFolder, EmbeddedFailure, EmbeddedMongod
from cluster.settings import Settings

MONGO_URI_FILE = "mongo_uri"
"""In the run folder: where the launcher's mongod listens."""

SELECTION_MS = 3_000
SOCKET_MS = 60_000
BATCH = 1_000


class Records:
    """What an operator reads (all of it) and writes (quarantine only). Bound to the loop that opened it."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]], database: str) -> None:
        handle = client.get_database(
            database,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern(w="majority", j=True),
        )
        self.client = client
        self.journal = MongoJournal(handle["journal"])
        self.quarantine = MongoQuarantine(handle)
        self._documents = handle["journal"]
        self._reminders = handle["reminders"]

    async def now(self) -> Timestamp:
        """The store's own time: a document is stamped with it when it is written."""
        answer = await self.client.admin.command("ping")
        stamp: Timestamp = answer["operationTime"]
        return stamp

    async def documents(self, until: Timestamp, since: datetime | None = None) -> AsyncIterator[Document]:
        """All documents written up to ``until``, entity by entity, each entity's in order.

        A message between entities is written after its cause, so what this gives is consistent: no effect without
        its cause, also while the system goes on. With ``since``, only entities that changed after it (whole).
        """
        if since is None:
            async for document in self._range({"ts": {"$lte": until}}):
                yield document
            return
        async for document in self.documents_of(await self._changed(until, since), until):
            yield document

    async def documents_of(self, entities: Iterable[str], until: Timestamp) -> AsyncIterator[Document]:
        """These entities' documents written up to ``until``, as above."""
        for entity in entities:
            first, last = f"{entity}@", f"{entity}@g"
            async for document in self._range({"_id": {"$gte": first, "$lt": last}, "ts": {"$lte": until}}):
                yield document

    async def _range(self, where: dict[str, Any]) -> AsyncIterator[Document]:
        # The order of _id is the order of entities and, within one, of sequences (fixed-width hex).
        async for row in self._documents.find(where).sort("_id", 1).hint([("_id", 1)]).batch_size(BATCH):
            yield from_bson(row)

    async def _changed(self, until: Timestamp, since: datetime) -> list[str]:
        where = {"ts": {"$gte": Timestamp(int(since.timestamp()), 0), "$lte": until}}
        found: dict[str, None] = {}
        async for row in self._documents.find(where, {"_id": 1}).sort("_id", 1):
            found[row["_id"].rpartition("@")[0]] = None
        return list(found)

    async def overdue_reminders(self, before_ms: int) -> int:
        """Reminders that should have fired before this moment."""
        return int(await self._reminders.count_documents({"at": {"$lt": before_ms}}))


def is_running(data_dir: Path) -> bool:
    """Whether a Kaifan holds this folder's lock now. Creates nothing."""
    try:
        handle = os.open(data_dir / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextlib.asynccontextmanager
async def open_records(settings: Settings) -> AsyncIterator[Records]:
    """Raises EmbeddedFailure when there are none to read."""
    async with contextlib.AsyncExitStack() as stack:
        uri = await _uri(settings, stack)
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            uri, serverSelectionTimeoutMS=SELECTION_MS, socketTimeoutMS=SOCKET_MS, appname="kaifan-operator"
        )
        stack.push_async_callback(client.close)
        try:
            await client.admin.command("ping")
        except PyMongoError as error:
            raise EmbeddedFailure(
                f"MongoDB does not answer ({type(error).__name__}).",
                "Wait until the system is up, or stop it and ask again; `kaifan doctor` looks at the machine.",
            ) from error
        yield Records(client, settings.mongo_database)


async def _uri(settings: Settings, stack: contextlib.AsyncExitStack) -> str:
    if settings.mongo_uri:
        return settings.mongo_uri
    if not (settings.data_dir / "mongod").exists():
        raise EmbeddedFailure(
            f"There are no data of a Kaifan in {settings.data_dir.resolve()}.",
            "Give its folder with --data-dir, or start one with `make run`.",
        )
    if is_running(settings.data_dir):
        file = settings.data_dir / "run" / MONGO_URI_FILE
        if not file.exists():
            raise EmbeddedFailure("This Kaifan is still starting.", "Ask again when it is ready.")
        return file.read_text().strip()
    folder = DataFolder(settings.data_dir)
    folder.lock()
    stack.callback(folder.unlock)
    folder.end_leftovers()
    mongod = EmbeddedMongod(folder)
    await mongod.start()
    stack.push_async_callback(mongod.stop)
    return mongod.uri
