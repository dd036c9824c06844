"""The host's promises, one silo on memory stores: gate, once, doubt, bounds, deadlines, sagas, poison."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from actors.codec import digest, encode, read_events, record_event
from actors.journal import Document, InDoubt, Stored
from actors.membership import StoreUnreachable
from actors.quarantine import END, SKIP, Quarantine
from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.local import LocalLanes, local_silo, memory_stores, start_local_silo
from actors.words import Accepted, Rejected, Reply, Unserved
from tests.actors.counter_shop import (
    Buy,
    Fill,
    GiveBack,
    HowMany,
    Note,
    Poison,
    Shop,
    Stumble,
    TillEntity,
    Total,
    View,
)

pytestmark = pytest.mark.anyio

_ids = itertools.count(1)


def fresh_id() -> bytes:
    return next(_ids).to_bytes(16, "big")


async def until(condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
    """Wait for a condition; says what was expected when it does not come."""
    try:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        pytest.fail(f"expected within {timeout_s} s: {what}")


async def eventually(ask: Callable[[], Awaitable[Any]], expected: Any, timeout_s: float = 10.0) -> None:
    actual: Any = None
    try:
        async with asyncio.timeout(timeout_s):
            while (actual := await ask()) != expected:
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"expected {expected} within {timeout_s} s, got {actual}")


def read(reply: Reply) -> Any:
    assert isinstance(reply, Accepted), reply
    return msgspec.msgpack.decode(reply.answer)


async def view(silo: Silo, key: str = "shop/a") -> View:
    reply = await silo.router.ask(key, HowMany())
    assert isinstance(reply, Accepted), reply
    return msgspec.msgpack.decode(reply.answer, type=View)


class FaultyJournal:
    """A memory journal whose next appends can be told to go wrong or to wait."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.gate = asyncio.Event()
        self.gate.set()
        self.fates: list[str] = []
        self.appended = 0

    async def append(self, documents: list[Document]) -> list[Any]:
        self.appended += 1
        await self.gate.wait()
        fate = self.fates.pop(0) if self.fates else "ok"
        if fate == "lost":
            return [InDoubt("the request was lost") for _ in documents]
        outcomes = await self.inner.append(documents)
        return [InDoubt("the answer was lost") for _ in documents] if fate == "answer-lost" else outcomes

    def read(self, entity: str, after_seq: int = 0) -> Any:
        return self.inner.read(entity, after_seq)


@pytest.fixture
def stores() -> Stores:
    stores = memory_stores()
    stores.journal = FaultyJournal(stores.journal)
    return stores


def journal_of(stores: Stores) -> FaultyJournal:
    assert isinstance(stores.journal, FaultyJournal)
    return stores.journal


async def test_G2_a_reply_waits_for_its_commit(stores: Stores) -> None:
    """Neither the answer nor a read that saw uncommitted state leaves before the journal has it."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        journal_of(stores).gate.clear()
        bought = asyncio.ensure_future(silo.router.ask("shop/a", Buy(), command_id=fresh_id()))
        seen = asyncio.ensure_future(silo.router.ask("shop/a", HowMany()))
        await until(lambda: journal_of(stores).appended > 0, "the commit is under way")
        assert not bought.done()
        assert not seen.done()

        journal_of(stores).gate.set()

        assert read(await bought).startswith("receipt-")
        assert read(await seen)[0] == 9


async def test_G4_the_same_id_gets_the_same_answer_also_after_a_restart(stores: Stores) -> None:
    """A command is executed once; its answer is remembered in the journal."""
    command_id = fresh_id()
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        first = await silo.router.ask("shop/a", Buy(quantity=2), command_id=command_id)
        second = await silo.router.ask("shop/a", Buy(quantity=2), command_id=command_id)
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        third = await silo.router.ask("shop/a", Buy(quantity=2), command_id=command_id)
        assert (await view(silo)).left == 8

    assert read(first) == read(second) == read(third)


async def test_G4_the_same_id_with_another_body_is_refused(stores: Stores) -> None:
    """A key stands for one request."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        command_id = fresh_id()
        await silo.router.ask("shop/a", Buy(quantity=1), command_id=command_id)
        reply = await silo.router.ask("shop/a", Buy(quantity=2), command_id=command_id)

    assert isinstance(reply, Rejected)
    assert (reply.code, reply.status) == ("idempotency_key_reused", 422)


