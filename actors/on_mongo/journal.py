"""The journal in MongoDB: one ``insert_many`` per batch, unordered, each document with a fate of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import structlog
from bson import Timestamp
from bson.errors import BSONError
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, PyMongoError

from actors.journal import Document, InDoubt, JournalUnreadable, Outcome, Stored, Taken, document_id
from actors.on_mongo.causality import Causality
from actors.on_mongo.gathering import Gathering
from actors.on_mongo.outages import DUPLICATE_KEY, is_outage

READ_BATCH = 500
SERVER_BYTES_MAX = 15_000_000
"""MongoDB takes documents of at most 16 MiB."""

ENTITIES_AT_ONCE = 64
ROWS_MAX = READ_BATCH
BYTES_MAX = 4_000_000
"""Of many tails read together; what is longer is read on by itself."""

Tail = tuple[str, int]
"""An entity, and the sequence after which its documents are wanted."""

Beginning = tuple[list[Document], bool]

log = structlog.get_logger("kaifan.journal")


def _after(entity: str) -> str:
    """Behind every ``_id`` of this entity: ``g`` follows the hex digits."""
    return f"{entity}@g"


def _between(entity: str, after_seq: int) -> dict[str, Any]:
    return {"_id": {"$gte": document_id(entity, after_seq + 1), "$lt": _after(entity)}}


def to_bson(document: Document) -> dict[str, Any]:
    """As stored; ``ts`` is filled by the server because it is an empty timestamp at the top level."""
    return {
        "_id": document.id,
        "n": document.n,
        "events": document.events,
        "cmds": document.cmds,
        "sends": document.sends,
        "types": document.types,
        "silo": document.silo,
        "nonce": document.nonce,
        "ts": Timestamp(0, 0),
    }


def from_bson(row: dict[str, Any]) -> Document:
    """The document again; entity and first sequence stand in its ``_id``."""
    entity, _, first_seq = row["_id"].rpartition("@")
    return Document(
        entity=entity,
        first_seq=int(first_seq, 16),
        n=row["n"],
        events=bytes(row["events"]),
        cmds=bytes(row["cmds"]),
        sends=bytes(row["sends"]),
        types=row["types"],
        silo=row["silo"],
        nonce=bytes(row["nonce"]),
    )


def _in_doubt(error: Exception) -> InDoubt:
    return InDoubt(f"{type(error).__name__}: {error}"[:200])


def _others(details: Mapping[str, Any], expected: int) -> Outcome:
    """The outcome of the documents that have no error of their own."""
    unsure = details.get("writeConcernErrors")
    if unsure:
        return InDoubt(str(unsure[0])[:200])
    inserted = details.get("nInserted", 0)
    if inserted != expected:
        # The server broke off in the middle: some of them were never tried, and it does not say which.
        return InDoubt(f"{inserted} of {expected} were stored")
    return Stored()


class MongoJournal:
    """``collection`` must have w=majority, j=true and read concern majority (open_stores checks it).

    The client must not retry writes: a driver's silent retry of an insert turns our own success into a duplicate key.
    (It would be recognised by its nonce; but then every outage would cost a read.) A cancelled append is in doubt
    like any other: CancelledError goes through, and the write may land.
    """

    def __init__(
        self, collection: AsyncCollection[dict[str, Any]], causality: Causality | None = None
    ) -> None:
        self._collection = collection
        self._causality = causality or Causality(collection.database.client)
        self._beginnings = Gathering(self._read_beginnings, ENTITIES_AT_ONCE)

    async def append(self, documents: Sequence[Document]) -> list[Outcome]:
        fitting = [document for document in documents if document.size_bytes <= SERVER_BYTES_MAX]
        if len(fitting) < len(documents):
            # One oversized document fails the whole insert_many, so it does not get near it (pitfall 3). The
            # runtime's own limit is far lower; the seal that follows is small and settles this one.
            outcomes = iter(await self.append(fitting) if fitting else [])
            return [
                next(outcomes)
                if document.size_bytes <= SERVER_BYTES_MAX
                else InDoubt("above the server's limit")
                for document in documents
            ]
        return await self._insert(documents)

    async def _insert(self, documents: Sequence[Document]) -> list[Outcome]:
        try:
            await self._collection.insert_many([to_bson(document) for document in documents], ordered=False)
        except BulkWriteError as error:
            return await self._sort_out(documents, error)
        except (PyMongoError, TimeoutError, OSError) as error:
            # Not primary, network, time-out, interrupted …: for every document of the batch nobody knows.
            return [_in_doubt(error) for _ in documents]
        except (BSONError, ValueError, OverflowError) as error:
            # The driver could not write one of them down, and says neither which nor what it has sent already.
            # Each goes by itself: what was stored the first time is found again as our own (pitfalls 1 and 3).
            if len(documents) == 1:
                return [_in_doubt(error)]
            return [outcome for document in documents for outcome in await self._insert([document])]
        return [Stored() for _ in documents]

    async def _sort_out(self, documents: Sequence[Document], error: BulkWriteError) -> list[Outcome]:
        """Errors are per document; a write concern error puts all of the batch in doubt, but for duplicates."""
        details = error.details or {}
        failed = {row["index"]: row for row in details.get("writeErrors") or []}
        others = _others(details, len(documents) - len(failed))
        taken = [i for i, row in failed.items() if row.get("code") == DUPLICATE_KEY]
        standing = await self._standing([documents[i] for i in taken])
        outcomes: list[Outcome] = []
        for index, document in enumerate(documents):
            if index in failed:
                found = standing.get(document.id)
                reason = str(failed[index].get("errmsg", ""))[:200]
                outcomes.append(Taken(found) if found is not None else InDoubt(reason))
            else:
                outcomes.append(others)
        return outcomes

    async def _standing(self, documents: Sequence[Document]) -> dict[str, Document]:
        """What stands under these ids. Empty when it cannot be read: then the outcome stays in doubt."""
        if not documents:
            return {}
        try:
            cursor = self._collection.find({"_id": {"$in": [document.id for document in documents]}})
            rows = await cursor.to_list()
        except (PyMongoError, TimeoutError) as error:
            log.warning("standing_documents_unreadable", reason=str(error)[:200])
            return {}
        return {row["_id"]: from_bson(row) for row in rows}

    async def read(self, entity: str, after_seq: int = 0) -> AsyncIterator[Document]:
        documents, is_all = await self._beginnings.ask((entity, after_seq))
        for document in documents:
            yield document
        if not is_all:
            read_to = documents[-1].last_seq if documents else after_seq
            async for row in self._find(_between(entity, read_to)):
                # The range also holds what another entity wrote whose name goes on with "@".
                if row["_id"].rpartition("@")[0] == entity:
                    yield from_bson(row)

    async def _read_beginnings(self, wanted: list[Tail]) -> dict[Tail, Beginning]:
        """The first documents of many tails, and whether that is all. One read, up to ROWS_MAX or BYTES_MAX."""
        found: dict[Tail, Beginning] = {tail: ([], True) for tail in wanted}
        of_entity: dict[str, list[Tail]] = {}
        for tail in wanted:
            of_entity.setdefault(tail[0], []).append(tail)
        rows = size = 0
        async for row in self._find({"$or": [_between(*tail) for tail in wanted]}):
            entity, _, first_seq = row["_id"].rpartition("@")
            for tail in of_entity.get(entity, ()):
                if int(first_seq, 16) > tail[1]:
                    found[tail][0].append(from_bson(row))
            rows, size = rows + 1, size + len(row["events"]) + len(row["cmds"])
            if rows >= ROWS_MAX or size >= BYTES_MAX:
                return {
                    tail: (documents, _after(tail[0]) <= row["_id"]) for tail, (documents, _) in found.items()
                }
        return found

    async def _find(self, wanted: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Rows in the order of their ``_id``. Raises JournalUnreadable."""
        try:
            async with (
                self._causality.session() as session,
                self._collection.find(
                    wanted, sort=[("_id", 1)], batch_size=READ_BATCH, session=session
                ) as cursor,
            ):
                async for row in cursor:
                    yield row
        except (PyMongoError, TimeoutError) as error:
            if not is_outage(error):
                raise
            raise JournalUnreadable(f"{type(error).__name__}: {error}"[:200]) from error
