"""The audit log, as a manager reads it (A1)."""

from __future__ import annotations

from typing import Annotated, Any, Self

import msgspec
from msgspec import Meta

from api.audiences import store_staff
from api.call import Call
from api.moments import rfc3339
from api.operations import Answer, Table
from store_runtime.audit_log.commands import PAGE_MAX, GetEntries
from store_runtime.audit_log.projections import EntriesView, EntryView

table = Table("Staff")

SINCE_MAX = 2**53


class AuditQuery(msgspec.Struct):
    """Entries after number ``since``."""

    since: Annotated[int, Meta(ge=0, le=SINCE_MAX)] = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = PAGE_MAX


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what to which, when and why; ``hash`` chains it to the entry before."""

    number: int
    account: str
    device: str | None
    approved_by: str | None
    action: str
    subject: str
    at: str
    recorded_at: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str | None
    amount_fen: int | None
    hash: str

    @classmethod
    def of(cls, view: EntryView) -> Self:
        """An entry as the log shows it."""
        act = view.act
        return cls(
            number=view.number,
            account=act.by.account,
            device=act.by.device or None,
            approved_by=act.by.approved_by or None,
            action=act.action,
            subject=act.subject,
            at=rfc3339(act.at),
            recorded_at=rfc3339(view.recorded_at),
            before=act.before,
            after=act.after,
            reason=act.reason or None,
            amount_fen=act.amount_fen,
            hash=view.hash,
        )


class AuditEntries(msgspec.Struct, frozen=True, kw_only=True):
    """Oldest first; ``count`` entries in all, the last with hash ``head``. Those older than number ``oldest`` are in
    the journal only.
    """

    items: list[AuditEntry]
    next_cursor: str | None
    count: int
    head: str
    oldest: int


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/audit",
    audience=store_staff("audit.read"),
    query=AuditQuery,
    answers={200: AuditEntries},
)
async def list_audit(call: Call) -> Answer:
    """The store's audit log.

    ``next_cursor`` is the ``since`` of the next page. Whoever wrote ``head`` down can tell later that nothing
    before it was changed: `kaifan audit` computes the whole chain again.
    """
    query = GetEntries(since=call.query.since, limit=call.query.limit)
    view = await call.ask(f"audit-log/{call.params['store_id']}", query, EntriesView)
    more = bool(view.items) and view.items[-1].number < view.count
    shown = AuditEntries(
        items=[AuditEntry.of(item) for item in view.items],
        next_cursor=str(view.items[-1].number) if more else None,
        count=view.count,
        head=view.head,
        oldest=view.oldest,
    )
    return Answer(200, shown)
