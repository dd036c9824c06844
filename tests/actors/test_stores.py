"""One suite for every implementation of the ports: in memory, and on a real mongod."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors.journal import Document, Stored, Taken
from actors.membership import ALIVE, ENDED, LEAVING, Member
from actors.on_mongo import open_stores
from actors.parts import Part
from actors.placement import copy, empty, propose, shard_of, take
from actors.quarantine import SKIP, Quarantine
from actors.reminders import Reminder
from actors.silo import Stores
from actors.snapshots import Manifest
from actors.testing.local import memory_stores
from cluster.embedded import EmbeddedMongod

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture(params=["memory", "mongo"])
async def stores(
    request: pytest.FixtureRequest, mongod: EmbeddedMongod, database: str
) -> AsyncIterator[Stores]:
    if request.param == "memory":
        yield memory_stores()
        return
    opened = await open_stores(mongod.uri, database)
    yield opened
    await opened.client.drop_database(database)
    await opened.close()


def document(entity: str = "shop/a", first_seq: int = 1, nonce: bytes = b"one", n: int = 1) -> Document:
    return Document(
        entity=entity,
        first_seq=first_seq,
        n=n,
        events=b"events \x00\xff",
        cmds=b"cmds",
        sends=b"",
        types=["Bought"],
        silo="silo-0#1",
        nonce=nonce,
    )


async def read(stores: Stores, entity: str, after_seq: int = 0) -> list[Document]:
    return [document async for document in stores.journal.read(entity, after_seq)]


# --- journal -------------------------------------------------------------------------------------------------


async def test_G1_the_id_is_the_fence(stores: Stores) -> None:
    """A second document under the same first sequence is refused, and the standing one is shown."""
    first, second = document(nonce=b"one"), document(nonce=b"two")
    assert await stores.journal.append([first]) == [Stored()]

    assert await stores.journal.append([second]) == [Taken(first)]
    assert await read(stores, "shop/a") == [first]


async def test_pitfall_3_documents_of_a_batch_have_fates_of_their_own(stores: Stores) -> None:
    """One taken place fails one document; its neighbours, before and after it, are stored."""
    standing = document("shop/b", nonce=b"standing")
    await stores.journal.append([standing])
    batch = [document("shop/a"), document("shop/b"), document("shop/c")]

    assert await stores.journal.append(batch) == [Stored(), Taken(standing), Stored()]
    assert await read(stores, "shop/c") == [batch[2]]


async def test_reading_gives_one_entity_in_order_after_a_sequence(stores: Stores) -> None:
    """Also past the sixteenth and the 256th, and not of an entity whose name begins alike."""
    mine = [document(first_seq=seq) for seq in range(1, 300)]
    await stores.journal.append([document("shop/ab"), document("shop/a.b"), *reversed(mine)])

    assert await read(stores, "shop/a") == mine
    assert await read(stores, "shop/a", after_seq=290) == mine[290:]
    assert await read(stores, "shop/nobody") == []


# --- members -------------------------------------------------------------------------------------------------


async def test_each_start_is_a_new_incarnation(stores: Stores) -> None:
    """The numbers of a name only grow."""
    first = await stores.members.register(Member(name="silo-0", incarnation=0, pid=7, facts={"k": "v"}))
    second = await stores.members.register(Member(name="silo-0", incarnation=0))

    assert (first.address, second.address) == ("silo-0#1", "silo-0#2")
    assert {m.address: m.pid for m in await stores.members.members()} == {"silo-0#1": 7, "silo-0#2": 0}


async def test_renewing_raises_the_beat_and_tells_the_stores_clock(stores: Stores) -> None:
    """The renewal carries the state too, and what the silo learnt since it registered."""
    member = await stores.members.register(Member(name="silo-0", incarnation=0, spare=True))
    member.state, member.port, member.spare = LEAVING, 4_711, False
    member.seat, member.hot = "silo-7", ["shop/$a", "shop/b"]
    renewal = await stores.members.renew(member)
    (seen,) = await stores.members.members()

    assert not renewal.ended
    assert renewal.primary_ms > 1_700_000_000_000
    assert (seen.beat, seen.state, seen.port, seen.spare) == (1, LEAVING, 4_711, False)
    assert (seen.seat, seen.hot) == ("silo-7", ["shop/$a", "shop/b"])


async def test_pitfall_8_who_was_marked_ended_never_renews_again(stores: Stores) -> None:
    """A successor's word is final; marking again says so too."""
    member = await stores.members.register(Member(name="silo-0", incarnation=0))
    assert await stores.members.mark_ended("silo-0", 1, member.beat)

    assert (await stores.members.renew(member)).ended
    assert await stores.members.mark_ended("silo-0", 1, 99)
    assert [m.state for m in await stores.members.members()] == [ENDED]


async def test_a_silo_that_renewed_meanwhile_is_not_marked_ended(stores: Stores) -> None:
    """The accuser saw an older beat; a known end needs no beat."""
    member = await stores.members.register(Member(name="silo-0", incarnation=0))
    await stores.members.renew(member)

    assert not await stores.members.mark_ended("silo-0", 1, 0)
    assert [m.state for m in await stores.members.members()] == [ALIVE]
    assert await stores.members.mark_ended("silo-0", 1, None)


