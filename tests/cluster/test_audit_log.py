"""A1: ``kaifan audit`` finds an audit log that another hand has changed."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from actors.codec import encode, read_events
from actors.entity import kind_of
from actors.entity_memory import EntityMemory
from actors.journal import Document
from actors.testing.local import local_silo, memory_stores
from actors.testing.memory import MemoryJournal
from actors.turn import command_id
from actors.words import Accepted, Command
from brand.commands import CreateAccount
from cluster.audit import Report, audit
from cluster.rooms import ENTITIES, TYPES
from store_runtime.by import By
from store_runtime.store.commands import ChangeSettings, CreateStore
from tests.cluster.shop import History

pytestmark = pytest.mark.anyio

STORE, LOG = "store/s1", "audit-log/s1"
ACTS = 4
PATIENCE_S = 10.0


async def _history(account: str = "") -> History:
    """A store whose settings were changed four times, and the log of it; or only an account that was let in."""
    stores = memory_stores()
    async with local_silo(*ENTITIES, stores=stores) as silo:
        assert isinstance(stores.journal, MemoryJournal)

        async def do(command: Command, step: str, to: str = STORE) -> None:
            id = command_id(b"secret", "test", "", "", to, step)
            assert isinstance(await silo.router.ask(to, command, command_id=id), Accepted)

        if account:
            create = CreateAccount(password_hash="h", roles={"s1": ["cook"]}, by=By("li"), store_id="s1")
            await do(create, "account", account)
            await _until_told(stores.journal, account)
            return History(stores.journal, "", "")
        await do(CreateStore(name="蟹庄"), "store")
        for number in range(1, ACTS + 1):
            await do(ChangeSettings(grace_s=number, by=By("li")), f"change-{number}")
        await _until_told(stores.journal, STORE)
    return History(stores.journal, "", "")


async def _until_told(journal: MemoryJournal, key: str) -> None:
    """Until all that it sent was answered, and that is in the journal."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        memory = EntityMemory(TYPES[kind_of(key)], key)
        for document in journal.read_now(key):
            memory.apply_document(document)
        if not memory.sends:
            return
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for: the log has answered {key}"
        await asyncio.sleep(0.005)


async def _audit(past: History) -> Report:
    return await audit(past.all(), past.journal.read, {})


def _swap_events(past: History, one: Document, other: Document) -> None:
    past.replace(msgspec.structs.replace(one, events=other.events))
    past.replace(msgspec.structs.replace(other, events=one.events))


async def test_A1_a_log_that_was_left_alone_passes() -> None:
    """What a silo wrote holds."""
    past = await _history()

    report = await _audit(past)

    assert report.violations == []
    assert len(past.of(LOG)) == ACTS


async def test_A1_a_changed_entry_is_named() -> None:
    """One byte of what was done."""
    past = await _history()
    second = past.of(LOG)[1]
    (record,) = read_events(second.events)
    forged = msgspec.structs.replace(record, payload=msgspec.Raw(bytes(record.payload).replace(b"li", b"xu")))
    assert bytes(forged.payload) != bytes(record.payload)
    past.replace(msgspec.structs.replace(second, events=encode([forged])))

    report = await _audit(past)

    (violation,) = report.violations
    assert (violation.entity, violation.seq, violation.event) == (LOG, second.first_seq, "ActRecorded")
    assert violation.what == "A1: entry 2 was changed, is missing, or is not where it was"


async def test_A1_moved_entries_are_named() -> None:
    """Two entries that changed places."""
    past = await _history()
    _, second, third, _ = past.of(LOG)
    _swap_events(past, second, third)

    report = await _audit(past)

    (violation,) = report.violations
    assert (violation.entity, violation.seq) == (LOG, second.first_seq)
    assert "entry 2" in violation.what


async def test_A1_an_entry_cut_out_and_closed_over_is_named() -> None:
    """The documents after it are renumbered, so that the history itself has no gap."""
    past = await _history()
    _, second, third, fourth = past.of(LOG)
    past.replace(msgspec.structs.replace(third, first_seq=second.first_seq))
    past.replace(msgspec.structs.replace(fourth, first_seq=third.first_seq))
    past.remove(fourth)

    report = await _audit(past)

    (violation,) = [one for one in report.violations if one.entity == LOG]
    assert violation.seq == second.first_seq
    assert "entry 2" in violation.what


async def test_A1_an_end_cut_off_is_named_by_who_sent_it() -> None:
    """The chain cannot tell how long it was; the store that did it can."""
    past = await _history()
    third = past.of(LOG)[2]
    for document in past.of(LOG)[2:]:
        past.remove(document)

    report = await _audit(past)

    assert {one.entity for one in report.violations} == {LOG}
    assert "A1, A3: what store/s1 did at" in report.violations[0].what
    assert third.n == 1


@pytest.mark.parametrize("account", ["", "staff-account/wang"])
async def test_A1_a_log_that_is_gone_is_named(account: str) -> None:
    """All of it, by whoever sent to it."""
    past = await _history(account)
    assert (await _audit(past)).violations == []
    for document in past.of(LOG):
        past.remove(document)

    report = await _audit(past)

    assert [one.entity for one in report.violations][:1] == [LOG]