async def test_G4_an_accepted_command_without_events_is_remembered(stores: Stores) -> None:
    """Handled is written for it."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        command_id = fresh_id()
        first = await silo.router.ask("shop/a", Note(), command_id=command_id)
        assert isinstance(first, Accepted)
        assert first.seq == 1
        assert await silo.router.ask("shop/a", Note(), command_id=command_id) == first


async def test_G4_a_rejection_is_not_remembered(stores: Stores) -> None:
    """The same key may be accepted later."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await silo.router.ask("shop/a", Buy(quantity=10), command_id=fresh_id())
        command_id = fresh_id()
        refused = await silo.router.ask("shop/a", Buy(quantity=3), command_id=command_id)
        await silo.router.ask("shop/a", GiveBack(quantity=10), command_id=fresh_id())
        accepted = await silo.router.ask("shop/a", Buy(quantity=3), command_id=command_id)

    assert isinstance(refused, Rejected)
    assert refused.facts == {"left": 0}
    assert isinstance(accepted, Accepted)


@pytest.mark.parametrize("fate", ["lost", "answer-lost"])
async def test_G3_doubt_is_settled_by_a_seal(stores: Stores, fate: str) -> None:
    """Whether the write was lost or only its answer: the client gets the true outcome, once."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        journal_of(stores).fates = [fate]
        reply = await silo.router.ask("shop/a", Buy(quantity=4), command_id=fresh_id())

        assert isinstance(reply, Accepted)
        assert (await view(silo)).left == 6
        assert silo.meter.doubts == 1
        assert silo.meter.seals == (1 if fate == "lost" else 0)


async def test_G3_while_in_doubt_the_answer_is_neither_yes_nor_no(stores: Stores) -> None:
    """At the deadline the client hears in_doubt, and the same key learns the outcome later."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        journal = journal_of(stores)
        journal.fates = ["answer-lost"] + ["lost"] * 4
        command_id = fresh_id()
        reply = await silo.router.ask("shop/a", Buy(quantity=4), command_id=command_id, timeout_s=0.3)
        assert isinstance(reply, Unserved)
        assert reply.code == "in_doubt"

        assert isinstance(await silo.router.ask("shop/a", Buy(quantity=4), command_id=command_id), Accepted)
        assert (await view(silo)).left == 6


async def test_G1_a_stale_owner_is_fenced_and_decides_again_on_the_true_history(stores: Stores) -> None:
    """Another writer took the next sequence: our batch fails, nothing of it is acknowledged, state is reloaded."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        bought = record_event(Shop.type.events["Bought"](quantity=9), 1)
        foreign = Document(
            entity="shop/a",
            first_seq=1,
            n=1,
            events=encode([bought]),
            cmds=b"",
            sends=b"",
            types=[],
            silo="somebody#1",
            nonce=b"n",
        )
        assert await journal_of(stores).inner.append([foreign]) == [Stored()]
        reply = await silo.router.ask("shop/a", Buy(quantity=2), command_id=fresh_id())

        assert isinstance(reply, Rejected)
        assert reply.facts == {"left": 1}
        assert silo.meter.fenced == 1


async def test_G5_a_full_mailbox_says_so_at_once(stores: Stores) -> None:
    """Above its bound a mailbox answers overloaded; nothing that was taken in is lost."""
    settings = RuntimeSettings(mailbox_max=5)
    async with local_silo(Shop, TillEntity, stores=stores, settings=settings) as silo:
        replies: list[Reply] = []
        deadline = silo.clock.monotonic() + 5
        await until(lambda: silo.status()["shards"] == 1024, "the silo has its shards")
        for _ in range(9):
            silo.router.submit(
                "shop/a", Buy(), command_id=fresh_id(), deadline=deadline, callback=replies.append
            )
        assert [reply.code for reply in replies if isinstance(reply, Unserved)] == ["overloaded"] * 4
        await until(lambda: len(replies) == 9, "the five others are answered")

        assert sum(isinstance(reply, Accepted) for reply in replies) == 5


async def test_G5_a_command_past_its_deadline_is_not_executed(stores: Stores) -> None:
    """Its time was up before its turn."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        reply = await silo.router.ask("shop/a", Buy(), command_id=fresh_id(), timeout_s=0.0)

        assert isinstance(reply, Unserved)
        assert (await view(silo)).left == 10


