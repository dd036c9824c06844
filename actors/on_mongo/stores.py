"""Opening the stores: one client, concerns set and checked, indexes made."""

from __future__ import annotations

from typing import Any

from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from actors.on_mongo.journal import MongoJournal
from actors.on_mongo.members import MongoMembers
from actors.on_mongo.placement import MongoPlacement
from actors.on_mongo.quarantine import MongoQuarantine
from actors.on_mongo.reminders import MongoReminders
from actors.on_mongo.snapshots import MongoSnapshots
from actors.silo import Stores

SERVER_SELECTION_MS = 2_000
TIMEOUT_MS = 3_000


class NotUsable(Exception):
    """This MongoDB cannot carry the journal: unreachable, or not a replica set. Says what to do."""


class MongoStores(Stores):
    """The stores of a silo and the client they share. Bound to the loop that opened them."""

    client: AsyncMongoClient[dict[str, Any]]

    async def close(self) -> None:
        await self.client.close()


async def open_stores(uri: str, database: str = "kaifan", timeout_ms: int = TIMEOUT_MS) -> MongoStores:
    """Connect, check what the guarantees need, make indexes. Raises NotUsable."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        uri,
        serverSelectionTimeoutMS=SERVER_SELECTION_MS,
        timeoutMS=timeout_ms,
        retryWrites=False,
        appname="kaifan",
    )
    try:
        await _check(client)
        handle = client.get_database(
            database,
            read_preference=ReadPreference.PRIMARY,
            # Set here and not left to the server's default (pitfall 4).
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        )
        reminders = MongoReminders(handle)
        await reminders.create_indexes()
    except PyMongoError as error:
        await client.close()
        raise NotUsable(
            f"MongoDB does not answer ({type(error).__name__}); check KAIFAN_MONGO_URI and the server's log."
        ) from error
    except NotUsable:
        await client.close()
        raise
    return MongoStores(
        journal=MongoJournal(handle["journal"]),
        members=MongoMembers(handle),
        placement=MongoPlacement(handle),
        reminders=reminders,
        snapshots=MongoSnapshots(handle),
        quarantine=MongoQuarantine(handle),
        client=client,
    )


async def _check(client: AsyncMongoClient[dict[str, Any]]) -> None:
    hello = await client.admin.command("hello")
    if "setName" not in hello:
        raise NotUsable(
            "MongoDB is not a replica set, so a majority write proves nothing. "
            "Start it with --replSet and run rs.initiate(); one node is enough to try."
        )
