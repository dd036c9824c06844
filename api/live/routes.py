"""What can be followed, and by whom."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.words import Query
from api.audiences import diner_or_staff, store_staff
from api.call import Call
from api.operations import Answer, Table
from api.rejections import TooManySockets, UpgradeRequired
from api.tokens import Diner
from store_runtime.live import Delta, GetDelta
from store_runtime.store.rejections import StoreNotFound
from store_runtime.table_session.commands import WhereIsSession
from store_runtime.table_session.projections import SessionPlace
from store_runtime.table_session.rejections import TableSessionNotFound

table = Table("Live")

NOTHING_SEEN = -1
"""As ``since``: the first frame is a reset."""

_HEADERS = {
    "Sec-WebSocket-Protocol": "For browsers, which cannot send Authorization: kaifan.live, kaifan.bearer.TOKEN."
}


class Since(msgspec.Struct, frozen=True):
    """``since``: the newest seq one has; without it the first frame says where to begin."""

    since: Annotated[int, Meta(ge=0, le=2**53)] | None = None


@table.route(
    "GET",
    "/api/v1/table-sessions/{session_id}/live",
    audience=diner_or_staff("order.read"),
    answers={101: None},
    query=Since,
    headers=_HEADERS,
    problems=[UpgradeRequired, TooManySockets, TableSessionNotFound],
)
async def follow_session(call: Call) -> Answer:
    """A table's session as it changes, for its guests and the store's staff.

    A WebSocket. Each text frame is one event {seq, type, at, data}, in order and without a gap after since. A frame
    of type reset says that events are missing: read the session, and go on from its seq. Come again with since =
    the newest seq after any close; close code 1012 says that this silo restarts, 4408 that the screen was too slow.
    """
    raise UpgradeRequired()


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/live",
    audience=store_staff("order.read"),
    answers={101: None},
    query=Since,
    headers=_HEADERS,
    problems=[UpgradeRequired, TooManySockets, StoreNotFound],
)
async def follow_store(call: Call) -> Answer:
    """A store as it changes: floor and kitchen, for its staff.

    A WebSocket, as that of a table's session.
    """
    raise UpgradeRequired()


class Subject:
    """One kind of what can be followed: its entity, its view, and who may."""

    def __init__(self, kind: str, parameter: str, view: str) -> None:
        self.kind = kind
        self.parameter = parameter
        self.view = view

    def entity(self, call: Call) -> str:
        """``kind/id``."""
        return f"{self.kind}/{call.params[self.parameter]}"

    def view_of(self, entity: str) -> str:
        """Where the whole view is read."""
        return self.view.format(entity.partition("/")[2])

    async def delta(self, call: Call, since: int) -> Delta:
        """What the caller missed; asked at the beginning and, to see whether they still may, from time to time.

        Raises Problem or a rejection for who may not.
        """
        if self.kind == "table-session" and not isinstance(call.principal, Diner):
            place = await call.ask(self.entity(call), WhereIsSession(), SessionPlace)
            await call.must_be_allowed_at(place.store_id)
        question: Query = GetDelta(since=since, who=call.user_id)
        return await call.ask(self.entity(call), question, Delta)


SUBJECTS = {
    "follow_session": Subject("table-session", "session_id", "/api/v1/table-sessions/{}"),
    "follow_store": Subject("store", "store_id", "/api/v1/stores/{}/tables"),
}
"""By the operation's name."""
