"""What can be asked of an audit log (kind ``audit-log``, id = store id, or ``house``)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from actors.words import Query
from store_runtime.audit_log.acts import RecordAct

PAGE_MAX = 200


class GetEntries(Query, frozen=True, kw_only=True):
    """Entries after number ``since``, oldest first, at most ``limit``: EntriesView."""

    since: Annotated[int, Meta(ge=0)] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = PAGE_MAX


__all__ = ["PAGE_MAX", "GetEntries", "RecordAct"]
