"""Who inherits, and what an heir and a spare know when they have taken over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from actors.membership import ALIVE, ENDED, LEAVING, Member, heirs
from actors.placement import SHARDS, Placement, empty, inherit, propose, shard_of, take
from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.local import LocalLanes, memory_stores, start_local_silo
from actors.testing.memory import MemoryPlacement
from actors.words import Accepted
from tests.actors.counter_shop import Buy, HowMany, Note, Shop

SETTINGS = RuntimeSettings(watch_every_s=0.05, renew_every_s=0.05, follow_every_s=0.01)
WAIT_S = 20.0


def silo(name: str, number: int = 1, state: str = ALIVE, spare: bool = False, seat: str = "") -> Member:
    return Member(name=name, incarnation=number, state=state, spare=spare, seat=seat)


# --- who inherits --------------------------------------------------------------------------------------------


def test_a_spare_owns_nothing_while_every_seat_is_held() -> None:
    """Living silos hold their own seats."""
    members = [silo("silo-0"), silo("silo-1"), silo("spare-0", spare=True)]

    assert heirs(members, {"silo-0#1", "silo-1#1"}) == {"silo-0#1": "silo-0", "silo-1#1": "silo-1"}


def test_a_spare_is_named_for_the_seat_of_an_owner_that_has_ended() -> None:
    """And not for one that has been succeeded, or that owned nothing any more."""
    members = [
        silo("silo-0", 1, ENDED),
        silo("silo-1", 1, ENDED),
        silo("silo-1", 2),
        silo("silo-2", 1, ENDED),
        silo("spare-0", spare=True),
        silo("spare-1", spare=True),
    ]

    assert heirs(members, {"silo-0#1", "silo-1#1"}) == {"silo-1#2": "silo-1", "spare-0#1": "silo-0"}


def test_each_vacant_seat_gets_a_spare_of_its_own() -> None:
    """As far as there are spares; a spare that is leaving is none."""
    members = [
        silo("silo-0", 1, ENDED),
        silo("silo-1", 1, ENDED),
        silo("spare-0", 1, LEAVING, spare=True),
        silo("spare-1", spare=True),
    ]

    assert heirs(members, {"silo-0#1", "silo-1#1"}) == {"spare-1#1": "silo-0"}


def test_who_stands_in_holds_the_seat_until_it_ends_itself() -> None:
    """Its end makes the same seat vacant again."""
    standing = silo("spare-0", seat="silo-0")
    back = silo("silo-0", 2, spare=True)
    assert heirs([silo("silo-0", 1, ENDED), standing, back], {"spare-0#1"}) == {"spare-0#1": "silo-0"}

    standing.state = ENDED
    assert heirs([standing, back], {"spare-0#1"}) == {"silo-0#2": "silo-0"}


def owned(*addresses: str) -> Placement:
    seats = {address: address.partition("#")[0] for address in addresses}
    placement = empty()
    for address in addresses:
        placement = inherit(placement, address, seats, []) or placement
    return placement


def test_a_stand_in_gets_the_shards_of_its_seat_in_one_version_and_nothing_else_moves() -> None:
    """Of a neighbour's shards not one."""
    before = owned("silo-0#1", "silo-1#1")

    after = inherit(before, "spare-0#1", {"spare-0#1": "silo-0", "silo-1#1": "silo-1"}, ["silo-0#1"])

    assert after is not None
    assert after.version == before.version + 1
    assert after.owned_by("spare-0#1") == before.owned_by("silo-0#1")
    assert after.owned_by("silo-1#1") == before.owned_by("silo-1#1")


def test_inheriting_is_proposing_and_taking() -> None:
    """The same owners as in two versions, and still nothing of an owner that is not known to have ended."""
    before = owned("silo-0#1", "silo-1#1")
    seats = {"silo-1#1": "silo-1"}
    proposed = propose(before, seats, ["silo-0#1"])
    assert proposed is not None
    taken = take(proposed, "silo-1#1")
    assert taken is not None

    at_once = inherit(before, "silo-1#1", seats, ["silo-0#1"])
    assert at_once is not None
    assert (at_once.owner, at_once.next, at_once.released) == (taken.owner, taken.next, taken.released)

    unsure = inherit(before, "silo-1#1", seats, [])
    assert unsure is not None
    assert unsure.owner == before.owner


# --- what they know ------------------------------------------------------------------------------------------


class Cluster:
    """Silos of one process that share stores; ``kill`` is as sudden as it gets there."""

    def __init__(self) -> None:
        self.stores: Stores = memory_stores()
        self.lanes = LocalLanes()

    async def start(self, name: str, *, spare: bool = False, stores: Stores | None = None) -> Silo:
        return await start_local_silo(
            name,
            [Shop],
            stores=stores or self.stores,
            lanes=self.lanes,
            settings=SETTINGS,
            spare=spare,
        )

    def kill(self, victim: Silo) -> None:
        """It decides, renews and answers nothing from now on, and says nothing of it."""
        self.lanes.silos.pop(victim.address)
        for task in [*victim._loops, *victim.host._tasks]:
            task.cancel()
        victim.stopped = True
        victim.lease.end()
        victim.host.halt()
        victim.router.stop()


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    started = Cluster()
    yield started
    for left in list(started.lanes.silos.values()):
        await left.stop()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not holds():
            await asyncio.sleep(0.005)


