"""The stores over a mongod that is killed and comes back: nothing acknowledged is lost, nobody has to reconnect."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from actors.journal import Document, InDoubt, JournalUnreadable, Outcome, Stored, Taken
from actors.on_mongo import MongoStores, open_stores
from actors.placement import copy, empty, propose, silo_name, take
from cluster.embedded import DataFolder, EmbeddedMongod
from cluster.embedded.processes import process_end

pytestmark = [pytest.mark.anyio, pytest.mark.services]

BACK_S = 30.0
ADDRESS = "silo-0#1"


def document(first_seq: int, nonce: bytes = b"one") -> Document:
    return Document(
        entity="shop/a",
        first_seq=first_seq,
        n=1,
        events=b"e",
        cmds=b"",
        sends=b"",
        types=[],
        silo=ADDRESS,
        nonce=nonce,
    )


async def append_until_known(stores: MongoStores, document: Document) -> Outcome:
    async with asyncio.timeout(BACK_S):
        while True:
            (outcome,) = await stores.journal.append([document])
            if not isinstance(outcome, InDoubt):
                return outcome
            await asyncio.sleep(0.05)


async def read_until_answered(stores: MongoStores) -> list[Document]:
    async with asyncio.timeout(BACK_S):
        while True:
            try:
                return [one async for one in stores.journal.read("shop/a")]
            except JournalUnreadable:
                await asyncio.sleep(0.05)


async def test_pitfall_1_after_kill_9_the_same_client_finds_all_that_was_acknowledged(tmp_path: Path) -> None:
    """Also what it must see after a take-over; its own write asked again is found as its own."""
    folder = DataFolder(tmp_path / "data")
    folder.lock()
    async with EmbeddedMongod(folder) as mongod:
        stores = await open_stores(mongod.uri, timeout_ms=1_000)
        proposed = propose(empty(), {ADDRESS: silo_name(ADDRESS)}, [])
        assert proposed is not None
        assert await stores.placement.swap(proposed)
        assert await stores.journal.append([document(1), document(2)]) == [Stored(), Stored()]
        taken = take(copy(await stores.placement.read()), ADDRESS)
        assert taken is not None
        assert await stores.placement.swap(taken)
        os.kill(mongod.pid, signal.SIGKILL)
        await process_end(mongod.pid)
        (lost,) = await stores.journal.append([document(3)])
        assert isinstance(lost, InDoubt)

        await mongod.restart()

        assert await read_until_answered(stores) == [document(1), document(2)]
        assert await append_until_known(stores, document(2)) == Taken(document(2))
        assert await append_until_known(stores, document(3, b"seal")) == Stored()
        assert (await stores.placement.read()).owned_by(ADDRESS) == list(range(1_024))
        await stores.close()
    folder.unlock()


async def test_pitfall_2_a_cancelled_append_may_have_landed_and_the_seal_tells(tmp_path: Path) -> None:
    """mongod stands still while the caller gives up: the write is still on its way, and lands later."""
    folder = DataFolder(tmp_path / "data")
    folder.lock()
    async with EmbeddedMongod(folder) as mongod:
        stores = await open_stores(mongod.uri)
        assert await stores.journal.append([document(1)]) == [Stored()]
        os.kill(mongod.pid, signal.SIGSTOP)
        try:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await stores.journal.append([document(2)])
        finally:
            os.kill(mongod.pid, signal.SIGCONT)

        settled = await append_until_known(stores, document(2, b"seal"))

        assert settled in (Stored(), Taken(document(2)))
        winner = document(2, b"seal") if settled == Stored() else document(2)
        assert await read_until_answered(stores) == [document(1), winner]
        assert await append_until_known(stores, document(2, b"late")) == Taken(winner)
        await stores.close()
    folder.unlock()
