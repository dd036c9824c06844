"""A table's evening, told again (★1): who did what, which rule priced it, and the state at any moment."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from actors.codec import Unreadable, decode_event, read_events
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document
from api.audiences import Audience
from api.call import Call
from api.moments import MomentText, rfc3339, to_ms
from api.operations import Answer, Table
from api.problems import Problem
from api.table_views import SessionShown
from store_runtime.rejections import InvalidField
from store_runtime.table_session.actor import TableSession
from store_runtime.table_session.commands import WhereIsSession
from store_runtime.table_session.projections import SessionPlace, session_view
from store_runtime.table_session.rejections import TableSessionNotFound
from store_runtime.table_session.story import tell

table = Table("Tables")

EVENTS_MAX = 20_000
"""Of a history that is read; an evening of eight guests has some hundreds."""

ITEMS_MAX = 500
PAUSE_EVERY = 200
AT_ONCE = 2

_reading = asyncio.Semaphore(AT_ONCE)


class ReplayQuery(msgspec.Struct, frozen=True):
    """``at``: stop after this sequence, or at this moment (RFC 3339); ``since``: only items after this sequence."""

    at: Annotated[str, Meta(max_length=40)] = ""
    since: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: Annotated[int, Meta(ge=1, le=ITEMS_MAX)] = 200


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``who`` is null where the house did it by itself."""

    seq: int
    at: MomentText
    type: str
    who: str | None
    said: str


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """The history up to ``seq`` and the session as it stood then; ``next_since`` where items were left off."""

    session_id: str
    seq: int
    at: MomentText
    items: list[Happened]
    next_since: int | None
    state: SessionShown | None


class Story:
    """A session's history as it is read."""

    def __init__(self, session_id: str, query: ReplayQuery) -> None:
        self.memory = EntityMemory(TableSession.type, f"{TableSession.kind}/{session_id}")
        self.session_id = session_id
        self._query = query
        self._seq_max, self._at_max = _point(query.at)
        self.items: list[Happened] = []
        self.more = False

    def take(self, document: Document) -> bool:
        """Apply a document; False when the point is reached. Raises Problem for what cannot be applied."""
        for record in read_events(document.events):
            memory = self.memory
            if memory.seq >= self._seq_max or record.at > self._at_max:
                return False
            if memory.seq >= EVENTS_MAX:
                raise Problem(422, "too_large", "This history is longer than is read over HTTP.")
            try:
                event = decode_event(record, memory.type)
                told = tell(memory.state, event) if type(event) in memory.type.evolvers else None
                memory.apply(event, record.at)
            except (Unreadable, CannotReplay) as error:
                raise Problem(
                    500, "internal_error", f"This release cannot apply {memory.seq + 1}."
                ) from error
            if told is None or memory.seq <= self._query.since:
                continue
            if len(self.items) < self._query.limit:
                self.items.append(
                    Happened(
                        seq=memory.seq,
                        at=rfc3339(record.at),
                        type=record.type,
                        who=told.who or None,
                        said=told.said,
                    )
                )
            else:
                self.more = True
        return True

    def answer(self) -> Replayed:
        """What was read."""
        memory = self.memory
        state = (
            SessionShown.of(session_view(self.session_id, memory.state, memory.last_at))
            if memory.state.exists
            else None
        )
        return Replayed(
            session_id=self.session_id,
            seq=memory.seq,
            at=rfc3339(memory.last_at),
            items=self.items,
            next_since=self.items[-1].seq if self.more and self.items else None,
            state=state,
        )


def _point(at: str) -> tuple[float, float]:
    if not at:
        return float("inf"), float("inf")
    if at.isascii() and at.isdecimal():
        return int(at), float("inf")
    try:
        moment = datetime.fromisoformat(at.replace(" ", "+"))  # a + that a query string took for a space
        if moment.tzinfo is not None:
            return float("inf"), to_ms(moment)
    except ValueError:
        pass
    raise InvalidField(path="query.at", problem="a sequence, or a moment like 2026-11-24T12:00:00+08:00")


@table.route(
    "GET",
    "/api/v1/table-sessions/{session_id}/replay",
    audience=Audience(action="audit.read", where="any"),
    query=ReplayQuery,
    answers={200: Replayed},
    problems=[TableSessionNotFound],
)
async def replay_session(call: Call) -> Answer:
    """A session's history in readable lines, and how it stood at a moment.

    From the journal, so it tells also what has been forgotten since. Sequences here are the journal's, which counts
    more than what screens show.
    """
    session = f"{TableSession.kind}/{call.params['session_id']}"
    place = await call.ask(session, WhereIsSession(), SessionPlace)
    await call.must_be_allowed_at(place.store_id)
    read = call.door.services.history
    if read is None:
        raise Problem(503, "unavailable", "The journal cannot be read here.")
    story = Story(call.params["session_id"], call.query)
    async with _reading:
        count = 0
        async for document in read(session):
            if not story.take(document):
                break
            count += 1
            if count % PAUSE_EVERY == 0:
                await asyncio.sleep(0)
    return Answer(200, story.answer())