async def buy(silo: Silo, count: int, prefix: str) -> None:
    for number in range(count):
        reply = await silo.router.ask("shop/a", Note(), command_id=f"{prefix}{number}".encode().ljust(16))
        assert isinstance(reply, Accepted)


async def seq_of(silo: Silo) -> int:
    reply = await silo.router.ask("shop/a", HowMany())
    assert isinstance(reply, Accepted)
    return reply.seq


@pytest.mark.anyio
async def test_G1_a_spare_knows_what_was_committed_after_its_last_look(cluster: Cluster) -> None:
    """It follows the hottest entity, the owner commits more and dies: the tail is read before anything is said."""
    owner = await cluster.start("silo-0")
    spare = await cluster.start("spare-0", spare=True)
    await buy(owner, 20, "early")
    await until(lambda: spare.following.followed.get("shop/a", 0) >= 20)
    spare.following.stop()
    behind = spare.following.followed["shop/a"]
    await buy(owner, 7, "late")
    cluster.kill(owner)

    spare.peer_gone(owner.address)

    await until(lambda: not spare.member.spare)
    assert await seq_of(spare) == 27 > behind
    again = await spare.router.ask("shop/a", Note(), command_id=b"late6".ljust(16))
    assert isinstance(again, Accepted)
    assert again.seq == 27
    assert spare.status()["seat"] == "silo-0"
    assert spare.status()["shards"] == SHARDS


@pytest.mark.anyio
async def test_a_silo_whose_seat_is_held_comes_back_as_the_spare(cluster: Cluster) -> None:
    """Nothing moves for the second time; when the stand-in dies, it takes its seat again."""
    owner = await cluster.start("silo-0")
    spare = await cluster.start("spare-0", spare=True)
    await buy(owner, 3, "x")
    cluster.kill(owner)
    spare.peer_gone(owner.address)
    await until(lambda: not spare.member.spare and spare.status()["shards"] == SHARDS)

    back = await cluster.start("silo-0")
    assert back.member.spare
    await until(lambda: back.router.placement is not None)
    assert spare.status()["shards"] == SHARDS
    cluster.kill(spare)
    back.peer_gone(spare.address)

    await until(lambda: back.status()["shards"] == SHARDS)
    assert await seq_of(back) == 3


class _NeverSwaps(MemoryPlacement):
    """The placement as a process sees it that dies with its write on the way."""

    def __init__(self, real: MemoryPlacement) -> None:
        super().__init__()
        self._real = real
        self.tried = asyncio.Event()

    async def read(self) -> Placement:
        return await self._real.read()

    async def swap(self, placement: Placement) -> bool:
        self.tried.set()
        await asyncio.Event().wait()
        return False


@pytest.mark.anyio
async def test_an_heir_that_dies_while_it_takes_over_has_an_heir_itself(cluster: Cluster) -> None:
    """The end is marked, the shards are nobody's yet: the next spare takes them."""
    owner = await cluster.start("silo-0")
    await buy(owner, 5, "x")
    assert isinstance(cluster.stores.placement, MemoryPlacement)
    stuck = _NeverSwaps(cluster.stores.placement)
    stores = Stores(
        journal=cluster.stores.journal,
        members=cluster.stores.members,
        placement=stuck,
        reminders=cluster.stores.reminders,
        snapshots=cluster.stores.snapshots,
        quarantine=cluster.stores.quarantine,
    )
    first = await cluster.start("spare-0", spare=True, stores=stores)
    second = await cluster.start("spare-1", spare=True)
    await until(lambda: len(second.members) == len(first.members) == 3)
    cluster.kill(owner)
    first.peer_gone(owner.address)
    second.peer_gone(owner.address)
    await stuck.tried.wait()

    cluster.kill(first)
    second.peer_gone(first.address)

    await until(lambda: second.status()["shards"] == SHARDS)
    assert await seq_of(second) == 5


@pytest.mark.anyio
async def test_a_living_silo_that_is_told_takes_the_shards_and_loads_what_is_hot(cluster: Cluster) -> None:
    """Before anybody asks; the dead silo is marked ended first."""
    first = await cluster.start("silo-0")
    second = await cluster.start("silo-1")
    await until(lambda: 0 < first.status()["shards"] < SHARDS and 0 < second.status()["shards"] < SHARDS)
    owner, other = (first, second) if _owns(first) else (second, first)
    reply = await owner.router.ask("shop/a", Buy(), command_id=b"b".ljust(16))
    assert isinstance(reply, Accepted)
    await until(lambda: any("shop/a" in member.hot for member in other.members))
    cluster.kill(owner)

    other.peer_gone(owner.address)

    await until(lambda: "shop/a" in other.host.activations)
    assert other.status()["shards"] == SHARDS
    ended = [member.address for member in await cluster.stores.members.members() if member.state == ENDED]
    assert ended == [owner.address]
    assert await seq_of(other) == 1


def _owns(candidate: Silo) -> bool:
    placement = candidate.router.placement
    return placement is not None and placement.owner[shard_of("shop/a")] == candidate.address
