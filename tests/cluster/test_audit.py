"""The audit finds what is wrong in a journal, and nothing in one that is right."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import msgspec
import pytest

from actors.entity_memory import EntityMemory
from actors.journal import Document
from actors.quarantine import END, Quarantine
from cluster.audit import Report, audit
from cluster.rooms import TYPES
from flash_sale.events import Claimed, HoldExpired
from store_runtime.store.events import DishSold
from store_runtime.takeout.events import OrderRejected
from tests.cluster.shop import STORE, History, history

pytestmark = pytest.mark.anyio


async def _audit(past: History, stopped: dict[str, Quarantine] | None = None) -> Report:
    return await audit(past.all(), past.journal.read, stopped or {})


async def test_a_true_journal_has_no_violation() -> None:
    """What a silo wrote passes, and everything in it was read."""
    past = await history()

    report = await _audit(past)

    assert report.violations == []
    assert report.entities == len(past.journal.documents) == 4
    assert report.commands >= 8
    assert report.summary().endswith("violations=0")


async def test_guarantee_1_a_missing_document_is_a_gap() -> None:
    """A document that was lost is named by the one that follows it."""
    past = await history()
    _, second, third, *_ = past.of(past.sale)
    past.remove(second)

    report = await _audit(past)

    assert str(report.violations[0]) == (
        f"{past.sale} at {third.first_seq}: "
        f"the history has a gap: {third.first_seq} where {second.first_seq} was next"
    )


async def test_guarantee_1_two_documents_over_one_sequence_overlap() -> None:
    """A document that begins inside another one is told."""
    past = await history()
    opening = past.of(past.sale)[0]
    assert opening.last_seq == 2
    past.replace(msgspec.structs.replace(opening, first_seq=2))

    report = await _audit(past)

    assert str(report.violations[0]) == f"{past.sale} at 2: the history has an overlap: 2 where 3 was next"


async def test_guarantee_4_a_command_is_executed_once() -> None:
    """The same command id in two documents is told."""
    past = await history()
    claim = next(document for document in past.of(past.sale) if document.cmds)
    forged = past.append(past.sale, HoldExpired(claim_id=_held_claim(past)))
    past.replace(msgspec.structs.replace(forged, cmds=claim.cmds))

    report = await _audit(past)

    assert [(v.entity, v.seq) for v in report.violations] == [(past.sale, forged.first_seq)]
    assert "was executed twice" in report.violations[0].what


async def test_F1_an_oversold_sale_is_told_with_the_event_that_did_it() -> None:
    """More held than there is stock: the claim that nobody could decide is the first violating event."""
    past = await history()
    forged = past.append(
        past.sale,
        Claimed(claim_id="c-1", user_id="guest-3", quantity=1, expires_at=2**41),
        Claimed(claim_id="c-2", user_id="guest-4", quantity=2, expires_at=2**41),
    )

    report = await _audit(past)

    (violation,) = report.violations
    assert (violation.entity, violation.seq) == (past.sale, forged.first_seq + 1)
    assert violation.event == "Claimed"
    assert "F1: left is -1" in violation.what


async def test_F1_an_accepted_order_that_the_sale_knows_nothing_of() -> None:
    """An effect without its cause is told across entities."""
    past = await history()
    _cut(past, past.sale, "Sold")

    report = await _audit(past)

    assert (past.order, True) in [(v.entity, "has not sold" in v.what) for v in report.violations]


async def test_O2_a_sold_claim_whose_order_was_never_accepted() -> None:
    """A message that was acknowledged and left no trace is told."""
    past = await history()
    accepted = next(document for document in past.of(past.order) if "OrderAccepted" in document.types)
    for document in past.of(past.order):
        if document.first_seq >= accepted.first_seq:
            past.remove(document)

    report = await _audit(past)

    assert any("never accepted" in v.what and v.entity == past.order for v in report.violations)


async def test_O2_an_order_rejected_without_its_refund() -> None:
    """The room's own invariant is asked, with the event after which it failed."""
    past = await history()
    paid = next(
        document for document in past.of(past.order) if document.first_seq > past.of(past.order)[0].last_seq
    )
    for document in past.of(past.order):
        if document.first_seq >= paid.first_seq:
            past.remove(document)
    forged = past.append(past.order, OrderRejected(reason="sold_out"))

    report = await _audit(past)

    violation = next(v for v in report.violations if v.entity == past.order)
    assert (violation.seq, violation.event) == (forged.first_seq, "OrderRejected")
    assert violation.what.startswith("O2: rejected while its payment is")


