"""What the hot routes of tables know without asking: which store a session belongs to, and what time it is there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from api.call import Call
from api.tokens import Staff
from store_runtime.table_session.commands import WhereIsSession
from store_runtime.table_session.projections import SessionPlace

SESSIONS_MAX = 50_000

Failed = Callable[[Exception], None]


class SessionStores:
    """Session → its store. A session never changes its store, so what was heard once holds."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, str] = OrderedDict()

    def heard(self, session_id: str, store_id: str) -> None:
        """Somebody said so who must know."""
        self._known[session_id] = store_id
        if len(self._known) > SESSIONS_MAX:
            self._known.popitem(last=False)

    def find(self, call: Call, found: Callable[[str], None], failed: Failed) -> None:
        """The store of the call's session, from memory or from the session."""
        session_id = call.params["session_id"]
        known = self._known.get(session_id)
        if known is not None:
            found(known)
            return

        def heard(place: SessionPlace) -> None:
            self.heard(session_id, place.store_id)
            found(place.store_id)

        call.submit(f"table-session/{session_id}", WhereIsSession(), SessionPlace, heard, failed)


def when_allowed_at(call: Call, store_id: str, go_on: Callable[[], None], failed: Failed) -> None:
    """Go on; staff only once it is known that they may do this in this store."""
    if isinstance(call.principal, Staff):
        call.door.start(call.must_be_allowed_at(store_id), go_on, failed)
    else:
        go_on()


def local_time(time_zone: str, now_ms: int) -> tuple[int, int]:
    """Weekday (1 is Monday) and minutes since midnight.

    >>> local_time("Asia/Shanghai", 1_795_492_800_000)
    (2, 720)
    """
    here = datetime.fromtimestamp(now_ms // 60_000 * 60, UTC).astimezone(_zone(time_zone))
    return here.isoweekday(), here.hour * 60 + here.minute


@lru_cache(maxsize=256)
def _zone(time_zone: str) -> ZoneInfo:
    return ZoneInfo(time_zone)
