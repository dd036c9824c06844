"""What a real mongod's failures mean: only a duplicate key is a definite no (guarantee 3)."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from actors.journal import Document, InDoubt, JournalUnreadable, Stored, Taken
from actors.membership import StoreUnreachable
from actors.on_mongo import MongoStores, NotUsable, open_stores
from cluster.embedded import EmbeddedMongod

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture
async def stores(mongod: EmbeddedMongod, database: str) -> AsyncIterator[MongoStores]:
    opened = await open_stores(mongod.uri, database, timeout_ms=700)
    yield opened
    await opened.close()
    # By a new client: after "shutting down" the driver leaves the server alone until its next heartbeat.
    fresh = await open_stores(mongod.uri, database)
    await _fail(fresh, "off")
    await fresh.client.drop_database(database)
    await fresh.close()


async def _fail(stores: MongoStores, mode: Any, **data: Any) -> None:
    await stores.client.admin.command(
        {"configureFailPoint": "failCommand", "mode": mode, "data": {"failCommands": ["insert"], **data}}
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


async def stored(stores: MongoStores, entity: str) -> list[Document]:
    return [one async for one in stores.journal.read(entity)]


@pytest.mark.parametrize("code", [10107, 11600, 11602, 91, 189])
async def test_not_primary_and_interrupted_leave_every_document_in_doubt(
    stores: MongoStores, code: int
) -> None:
    """NotWritablePrimary, Interrupted…, ShutdownInProgress, PrimarySteppedDown: nobody knows."""
    await _fail(stores, {"times": 1}, errorCode=code)
    outcomes = await stores.journal.append([document("shop/a"), document("shop/b")])

    assert [type(outcome) for outcome in outcomes] == [InDoubt, InDoubt]


async def test_a_closed_connection_leaves_the_write_in_doubt_and_is_not_retried(stores: MongoStores) -> None:
    """The driver does not try again by itself: the runtime settles it."""
    await _fail(stores, {"times": 1}, closeConnection=True)
    (outcome,) = await stores.journal.append([document()])

    assert isinstance(outcome, InDoubt)
    assert await stored(stores, "shop/a") == []
    assert await stores.journal.append([document()]) == [Stored()]


async def test_a_write_concern_error_is_doubt_though_the_document_is_there(stores: MongoStores) -> None:
    """Written on the primary, not known to be on a majority. Its seal finds it: it is ours, and stored."""
    await _fail(
        stores, {"times": 1}, writeConcernError={"code": 64, "errmsg": "waiting for replication timed out"}
    )
    (outcome,) = await stores.journal.append([document()])
    assert isinstance(outcome, InDoubt)

    (sealed,) = await stores.journal.append([document(nonce=b"seal")])
    assert isinstance(sealed, Taken)
    assert sealed.document.nonce == b"one"


async def test_a_write_concern_error_beside_a_duplicate_key_leaves_the_duplicate_definite(
    stores: MongoStores,
) -> None:
    """A taken place is a definite no whatever became of its neighbours."""
    standing = document("shop/b", nonce=b"standing")
    await stores.journal.append([standing])
    await _fail(stores, {"times": 1}, writeConcernError={"code": 64, "errmsg": "timed out"})
    outcomes = await stores.journal.append([document("shop/a"), document("shop/b")])

    assert isinstance(outcomes[0], InDoubt)
    assert outcomes[1] == Taken(standing)


async def test_pitfall_2_a_stopped_mongod_means_doubt_and_the_seal_decides(
    stores: MongoStores, mongod: EmbeddedMongod
) -> None:
    """mongod stands still during the write: in doubt; when it goes on, a seal under the same _id settles it."""
    await stores.journal.append([document(first_seq=1)])
    os.kill(mongod.pid, signal.SIGSTOP)
    try:
        (outcome,) = await stores.journal.append([document(first_seq=2)])
        assert isinstance(outcome, InDoubt)
        with pytest.raises(JournalUnreadable):
            await stored(stores, "shop/a")
        with pytest.raises(StoreUnreachable):
            await stores.placement.read()
    finally:
        os.kill(mongod.pid, signal.SIGCONT)
    seal = document(first_seq=2, nonce=b"seal")
    (settled,) = await _until_known(stores, seal)

    assert settled == Stored() or (isinstance(settled, Taken) and settled.document.nonce == b"one")
    history = await stored(stores, "shop/a")
    assert [one.first_seq for one in history] == [1, 2]
    assert history[1].nonce == (b"seal" if settled == Stored() else b"one")


async def _until_known(stores: MongoStores, seal: Document) -> list[Any]:
    async with asyncio.timeout(20):
        while True:
            outcomes = await stores.journal.append([seal])
            if not isinstance(outcomes[0], InDoubt):
                return list(outcomes)


async def test_an_oversized_document_does_not_fail_its_neighbours(stores: MongoStores) -> None:
    """It is in doubt by itself; the runtime's own limit is far below the server's."""
    large = document("shop/large")
    large.events = b"x" * 17_000_000
    outcomes = await stores.journal.append([document("shop/a"), large, document("shop/b")])

    assert [type(outcome) for outcome in outcomes] == [Stored, InDoubt, Stored]


async def test_pitfall_4_concerns_are_set_by_us(stores: MongoStores) -> None:
    """Majority and journaled, read by majority from the primary, no silent retries."""
    collection = stores.journal._collection  # type: ignore[attr-defined]

    assert collection.write_concern.document == {"w": "majority", "j": True}
    assert collection.read_concern.level == "majority"
    assert stores.client.options.retry_writes is False


async def test_a_mongod_that_is_not_there_is_said_clearly() -> None:
    """With the setting's name to look at."""
    with pytest.raises(NotUsable, match="KAIFAN_MONGO_URI"):
        await open_stores("mongodb://127.0.0.1:9/?directConnection=true")