async def test_G6_a_send_is_delivered_once_and_acknowledged(stores: Stores) -> None:
    """The receiver executes it once; the sender's journal forgets it."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await silo.router.ask("shop/a", Buy(quantity=3, till="t"), command_id=fresh_id())

        async def total() -> Any:
            return read(await silo.router.ask("till/t", Total()))

        await eventually(total, 3)
        await until(lambda: not silo.host.activations["shop/a"].memory.sends, "the send is acknowledged")
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        assert read(await silo.router.ask("till/t", Total())) == 3
        await view(silo)
        assert not silo.host.activations["shop/a"].memory.sends


async def test_G6_a_rejected_send_starts_its_compensation(stores: Stores) -> None:
    """The till is too small for ten: the saga gives them back, once."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await silo.router.ask("shop/a", Buy(quantity=10, till="t"), command_id=fresh_id())

        async def left() -> int:
            return (await view(silo)).left

        await eventually(left, 10)
        await until(lambda: not silo.host.activations["shop/a"].memory.sends, "the send is acknowledged")
        assert silo.meter.compensations == 1
        assert read(await silo.router.ask("till/t", Total())) == 0


async def test_G7_a_deadline_fires_after_a_restart(stores: Stores) -> None:
    """A passive entity is woken by its durable reminder, past-due first."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await silo.router.ask("shop/a", Buy(), command_id=fresh_id())
    settings = RuntimeSettings(look_for_reminders_s=0.05)
    async with local_silo(Shop, TillEntity, stores=stores, settings=settings) as silo:
        await until(lambda: "shop/a" in silo.host.activations, "the reminder activated the shop", 5)
        await eventually(lambda: view(silo), View(left=9, lapses=1))


async def test_G8_snapshots_may_be_deleted(stores: Stores) -> None:
    """With or without its snapshot an entity comes back the same."""
    settings = RuntimeSettings(snapshot_every=3)
    async with local_silo(Shop, TillEntity, stores=stores, settings=settings) as silo:
        ids = [fresh_id() for _ in range(5)]
        answers = [await silo.router.ask("shop/a", Buy(), command_id=i) for i in ids]
        await until(lambda: silo.meter.snapshots > 0, "a snapshot is made")
    assert await stores.snapshots.latest("shop/a") is not None
    for delete in (False, True):
        if delete:
            await stores.snapshots.delete("shop/a")
        async with local_silo(Shop, TillEntity, stores=stores) as silo:
            assert (await view(silo)).left == 5
            again = [await silo.router.ask("shop/a", Buy(), command_id=i) for i in ids]
            assert [read(a) for a in again] == [read(a) for a in answers]


async def test_G8_idle_entities_are_passivated_and_come_back(stores: Stores) -> None:
    """Passivation forgets memory, not facts."""
    settings = RuntimeSettings(idle_s=0.0)
    async with local_silo(Shop, TillEntity, stores=stores, settings=settings) as silo:
        await silo.router.ask("shop/a", Buy(), command_id=fresh_id())
        list(silo.host.passivate_idle())
        assert silo.host.activations == {}
        assert (await view(silo)).left == 9


async def test_G9_an_older_event_is_upcast_and_an_unknown_one_stops_only_its_entity(stores: Stores) -> None:
    """Version 1 had ``count``; a type nobody knows quarantines the entity, not the silo."""
    old = [["Bought", 1, 5, {"count": 4}]]
    unknown = [["Levitated", 1, 5, {}]]
    for entity, events in (("shop/a", old), ("shop/b", unknown)):
        document = Document(
            entity=entity,
            first_seq=1,
            n=1,
            events=encode(events),
            cmds=b"",
            sends=b"",
            types=[],
            silo="old#1",
            nonce=b"n",
        )
        await journal_of(stores).inner.append([document])
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        assert (await view(silo)).left == 6
        stopped = await silo.router.ask("shop/b", HowMany())
        assert isinstance(stopped, Unserved)
        assert stopped.code == "quarantined"
        await until(lambda: bool(silo.meter.quarantines), "an alarm is counted")


async def test_pitfall_13_poison_costs_its_own_command_only(stores: Stores) -> None:
    """A command whose event cannot be evolved is answered, records nothing, and its neighbours go on."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        poison, bought, stumbled = await asyncio.gather(
            silo.router.ask("shop/a", Poison(), command_id=fresh_id()),
            silo.router.ask("shop/a", Buy(), command_id=fresh_id()),
            silo.router.ask("shop/a", Stumble(), command_id=fresh_id()),
        )
        assert [getattr(r, "code", "") for r in (poison, stumbled)] == ["internal_error"] * 2
        assert isinstance(bought, Accepted)
        assert (await view(silo)).left == 9


