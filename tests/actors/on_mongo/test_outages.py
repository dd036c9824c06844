"""What a real mongod's outages mean to the stores around the journal: ask again, never a mistake of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo.errors import BulkWriteError

from actors.journal import Document, InDoubt, JournalUnreadable, Stored, Taken
from actors.membership import Member, StoreUnreachable
from actors.on_mongo import MongoStores, NotUsable, open_stores
from actors.on_mongo.journal import READ_BATCH, MongoJournal
from actors.placement import empty, propose
from actors.testing.local import local_silo
from actors.words import Accepted
from cluster.embedded import EmbeddedMongod
from tests.actors.counter_shop import Buy, HowMany, Shop

pytestmark = [pytest.mark.anyio, pytest.mark.services]

TIMED_OUT = {"code": 64, "errmsg": "waiting for replication timed out"}


@pytest.fixture
async def stores(mongod: EmbeddedMongod, database: str) -> AsyncIterator[MongoStores]:
    opened = await open_stores(mongod.uri, database)
    yield opened
    await opened.close()
    # By a new client: after "shutting down" the driver leaves the server alone until its next heartbeat.
    fresh = await open_stores(mongod.uri, database)
    await fail(fresh, "off", [])
    await fresh.client.drop_database(database)
    await fresh.close()


async def fail(stores: MongoStores, mode: Any, commands: list[str], **data: Any) -> None:
    """Let the server answer these commands with a failure, ``mode`` times."""
    await stores.client.admin.command(
        {"configureFailPoint": "failCommand", "mode": mode, "data": {"failCommands": commands, **data}}
    )


def document(entity: str = "shop/a", first_seq: int = 1, nonce: bytes = b"one") -> Document:
    return Document(
        entity=entity,
        first_seq=first_seq,
        n=1,
        events=b"e",
        cmds=b"",
        sends=b"",
        types=[],
        silo="silo-0#1",
        nonce=nonce,
    )


async def test_G7_reminder_rows_without_a_majority_are_an_outage(stores: MongoStores) -> None:
    """The bulk write hides it one level down; taken for a mistake, it would end the flight that waits for it."""
    await fail(stores, {"times": 1}, ["update"], writeConcernError=TIMED_OUT)

    with pytest.raises(StoreUnreachable):
        await stores.reminders.at_latest({"shop/a": 500}, "x:1")


async def test_no_reminder_rows_are_no_write(stores: MongoStores) -> None:
    """An empty batch is not an error."""
    await stores.reminders.at_latest({}, "x:1")

    assert await stores.reminders.due(10_000, range(1_024), 10) == []


@pytest.mark.parametrize("code", [43, 91, 134, 189, 10107, 11602])
async def test_a_journal_that_cannot_be_read_now_says_so(stores: MongoStores, code: int) -> None:
    """Also when the server forgot the cursor between two batches, as after its restart."""
    await stores.journal.append([document(first_seq=seq) for seq in range(1, 2 * READ_BATCH + 10)])
    await fail(stores, {"times": 1}, ["getMore"], errorCode=code)

    with pytest.raises(JournalUnreadable):
        async for _ in stores.journal.read("shop/a"):
            pass


async def test_G5_a_renewal_without_a_majority_is_an_outage(stores: MongoStores) -> None:
    """Nobody knows whether the beat was raised; the lease is not."""
    member = await stores.members.register(Member(name="silo-0", incarnation=0))
    await fail(stores, {"times": 1}, ["findAndModify"], writeConcernError=TIMED_OUT)

    with pytest.raises(StoreUnreachable):
        await stores.members.renew(member)


async def test_a_name_that_cannot_be_written_does_not_fail_its_neighbours(stores: MongoStores) -> None:
    """The driver refuses the whole batch for it; each document goes by itself then."""
    batch = [document("shop/a"), document("shop/\ud800"), document("shop/b")]

    outcomes = await stores.journal.append(batch)

    assert [type(outcome) for outcome in outcomes] == [Stored, InDoubt, Stored]


async def test_pitfall_3_what_the_server_refuses_fails_alone(stores: MongoStores, database: str) -> None:
    """Refused for another reason than a duplicate key is no definite no."""
    standing = document("shop/a", nonce=b"standing")
    await stores.journal.append([standing])
    await stores.client[database].command({"collMod": "journal", "validator": {"silo": {"$ne": "silo-9#9"}}})
    refused = document("shop/c")
    refused.silo = "silo-9#9"

    outcomes = await stores.journal.append([document("shop/a"), document("shop/b"), refused])

    assert outcomes[:2] == [Taken(standing), Stored()]
    assert isinstance(outcomes[2], InDoubt)


async def test_pitfall_3_documents_the_server_never_tried_are_in_doubt(stores: MongoStores) -> None:
    """It broke off after the first and counts what it stored: no error of its own is no proof."""
    answer = {"nInserted": 0, "writeErrors": [{"index": 0, "code": 11602, "errmsg": "interrupted"}]}
    assert isinstance(stores.journal, MongoJournal)

    outcomes = await stores.journal._sort_out(
        [document("shop/a"), document("shop/b")], BulkWriteError(answer)
    )

    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]


async def test_G1_an_entity_is_not_read_with_another_whose_name_goes_on_with_an_at_sign(
    stores: MongoStores,
) -> None:
    """``shop/a`` and ``shop/a@1`` share a range of keys, not a history."""
    await stores.journal.append([document("shop/a"), document("shop/a@1"), document("shop/a", 2)])

    assert [one.id async for one in stores.journal.read("shop/a")] == [
        "shop/a@0000000000000001",
        "shop/a@0000000000000002",
    ]


async def test_G1_a_tail_read_after_a_take_over_is_no_older_than_it(
    stores: MongoStores, database: str
) -> None:
    """The server is asked for a state as late as the write that took the shards: its profile says so."""
    profiled = stores.client[database]
    await profiled.command({"profile": 2})
    taking = propose(empty(), {"silo-0#1": "silo-0"}, [])
    assert taking is not None

    assert await stores.placement.swap(taking)
    assert [one async for one in stores.journal.read("shop/a")] == []

    await profiled.command({"profile": 0})
    (swap,) = await profiled["system.profile"].find({"ns": f"{database}.placement"}).to_list()
    (read,) = await profiled["system.profile"].find({"ns": f"{database}.journal"}).to_list()
    concern = read["command"]["readConcern"]
    assert concern["level"] == "majority"
    assert concern["afterClusterTime"] > swap["command"]["$clusterTime"]["clusterTime"]


async def test_who_ended_long_ago_by_the_primarys_clock_is_forgotten(
    stores: MongoStores, database: str
) -> None:
    """A later registration clears rows that ended more than a day ago, and only those."""
    for _ in range(2):
        await stores.members.register(Member(name="silo-0", incarnation=0))
    for incarnation in (1, 2):
        await stores.members.mark_ended("silo-0", incarnation, None)
    await stores.client[database]["members"].update_one(
        {"_id": "silo-0#1"},
        [{"$set": {"ended_at": {"$dateSubtract": {"startDate": "$$NOW", "unit": "hour", "amount": 25}}}}],
    )

    await stores.members.register(Member(name="silo-1", incarnation=0))

    assert {m.address for m in await stores.members.members()} == {"silo-0#2", "silo-1#1"}


async def test_a_system_that_was_stopped_for_days_serves_again(stores: MongoStores, database: str) -> None:
    """The placement still names the owner that ended then: it must be known that it has ended."""
    async with local_silo(Shop, stores=stores) as silo:
        await silo.router.ask("shop/a", Buy(quantity=3), command_id=b"bought".ljust(16))
    await stores.client[database]["members"].update_many(
        {}, [{"$set": {"ended_at": {"$dateSubtract": {"startDate": "$$NOW", "unit": "day", "amount": 3}}}}]
    )

    async with local_silo(Shop, stores=stores) as silo:
        reply = await silo.router.ask("shop/a", HowMany(), timeout_s=15)

    assert isinstance(reply, Accepted), reply


@pytest.mark.parametrize("uri", ["mongodb://", "mongo://127.0.0.1", "mongodb://127.0.0.1:99999/"])
async def test_a_uri_that_cannot_be_read_is_said_clearly(uri: str) -> None:
    """With the setting's name to look at."""
    with pytest.raises(NotUsable, match="KAIFAN_MONGO_URI"):
        await open_stores(uri)


async def test_pitfall_4_a_server_without_a_majority_is_refused_at_the_start(
    stores: MongoStores, mongod: EmbeddedMongod, database: str
) -> None:
    """One journaled majority write is tried before anything depends on one."""
    await fail(stores, {"times": 1}, ["update"], writeConcernError=TIMED_OUT)

    with pytest.raises(NotUsable, match="majority"):
        await open_stores(mongod.uri, database)
