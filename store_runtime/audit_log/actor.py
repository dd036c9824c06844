"""AuditLog: acts come in, each is chained to the one before."""

from __future__ import annotations

from actors.entity import Decision, Entity, answers, decides, evolves
from actors.turn import Turn
from store_runtime.audit_log.chain import chained
from store_runtime.audit_log.commands import GetEntries, RecordAct
from store_runtime.audit_log.events import ActRecorded
from store_runtime.audit_log.projections import EntriesView, EntryView, entries_view, entry_view
from store_runtime.audit_log.state import RECENT_MAX, Entry, Log


class AuditLog(Entity[Log]):
    """The log of one store."""

    kind = "audit-log"

    def blank(self) -> Log:
        return Log()

    @decides(RecordAct)
    def record(self, log: Log, cmd: RecordAct, turn: Turn) -> Decision[EntryView]:
        """The next entry."""
        number = log.count + 1
        hash = chained(log.head, number, turn.at, cmd.act)
        yield ActRecorded(number=number, act=cmd.act, hash=hash)
        return entry_view(Entry(number=number, act=cmd.act, at=turn.at, hash=hash))

    @evolves(ActRecorded)
    def on_recorded(self, log: Log, e: ActRecorded, at: int) -> None:
        # The chain is computed again here, because this is what ``kaifan audit`` replays: a journal that was
        # changed by another hand says so in the state.
        if not log.broken_at and (
            e.number != log.count + 1 or e.hash != chained(log.head, e.number, at, e.act)
        ):
            log.broken_at = log.count + 1
        log.count += 1
        log.head = e.hash
        log.recent.append(Entry(number=e.number, act=e.act, at=at, hash=e.hash))
        if len(log.recent) > RECENT_MAX:
            del log.recent[0]

    @answers(GetEntries)
    def entries(self, log: Log, query: GetEntries, at: int) -> EntriesView:
        """A page of the newest entries."""
        return entries_view(log, query.since, query.limit)