async def test_D4_a_store_that_booked_more_than_was_sold() -> None:
    """The books of a store never run ahead of the sale."""
    past = await history()
    past.append(STORE, DishSold(flash_sale_id=past.sale.partition("/")[2], dish_id="crab", quantity=1))

    report = await _audit(past)

    assert [v.entity for v in report.violations] == [STORE]
    assert "is booked with 3 sold" in report.violations[0].what


async def test_an_unreadable_event_is_a_violation_at_its_sequence() -> None:
    """An event that this release cannot apply does not end the audit."""
    past = await history()
    first = past.of(past.order)[0]
    past.replace(msgspec.structs.replace(first, n=first.n + 1))

    report = await _audit(past)

    assert report.violations[0].entity == past.order
    assert report.entities == 4


async def test_an_entity_that_an_operator_ended_is_left_out() -> None:
    """Its state is nobody's promise any more; the report names it."""
    past = await history()
    past.append(past.sale, Claimed(claim_id="c-1", user_id="guest-3", quantity=9, expires_at=2**41))

    report = await _audit(past, {past.sale: Quarantine(entity=past.sale, reason="test", mode=END)})

    assert report.skipped == [past.sale]


def _held_claim(past: History) -> str:
    """The claim that was not paid."""
    memory = EntityMemory(TYPES["flash-sale"], past.sale)
    for document in past.of(past.sale):
        memory.apply_document(document)
    return next(claim_id for claim_id, claim in memory.state.claims.items() if claim.state == "held")


# --- only what changed ---------------------------------------------------------------------------------------


async def _audit_changed(past: History, *changed: str) -> Report:
    """As with ``--since`` when only these entities changed."""

    async def documents_of(entities: Iterable[str]) -> AsyncIterator[Document]:
        for entity in entities:
            for document in past.of(entity):
                yield document

    return await audit(documents_of(changed), past.journal.read, {}, documents_of)


@pytest.mark.parametrize("who", ["store", "sale", "order"])
async def test_since_reads_whom_the_changed_ones_name(who: str) -> None:
    """A change of one is compared with its unchanged partners, and no further; a true journal stays true."""
    past = await history()
    changed = {"store": STORE, "sale": past.sale, "order": past.order}[who]
    partners = {"store": {past.sale}, "sale": {STORE, past.order}, "order": {past.sale}}[who]

    report = await _audit_changed(past, changed)

    assert report.violations == []
    assert report.entities == 1 + len(partners)
    assert report.documents == sum(len(past.of(entity)) for entity in {changed, *partners})


async def test_D4_since_a_changed_store_contradicts_an_unchanged_sale() -> None:
    """The store books what its sale, which nobody touched, never sold."""
    past = await history()
    past.append(STORE, DishSold(flash_sale_id=past.sale.partition("/")[2], dish_id="crab", quantity=1))

    report = await _audit_changed(past, STORE)

    assert [v.entity for v in report.violations] == [STORE]
    assert "is booked with 3 sold" in report.violations[0].what


async def test_F1_since_a_changed_order_contradicts_an_unchanged_sale() -> None:
    """It was accepted, and its sale has lost what it knew of it."""
    past = await history()
    _cut(past, past.sale, "Sold")

    report = await _audit_changed(past, past.order)

    assert [v.entity for v in report.violations] == [past.order]
    assert "has not sold" in report.violations[0].what


async def test_F1_since_a_changed_sale_contradicts_an_unchanged_order() -> None:
    """A claim that is not sold names its order too: the order was accepted all the same."""
    past = await history()
    _cut(past, past.sale, "Sold")

    report = await _audit_changed(past, past.sale)

    assert (past.order, True) in [(v.entity, "has not sold" in v.what) for v in report.violations]


@pytest.mark.parametrize("who", ["sale", "order"])
async def test_F6_since_a_partner_that_does_not_exist_is_missed(who: str) -> None:
    """What the changed ones name was asked for, so it is missing and not merely unread."""
    past = await history()
    changed, gone = {"sale": (past.sale, past.order), "order": (past.order, past.sale)}[who]
    for document in past.of(gone):
        past.remove(document)

    report = await _audit_changed(past, changed)

    assert [v.entity for v in report.violations] == [changed]
    assert f"{gone}, which does not exist" in report.violations[0].what


def _cut(past: History, entity: str, event: str) -> None:
    """Lose the entity's history from the document with this event on."""
    for document in reversed(past.of(entity)):
        past.remove(document)
        if event in document.types:
            return
    raise AssertionError(f"no {event} in {entity}")
