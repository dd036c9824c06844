"""Opening the stores: one client, concerns set and checked, indexes made."""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import OperationFailure, PyMongoError, WriteConcernError, WTimeoutError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from actors.on_mongo.causality import Causality
from actors.on_mongo.journal import MongoJournal
from actors.on_mongo.members import MongoMembers
from actors.on_mongo.outages import is_outage
from actors.on_mongo.placement import MongoPlacement
from actors.on_mongo.quarantine import MongoQuarantine
from actors.on_mongo.reminders import MongoReminders
from actors.on_mongo.snapshots import MongoSnapshots
from actors.silo import Stores

SERVER_SELECTION_MS = 2_000
TIMEOUT_MS = 3_000


class NotUsable(Exception):
    """This MongoDB cannot carry the journal: unreachable, not a replica set, without a majority. Says what to do."""


class MongoStores(Stores):
    """The stores of a silo and the client they share. Bound to the loop that opened them."""

    client: AsyncMongoClient[dict[str, Any]]

    async def close(self) -> None:
        await self.client.close()


async def open_stores(uri: str, database: str = "kaifan", timeout_ms: int = TIMEOUT_MS) -> MongoStores:
    """Connect, check what the guarantees need, make indexes. Raises NotUsable."""
    client = _client(uri, timeout_ms)
    try:
        await _check(client)
        handle = client.get_database(
            database,
            read_preference=ReadPreference.PRIMARY,
            # Set here and not left to the server's default (pitfall 4).
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        )
        await _try_majority_write(handle)
        reminders = MongoReminders(handle)
        await reminders.create_indexes()
    except NotUsable:
        await client.close()
        raise
    except PyMongoError as error:
        await client.close()
        raise NotUsable(_why_not(error)) from error
    causality = Causality(client)
    return MongoStores(
        journal=MongoJournal(handle["journal"], causality),
        members=MongoMembers(handle),
        placement=MongoPlacement(handle, causality),
        reminders=reminders,
        snapshots=MongoSnapshots(handle),
        quarantine=MongoQuarantine(handle),
        client=client,
    )


def _client(uri: str, timeout_ms: int) -> AsyncMongoClient[dict[str, Any]]:
    try:
        return AsyncMongoClient(
            uri,
            serverSelectionTimeoutMS=SERVER_SELECTION_MS,
            timeoutMS=timeout_ms,
            retryWrites=False,
            appname="kaifan",
        )
    except (PyMongoError, ValueError) as error:
        # The error's text may quote the URI, and with it a password.
        raise NotUsable(
            f"KAIFAN_MONGO_URI cannot be read ({type(error).__name__}); "
            "it looks like mongodb://host:27017/?replicaSet=name."
        ) from None


def _why_not(error: PyMongoError) -> str:
    if isinstance(error, OperationFailure) and not is_outage(error):
        return (
            f"MongoDB answers but refuses us (code {error.code}): "
            "check the user in KAIFAN_MONGO_URI; it needs to read, write and make indexes."
        )
    return f"MongoDB does not answer ({type(error).__name__}); check KAIFAN_MONGO_URI and the server's log."


async def _try_majority_write(database: AsyncDatabase[dict[str, Any]]) -> None:
    """One journaled majority write before anything depends on one: the concern is set, and it holds (pitfall 4).

    A set that has lost its majority, or a server without a journal, is found here and not by the first diner.
    """
    try:
        await database["counters"].update_one({"_id": "opened"}, {"$inc": {"value": 1}}, upsert=True)
    except (WriteConcernError, WTimeoutError) as error:
        raise NotUsable(
            f"MongoDB's replica set has no majority that writes to its journal ({error.code}); "
            "bring its members back, see rs.status()."
        ) from error


async def _check(client: AsyncMongoClient[dict[str, Any]]) -> None:
    hello = await client.admin.command("hello")
    if "setName" not in hello:
        raise NotUsable(
            "MongoDB is not a replica set, so a majority write proves nothing. "
            "Start it with --replSet and run rs.initiate(); one node is enough to try."
        )
