"""What an operator reads from a real journal, and what is decided on an entity in quarantine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from actors.on_mongo import open_stores
from actors.quarantine import END, SKIP, STOPPED, Quarantine
from cluster.audit import audit
from cluster.embedded import EmbeddedFailure, EmbeddedMongod
from cluster.quarantine import decide
from cluster.records import Records, open_records
from cluster.replay import Point, point, replay
from cluster.settings import Settings
from flash_sale.events import Claimed
from tests.cluster.shop import STORE, History, history

pytestmark = [pytest.mark.anyio, pytest.mark.services]


@pytest.fixture
def settings(mongod: EmbeddedMongod, database: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A system elsewhere: nobody runs on this folder."""
    folder = tmp_path_factory.mktemp("records")
    return Settings(mongo_uri=mongod.uri, mongo_database=database, data_dir=folder)


@pytest.fixture
async def past(settings: Settings) -> History:
    """A shop that has sold something, in the real journal too."""
    past = await history()
    stores = await open_stores(settings.mongo_uri, settings.mongo_database)
    try:
        documents = [document async for document in past.all()]
        await stores.journal.append(documents[::-1])
    finally:
        await stores.close()
    return past


@pytest.fixture
async def records(settings: Settings, past: History) -> AsyncIterator[Records]:
    async with open_records(settings) as opened:
        yield opened


async def test_documents_come_entity_by_entity_in_their_order(records: Records, past: History) -> None:
    """Whatever order they were written in."""
    read = [document.id async for document in records.documents(await records.now())]

    assert read == [document.id async for document in past.all()]


async def test_a_document_after_the_point_is_not_read(
    records: Records, past: History, settings: Settings
) -> None:
    """An audit sees one moment, although the system goes on."""
    moment = await records.now()
    late = past.append(past.sale, Claimed(claim_id="late", user_id="g", quantity=1, expires_at=2**41))
    stores = await open_stores(settings.mongo_uri, settings.mongo_database)
    await stores.journal.append([late])
    await stores.close()

    assert late.id not in [document.id async for document in records.documents(moment)]
    assert [document.id async for document in records.documents_of([past.sale, STORE], moment)] == [
        *[document.id for document in past.of(past.sale) if document.id != late.id],
        *[document.id for document in past.of(STORE)],
    ]
    assert late.id in [document.id async for document in records.documents(await records.now())]


async def test_since_reads_what_changed_and_that_whole(records: Records, past: History) -> None:
    """An entity is audited from its first event or not at all."""
    now = datetime.now(UTC)

    before = [d.id async for d in records.documents(await records.now(), now - timedelta(minutes=5))]
    after = [d.id async for d in records.documents(await records.now(), now + timedelta(minutes=5))]

    assert before == [document.id async for document in past.all()]
    assert after == []


async def test_the_real_journal_passes_the_audit(records: Records, past: History) -> None:
    """The same verdict as over the silo's own documents."""
    report = await audit(records.documents(await records.now()), records.journal.read, {})

    assert report.violations == []
    assert report.entities == 4


async def test_replay_tells_the_story_up_to_a_point(records: Records, past: History) -> None:
    """Each event with its sequence, then the state there; the seed of a draw stays hidden."""
    lines = [line async for line in replay(past.sale, records.journal.read(past.sale), Point(seq=3))]

    story = "\n".join(lines)
    assert "SaleOpened" in story
    assert "Claimed" in story
    assert "CheckedOut" not in story
    assert "state after 3" in story
    assert "  held: 2" in lines
    assert 'seed: "(hidden)"' in story


async def test_replay_stops_at_a_moment(records: Records, past: History) -> None:
    """A time before the first event is the blank state."""
    lines = [line async for line in replay(STORE, records.journal.read(STORE), point("2020-01-01T00:00"))]

    assert lines[1].startswith("state after 0")


async def test_replay_leaves_out_what_screens_were_told(records: Records, past: History) -> None:
    """It is packed, and the events above it say the same."""
    lines = [line async for line in replay(STORE, records.journal.read(STORE), Point())]

    state = lines[next(n for n, line in enumerate(lines) if line.startswith("state after")) :]
    assert any(line.startswith("  settings:") for line in state)
    assert not any(line.lstrip().startswith(("live:", "rows:")) for line in state)


async def test_replay_to_what_has_not_happened_yet_says_so(records: Records, past: History) -> None:
    """The whole story, and that there is no more of it."""
    lines = [line async for line in replay(STORE, records.journal.read(STORE), Point(seq=99_999))]

    assert any("there is no 99999 yet" in line for line in lines)
    assert any(line.startswith("state after") for line in lines)


async def test_replay_of_nobody_is_told(records: Records) -> None:
    """An id without a history is a mistake of whoever typed it."""
    with pytest.raises(EmbeddedFailure, match="has no history"):
        _ = [line async for line in replay("store/nobody", records.journal.read("store/nobody"), Point())]


@pytest.mark.parametrize("text", ["yesterday", "12:61", ""])
def test_a_point_is_a_sequence_or_a_time(text: str) -> None:
    """Anything else is refused with an example."""
    with pytest.raises(EmbeddedFailure, match="is no time"):
        point(text)


# --- quarantine ----------------------------------------------------------------------------------------------


async def _stopped(records: Records, entity: str) -> Quarantine | None:
    return {row.entity: row for row in await records.quarantine.all()}.get(entity)


async def test_resume_clears_the_quarantine(records: Records, settings: Settings) -> None:
    """The entity tries again; without a running system it does so at the next start."""
    await records.quarantine.put(Quarantine(entity=STORE, reason="test"))

    told = await decide(settings, STORE, "resume")

    assert "takes effect at the next start" in told
    assert await _stopped(records, STORE) is None


async def test_skip_leaves_out_one_event_after_the_other_and_resume_keeps_them_out(
    records: Records, settings: Settings
) -> None:
    """What was left out stays left out: the history cannot be applied with it."""
    await records.quarantine.put(Quarantine(entity=STORE, reason="test", seq=3))
    await decide(settings, STORE, "skip")
    first = await _stopped(records, STORE)
    assert first is not None
    assert (first.mode, first.skip) == (SKIP, [3])

    await records.quarantine.put(Quarantine(entity=STORE, reason="again", seq=5, skip=[3], mode=STOPPED))
    await decide(settings, STORE, "skip")
    await decide(settings, STORE, "resume")
    second = await _stopped(records, STORE)
    assert second is not None
    assert (second.mode, second.skip) == (SKIP, [3, 5])


async def test_end_is_remembered(records: Records, settings: Settings) -> None:
    """An ended entity answers entity_ended; its history is kept."""
    await records.quarantine.put(Quarantine(entity=STORE, reason="test", seq=3))

    await decide(settings, STORE, "end")

    ended = await _stopped(records, STORE)
    assert ended is not None
    assert ended.mode == END


@pytest.mark.parametrize(
    ("entity", "decision", "what"),
    [
        ("store/well", "resume", "is not in quarantine"),
        (STORE, "pray", "is no decision"),
        ("cellar/1", "resume", "names no entity"),
        (STORE, "skip", "there is nothing to leave out"),
    ],
)
async def test_a_decision_that_cannot_be_carried_out_is_told(
    records: Records, settings: Settings, entity: str, decision: str, what: str
) -> None:
    """And changes nothing."""
    await records.quarantine.put(Quarantine(entity=STORE, reason="a poisonous command"))

    with pytest.raises(EmbeddedFailure, match=what):
        await decide(settings, entity, decision)

    kept = await _stopped(records, STORE)
    assert kept is not None
    assert kept.mode == STOPPED
