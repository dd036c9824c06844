"""A long sale keeps its claims in rows and segments; to the rules they are a plain dict of records."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings, strategies

from actors import remembered
from actors.codec import CommandRecord, encode
from actors.entity_memory import EntityMemory
from actors.settings import RuntimeSettings
from actors.snapshots import Manifest, digests
from actors.testing.kit import NOON, Given
from actors.testing.local import local_silo, memory_stores
from actors.testing.memory import MemorySnapshots
from actors.words import Accepted
from flash_sale import table
from flash_sale.actor import FlashSaleItem
from flash_sale.claim import ClaimState, Reason
from flash_sale.claims import Claims
from flash_sale.commands import Checkout, Claim, ConfirmSale, GetSale, ReleaseClaim
from flash_sale.events import Claimed, HoldExpired, SaleOpened, SaleStarted
from flash_sale.invariants import cheap_violations, violations
from flash_sale.state import Sale
from tests.flash_sale.builders import HOUR, opening, sale

FIELDS: dict[str, strategies.SearchStrategy[Any]] = {
    "expires_at": strategies.integers(0, 2**48),
    "release_at": strategies.integers(0, 2**48),
    "place": strategies.integers(0, 2**31),
    "rank": strategies.integers(0, 2**31),
    "state": strategies.sampled_from(ClaimState),
    "reason": strategies.sampled_from(Reason),
    "extended": strategies.booleans(),
    "closing": strategies.booleans(),
    "order_id": strategies.text(max_size=20),
    "payment_id": strategies.text(max_size=20),
}


@contextmanager
def small_segments(rows: int = 3) -> Iterator[None]:
    """So that a few claims fill several."""
    with patch.object(table, "ROWS_PER_SEGMENT", rows), patch.object(remembered, "BLOCK", rows):
        yield


@settings(deadline=None)
@given(strategies.data())
def test_F1_F2_rows_are_a_plain_model_under_any_order_of_changes(data: strategies.DataObject) -> None:
    """Adding, finding, changing every field, in any order; ids with and without the sale's prefix."""
    plain: dict[str, dict[str, Any]] = {}
    taken: dict[str, int] = {}
    with small_segments():
        claims = Claims()
        for number in range(data.draw(strategies.integers(1, 25))):
            if not plain or data.draw(strategies.booleans()):
                claim_id = data.draw(strategies.sampled_from(["f1.c", "f2.", "", "f1..", "蟹."])) + str(
                    number
                )
                user = data.draw(strategies.sampled_from(["a", "b", "惠", "x" * 64]))
                quantity, wait = data.draw(strategies.integers(1, 100)), data.draw(strategies.booleans())
                claims.add(claim_id, user, quantity, wait, NOON + number)
                plain[claim_id] = {"user_id": user, "quantity": quantity, "wait": wait, "at": NOON + number}
                taken[user] = taken.get(user, 0) + quantity
            else:
                claim_id = data.draw(strategies.sampled_from(sorted(plain)))
                name = data.draw(strategies.sampled_from(sorted(FIELDS)))
                value = data.draw(FIELDS[name])
                setattr(claims[claim_id], name, value)
                plain[claim_id][name] = value

        assert list(claims) == list(plain)
        assert dict(claims.diners.items()) == taken
        for position, (claim_id, fields) in enumerate(plain.items(), start=1):
            record = claims[claim_id]
            assert {name: getattr(record, name) for name in fields} == fields
            assert record.position == position
        assert claims.get("f1.nobody") is None


COMMANDS = strategies.lists(
    strategies.tuples(
        strategies.sampled_from(["claim", "claim", "wait", "release", "checkout", "paid", "pass"]),
        strategies.integers(0, 30),
    ),
    max_size=40,
)


def visit(given: Given[Sale], steps: list[tuple[str, int]]) -> None:
    """Diners come, go, pay, and time passes."""
    for what, number in steps:
        ids = list(given.state.claims)
        if what in ("claim", "wait"):
            given.when(Claim(user_id=f"guest-{number}", quantity=1 + number % 2, wait=what == "wait"))
        elif what == "pass":
            given.wakes_until(given.at + 60_000 * number)
        elif ids:
            claim_id = ids[number % len(ids)]
            record = given.state.claims[claim_id]
            if what == "release":
                given.when(ReleaseClaim(claim_id=claim_id, user_id=record.user_id))
            elif what == "checkout":
                given.when(Checkout(claim_id=claim_id, user_id=record.user_id))
            else:
                order = record.order_id or f"o-{claim_id}"
                given.when(ConfirmSale(claim_id=claim_id, order_id=order, payment_id=f"{order}.p1"))


def remember(memory: EntityMemory, history: list[Any]) -> None:
    for event, at in history:
        memory.apply(event, at)
        record = CommandRecord(memory.seq.to_bytes(16, "big"), b"d", 0, b"answer %d" % memory.seq)
        memory.remember(record, at, memory.seq)


def restored(manifest: Manifest, store: dict[bytes, bytes]) -> EntityMemory:
    memory = EntityMemory(FlashSaleItem.type, "flash-sale/f1")
    raws = [store[part.digest] for part in manifest.parts]
    memory.restore_head(manifest, raws[: manifest.head])
    for number in range(manifest.head, len(raws)):
        for _ in memory.restore_part(manifest, number, raws[number]):
            pass
    return memory