@pytest.mark.parametrize(("mode", "expected"), [(SKIP, 10), (END, None)])
async def test_an_operator_skips_a_poisonous_event_or_ends_the_entity(
    stores: Stores, mode: str, expected: int | None
) -> None:
    """``kaifan entity … skip`` replays without it, ``end`` answers 410 for ever."""
    poisoned = Document(
        entity="shop/a",
        first_seq=1,
        n=1,
        events=encode([["Poisoned", 1, 5, {}]]),
        cmds=b"",
        sends=b"",
        types=[],
        silo="old#1",
        nonce=b"n",
    )
    await journal_of(stores).inner.append([poisoned])
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        stopped = await silo.router.ask("shop/a", HowMany())
        assert isinstance(stopped, Unserved)
        await stores.quarantine.put(Quarantine(entity="shop/a", reason="", mode=mode, skip=[1]))
        silo.poke()
        await until(lambda: silo.host.quarantined["shop/a"].mode == mode, "the operator's word arrived")
        reply = await silo.router.ask("shop/a", HowMany())

    if expected is None:
        assert isinstance(reply, Rejected)
        assert (reply.status, reply.code) == (410, "entity_ended")
    else:
        assert read(reply)[0] == expected


async def test_a_command_above_the_documents_limit_is_refused_and_others_wait_their_turn(
    stores: Stores,
) -> None:
    """One oversized command is too_large; many that fill a document are spread over several."""
    settings = RuntimeSettings(document_bytes_max=10_000)
    async with local_silo(Shop, TillEntity, stores=stores, settings=settings) as silo:
        await view(silo)
        large = await silo.router.ask("shop/a", Fill(size_bytes=10_001), command_id=fresh_id())
        assert isinstance(large, Rejected)
        assert (large.code, large.status) == ("too_large", 413)

        fills = [silo.router.ask("shop/a", Fill(size_bytes=4_000), command_id=fresh_id()) for _ in range(20)]
        assert all(isinstance(reply, Accepted) for reply in await asyncio.gather(*fills))
        assert silo.meter.commit_documents.count >= 10


async def test_G7_a_commit_waits_for_its_reminder_row(stores: Stores) -> None:
    """While the row that a deadline needs cannot be written, nothing is committed and nothing acknowledged."""
    inner = stores.reminders
    down = True

    class Reminders:
        async def at_latest(self, rows: Any, by: str) -> None:
            if down:
                raise StoreUnreachable("down")
            await inner.at_latest(rows, by)

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    stores.reminders = Reminders()
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        bought = asyncio.ensure_future(silo.router.ask("shop/a", Buy(), command_id=fresh_id()))
        await asyncio.wait([bought], timeout=0.3)
        assert not bought.done()
        assert journal_of(stores).appended == 0

        down = False

        assert isinstance(await bought, Accepted)
        assert await inner.get("shop/a") is not None


