"""Reads go together, and each caller gets what it asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors.journal import Document
from actors.on_mongo.gathering import FLIGHTS_MAX, Gathering
from actors.on_mongo.journal import ENTITIES_AT_ONCE, ROWS_MAX, MongoJournal
from actors.on_mongo.stores import open_stores
from cluster.embedded import EmbeddedMongod

pytestmark = pytest.mark.anyio


class Server:
    """Answers a read with the keys' squares, when it is let."""

    def __init__(self) -> None:
        self.reads: list[list[int]] = []
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def fetch(self, keys: list[int]) -> dict[int, int]:
        self.reads.append(keys)
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return {key: key * key for key in keys}


async def test_what_is_asked_while_reads_are_under_way_goes_together() -> None:
    """Two reads at most are under way; the rest is one more."""
    server = Server()
    gathering = Gathering(server.fetch, 100)
    first = asyncio.gather(*(gathering.ask(key) for key in (1, 2)))
    while len(server.reads) < FLIGHTS_MAX - 1:
        await asyncio.sleep(0)
    later = asyncio.gather(*(gathering.ask(key) for key in range(3, 50)), gathering.ask(3))
    await asyncio.sleep(0)
    server.may_answer.set()

    assert await first == [1, 4]
    assert await later == [key * key for key in [*range(3, 50), 3]]
    assert server.reads[0] == [1, 2]
    assert [key for read in server.reads for key in read] == list(range(1, 50))
    assert len(server.reads) <= 1 + FLIGHTS_MAX


async def test_no_read_is_for_more_keys_than_allowed() -> None:
    server = Server()
    server.may_answer.set()
    gathering = Gathering(server.fetch, 10)

    assert await asyncio.gather(*(gathering.ask(key) for key in range(95))) == [key**2 for key in range(95)]
    assert max(len(read) for read in server.reads) == 10


async def test_an_outage_is_heard_by_everybody_who_asked_and_by_nobody_later() -> None:
    server = Server()
    server.may_answer.set()
    server.error = ConnectionError("away")
    gathering = Gathering(server.fetch, 100)

    outcomes = await asyncio.gather(*(gathering.ask(key) for key in (1, 2)), return_exceptions=True)
    server.error = None

    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 2
    assert await gathering.ask(1) == 1


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    server = Server()
    gathering = Gathering(server.fetch, 100)
    impatient, patient = asyncio.ensure_future(gathering.ask(7)), asyncio.ensure_future(gathering.ask(7))
    while not server.reads:
        await asyncio.sleep(0)
    impatient.cancel()
    server.may_answer.set()

    assert await patient == 49
    assert impatient.cancelled() or await asyncio.wait([impatient])


# --- the journal's tails, on a real server --------------------------------------------------------------------


@pytest.fixture
async def journal(mongod: EmbeddedMongod, database: str) -> AsyncIterator[MongoJournal]:
    stores = await open_stores(mongod.uri, database)
    yield stores.journal  # type: ignore[misc]
    await stores.close()


def document(entity: str, first_seq: int, n: int = 1, size: int = 10) -> Document:
    return Document(
        entity=entity,
        first_seq=first_seq,
        n=n,
        events=b"e" * size,
        cmds=b"",
        sends=b"",
        types=[],
        silo="s#1",
        nonce=b"n",
    )


async def read(journal: MongoJournal, entity: str, after: int = 0) -> list[int]:
    return [found.first_seq async for found in journal.read(entity, after)]


async def test_many_tails_read_at_once_are_each_whole_and_their_own(journal: MongoJournal) -> None:
    """Short ones, long ones beyond one read, empty ones, names that go on with "@", from the middle."""
    histories = {f"shop/{number}": list(range(1, 1 + number % 7)) for number in range(3 * ENTITIES_AT_ONCE)}
    histories["shop/1@2"] = [1, 2]
    histories["shop/long"] = list(range(1, ROWS_MAX + 200))
    histories["shop/zzz"] = [1, 2, 3]
    for entity, seqs in histories.items():
        if seqs:
            await journal.append([document(entity, seq) for seq in seqs])

    whole = await asyncio.gather(*(read(journal, entity) for entity in histories))
    middle = await asyncio.gather(*(read(journal, entity, 2) for entity in histories))
    twice = await asyncio.gather(
        read(journal, "shop/zzz"), read(journal, "shop/zzz", 1), read(journal, "shop/none")
    )

    assert dict(zip(histories, whole, strict=True)) == histories
    assert dict(zip(histories, middle, strict=True)) == {
        entity: [seq for seq in seqs if seq > 2] for entity, seqs in histories.items()
    }
    assert twice == [[1, 2, 3], [2, 3], []]


async def test_large_tails_are_not_held_in_memory_together(journal: MongoJournal) -> None:
    """A read ends at some megabytes; each goes on by itself and is whole."""
    for entity in ("shop/a", "shop/b", "shop/c"):
        for seq in range(1, 8):
            await journal.append([document(entity, seq, size=900_000)])

    tails = await asyncio.gather(*(read(journal, entity) for entity in ("shop/a", "shop/b", "shop/c")))

    assert tails == [list(range(1, 8))] * 3