def assert_same(one: EntityMemory, other: EntityMemory) -> None:
    assert (one.seq, one.last_at) == (other.seq, other.last_at)
    assert encode(one.state) == encode(other.state)
    assert one.state.deadline == other.state.deadline
    assert violations(one.state) == []
    assert list(one.remembered.records()) == list(other.remembered.records())


@settings(deadline=None, max_examples=60)
@given(COMMANDS, strategies.lists(strategies.integers(0, 60), max_size=4))
def test_G8_snapshots_in_parts_and_the_tail_are_the_whole_journal(
    steps: list[tuple[str, int]], cuts: list[int]
) -> None:
    """Whenever snapshots are taken, each building on the last one and writing only what has changed."""
    with small_segments():
        happened = sale(thorough=False, stock=6, ends_at=NOON + HOUR)
        visit(happened, steps)
        whole = EntityMemory(FlashSaleItem.type, "flash-sale/f1")
        remember(whole, happened.history)

        memory, store, last = EntityMemory(FlashSaleItem.type, "flash-sale/f1"), {}, None
        for upto in sorted(min(cut, len(happened.history)) for cut in cuts):
            remember(memory, happened.history[memory.seq : upto])
            manifest, new = memory.cut(digests(last))
            assert not new.keys() & store.keys()
            store |= new
            last, memory = manifest, restored(manifest, store)
        remember(memory, happened.history[memory.seq :])

        assert_same(memory, whole)


def test_F1_G8_30_000_claims_are_written_once_and_come_back() -> None:
    """What has ended is sealed: the next snapshot writes the head and the open segments, and no more."""
    plan = opening(stock=30_000)
    opened = SaleOpened(
        **{name: getattr(plan, name) for name in plan.__struct_fields__},
        draw_ends_at=0,
        seed=bytes(32),
    )
    memory = EntityMemory(FlashSaleItem.type, "flash-sale/f1")
    remember(memory, [(opened, NOON), (SaleStarted(), NOON)])
    claims = [
        (Claimed(claim_id=f"f1.c{n:016}", user_id=f"guest-{n}", quantity=1, expires_at=NOON + n), NOON + n)
        for n in range(30_000)
    ]
    remember(memory, claims[:25_000])
    remember(memory, [(HoldExpired(claim_id=f"f1.c{n:016}"), NOON + 90_000) for n in range(10_000)])
    first, store = memory.cut()
    remember(memory, claims[25_000:25_100])
    second, new = memory.cut(digests(first))

    segments_of = {part.digest for part in second.parts[second.head + second.blocks :]}
    blocks_of = {part.digest for part in second.parts[second.head : second.head + second.blocks]}
    assert len(first.parts) - first.head - first.blocks == 6
    assert len(new.keys() & segments_of) == 2
    assert len(new.keys() & blocks_of) <= 1
    assert memory.state.left == 30_000 - 15_100
    assert memory.state.held == 15_100
    assert cheap_violations(memory.state) == []
    back = restored(second, store | new)
    assert encode(back.state) == encode(memory.state)
    assert back.state.deadline == memory.state.deadline == NOON + 10_000 + plan.grace_ms
    assert back.remembered.get((1).to_bytes(16, "big")) == memory.remembered.get((1).to_bytes(16, "big"))
    assert back.state.claims[f"f1.c{25_099:016}"].position == 25_100


@pytest.mark.anyio
@pytest.mark.parametrize("damage", ["none", "lost", "damaged"])
async def test_G8_a_damaged_or_missing_segment_and_the_journal_serves(damage: str) -> None:
    """The sale comes back the same, and its next snapshot is whole."""
    stores = memory_stores()
    assert isinstance(stores.snapshots, MemorySnapshots)
    quick = RuntimeSettings(snapshot_every=1_000_000)
    with small_segments(4):
        async with local_silo(FlashSaleItem, stores=stores, settings=quick) as silo:
            now = silo.host.clock.now_ms()
            plan = opening(stock=20, starts_at=now, ends_at=now + HOUR)
            await silo.router.ask("flash-sale/f1", plan, command_id=b"open" * 4)
            for n in range(18):
                claim = Claim(user_id=f"guest-{n}", quantity=1)
                await silo.router.ask("flash-sale/f1", claim, command_id=bytes([n]) * 16)
            activation = silo.host.activations["flash-sale/f1"]
            manifest = await silo.host.activator.snapshotting.make(activation)
            before = encode(activation.memory.state)
        assert len(manifest.parts) > manifest.head + manifest.blocks + 4
        part = manifest.parts[-2]
        if damage == "lost":
            stores.snapshots.lose_now("flash-sale/f1", part.digest)
        elif damage == "damaged":
            stores.snapshots.write_now("flash-sale/f1", {part.digest: b"x" * part.size_bytes})
        async with local_silo(FlashSaleItem, stores=stores, settings=quick) as silo:
            assert isinstance(await silo.router.ask("flash-sale/f1", GetSale()), Accepted)
            activation = silo.host.activations["flash-sale/f1"]
            assert encode(activation.memory.state) == before
            assert activation.snapshot_seq == (manifest.seq if damage == "none" else 0)
            again = await silo.host.activator.snapshotting.make(activation)
    assert await stores.snapshots.parts("flash-sale/f1", again.parts) is not None