async def test_G5_a_silo_whose_lease_is_out_answers_no_read(stores: Stores) -> None:
    """The members' store is gone: reads stop with the lease, the state is kept and serves again after."""
    inner = stores.members
    down = False

    class Members:
        async def renew(self, member: Any) -> Any:
            if down:
                raise StoreUnreachable("down")
            return await inner.renew(member)

        def __getattr__(self, name: str) -> Any:
            return getattr(inner, name)

    stores.members = Members()
    settings = RuntimeSettings(lease_s=0.4, renew_every_s=0.1)
    async with local_silo(Shop, TillEntity, stores=stores, settings=settings) as silo:
        await view(silo)
        down = True
        await until(lambda: not silo.may_answer(), "the lease runs out")
        reply = await silo.router.ask("shop/a", HowMany())
        assert isinstance(reply, Unserved)
        assert reply.code == "unavailable"

        down = False
        await until(silo.may_answer, "the lease is renewed")
        assert (await view(silo)).left == 10


async def test_two_silos_share_the_entities_and_hand_them_over(stores: Stores) -> None:
    """A command reaches the owner from either silo; a drained silo's entities go on in the other."""
    lanes = LocalLanes()
    types = (Shop, TillEntity)
    one = await start_local_silo("one", types, stores=stores, lanes=lanes)
    two = await start_local_silo("two", types, stores=stores, lanes=lanes)
    await until(lambda: min(s.status()["shards"] for s in (one, two)) > 300, "the shards are shared")
    keys = [f"shop/{number}" for number in range(20)]
    for key in keys:
        for silo in (one, two):
            assert isinstance(await silo.router.ask(key, Buy(), command_id=fresh_id()), Accepted)

    storm = [
        asyncio.ensure_future(two.router.ask(key, Buy(), command_id=fresh_id()))
        for key in keys
        for _ in "123"
    ]
    await one.drain(10.0)
    await one.stop()
    replies = await asyncio.gather(*storm)

    assert all(isinstance(reply, Accepted) for reply in replies)
    assert [(await view(two, key)).left for key in keys] == [5] * 20
    assert one.meter.handovers > 0
    await two.drain(5.0)
    await two.stop()


def test_the_digest_ignores_fields_at_their_default() -> None:
    """A field added with a default does not make stored keys look reused."""
    assert digest(Buy(quantity=2)) == digest(Buy(quantity=2, till=""))
    assert digest(Buy(quantity=2)) != digest(Buy(quantity=2, till="t"))


async def test_G6_a_compensated_send_is_never_sent_again(stores: Stores) -> None:
    """Rejected and compensated, then the silo died before the acknowledgement: after the restart it is acknowledged,
    not sent once more to a receiver that would now accept it."""
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await silo.router.ask("shop/a", Buy(quantity=6, till="t"), command_id=fresh_id())
        await until(lambda: silo.meter.compensations == 1, "the till was too small, the shop gave back")

        async def left() -> int:
            return (await view(silo)).left

        await eventually(left, 10)
        await until(lambda: not silo.host.activations["shop/a"].memory.sends, "acknowledged")
    documents = journal_of(stores).inner.documents["shop/a"]
    # As if the process had died before the acknowledgement was written, and the till had been emptied since.
    last = max(documents)
    assert read_events(documents[last].events)[0].type == "_Acknowledged"
    del documents[last]
    async with local_silo(Shop, TillEntity, stores=stores) as silo:
        await view(silo)
        await until(
            lambda: not silo.host.activations["shop/a"].memory.sends, "acknowledged after the restart"
        )
        assert silo.meter.compensations == 0
        assert read(await silo.router.ask("till/t", Total())) == 0