# --- placement -----------------------------------------------------------------------------------------------


async def test_the_placement_changes_by_compare_and_set(stores: Stores) -> None:
    """Of two proposals for the same version one wins; the loser sees the winner's."""
    first = propose(empty(), {"silo-0#1": "silo-0"}, [])
    rival = propose(empty(), {"silo-1#1": "silo-1"}, [])
    assert first is not None
    assert rival is not None
    assert await stores.placement.swap(first)
    assert not await stores.placement.swap(rival)

    standing = await stores.placement.read()
    taken = take(copy(standing), "silo-0#1")
    assert taken is not None
    assert await stores.placement.swap(taken)
    assert not await stores.placement.swap(taken)
    assert len((await stores.placement.read()).owned_by("silo-0#1")) == 1_024


# --- reminders -----------------------------------------------------------------------------------------------


async def test_G7_a_row_only_gets_earlier_until_it_is_settled(stores: Stores) -> None:
    """at_latest never moves it later; settle does, if the row is still what was seen."""
    await stores.reminders.at_latest({"shop/a": 500, "shop/b": 900}, "x:1")
    await stores.reminders.at_latest({"shop/a": 700}, "x:2")
    seen = await stores.reminders.get("shop/a")
    assert seen is not None
    assert seen.at == 500

    await stores.reminders.settle(seen, 1_000, "x:3")
    await stores.reminders.settle(seen, None, "x:4")
    again = await stores.reminders.get("shop/a")
    assert again is not None
    assert again.at == 1_000
    await stores.reminders.settle(again, None, "x:5")
    assert await stores.reminders.get("shop/a") is None


async def test_G7_a_settle_loses_against_a_row_written_meanwhile(stores: Stores) -> None:
    """Also when the moment stayed the same: whoever needs it has stamped it."""
    await stores.reminders.at_latest({"shop/a": 500}, "x:1")
    seen = await stores.reminders.get("shop/a")
    assert seen is not None
    await stores.reminders.at_latest({"shop/a": 600}, "y:1")

    await asyncio.gather(
        stores.reminders.settle(seen, 9_000, "x:2"), stores.reminders.settle(seen, None, "x:3")
    )

    assert await stores.reminders.get("shop/a") == Reminder("shop/a", 500, "y:1")


async def test_pitfall_10_due_rows_come_past_due_first_and_only_of_our_shards(stores: Stores) -> None:
    """The limit cuts the latest."""
    rows = {f"shop/{number}": 1_000 - number for number in range(20)}
    await stores.reminders.at_latest(rows, "x:1")
    every = list(range(1_024))

    due = await stores.reminders.due(990, every, 5)
    assert [row.at for row in due] == [981, 982, 983, 984, 985]
    shard = shard_of("shop/19")
    assert {row.entity for row in await stores.reminders.due(990, [shard], 50)} >= {"shop/19"}
    assert await stores.reminders.due(980, every, 5) == []


# --- snapshots and quarantine --------------------------------------------------------------------------------


async def test_a_snapshot_is_whole_and_never_goes_back(stores: Stores) -> None:
    """An older one does not replace a later one; deleting leaves nothing."""
    ab, cd, xy = Part(b"ab", 2), Part(b"cd", 2), Part(b"xy", 2)
    later = Manifest(entity="shop/a", seq=20, head=1, blocks=0, parts=[ab, cd])
    older = Manifest(entity="shop/a", seq=10, head=1, blocks=0, parts=[xy])
    await stores.snapshots.save(later, {b"ab": b"AB", b"cd": b"CD"})
    await stores.snapshots.save(older, {b"xy": b"XY"})

    assert await stores.snapshots.latest("shop/a") == later
    assert await stores.snapshots.parts("shop/a", [cd, ab]) == [b"CD", b"AB"]
    await stores.snapshots.delete("shop/a")
    assert await stores.snapshots.latest("shop/a") is None


async def test_the_next_snapshot_names_parts_again(stores: Stores) -> None:
    """What it names again is not written again; what it does not name is gone; a missing part is told."""
    old, kept, new = Part(b"o", 1), Part(b"k", 1), Part(b"n", 1)
    await stores.snapshots.save(
        Manifest(entity="shop/a", seq=10, head=1, blocks=0, parts=[old, kept]), {b"o": b"O", b"k": b"K"}
    )
    await stores.snapshots.save(
        Manifest(entity="shop/a", seq=20, head=1, blocks=0, parts=[new, kept]), {b"n": b"N", b"k": b"K"}
    )

    assert await stores.snapshots.parts("shop/a", [new, kept]) == [b"N", b"K"]
    assert await stores.snapshots.parts("shop/a", [new, old]) is None


async def test_quarantine_is_put_changed_and_cleared(stores: Stores) -> None:
    """One row per entity."""
    await stores.quarantine.put(Quarantine(entity="shop/a", reason="poison", seq=3, at=4))
    await stores.quarantine.put(Quarantine(entity="shop/a", reason="poison", mode=SKIP, skip=[3]))

    assert await stores.quarantine.all() == [
        Quarantine(entity="shop/a", reason="poison", mode=SKIP, skip=[3])
    ]
    await stores.quarantine.clear("shop/a")
    assert await stores.quarantine.all() == []
