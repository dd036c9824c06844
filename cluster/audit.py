"""``kaifan audit``: re-reads the whole journal and believes nothing.

For each entity: one history (no gap, no overlap), each command once, its room's invariants after what was
decided together. Across entities: what sale, store and order say of each other, and whether every sensitive act
is in the audit log and all money in a shift (cluster/sagas.py); who is audited because it changed is compared
with those it names, changed or not. Streams: it holds one entity at a time, and of sales and orders only what
the comparison needs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping

import msgspec

from actors.codec import decode_event, read_commands, read_events, read_sends
from actors.entity import kind_of
from actors.entity_memory import CannotReplay, EntityMemory
from actors.journal import Document
from actors.quarantine import END, SKIP, Quarantine
from actors.remembered import KEPT_MS
from cluster.rooms import CHEAP_INVARIANTS, INVARIANTS, TYPES, Invariant
from cluster.sagas import Books, Told
from cluster.showing import moment
from store_runtime.audit_log.actor import AuditLog
from store_runtime.till.actor import Till

VIOLATIONS_MAX = 100
WITNESSES = (AuditLog.kind, Till.kind)
"""They enter what others did; what was sent to them must be there."""
FULL_CHECK_SHARE = 20
"""An invariant that looks at the whole state runs when the history grew by a twentieth since its last run."""

Reread = Callable[[str], AsyncIterator[Document]]
ReadPartners = Callable[[Iterable[str]], AsyncIterator[Document]]


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, and at which event: ``seq`` and ``event`` are of the first one after which it stayed wrong."""

    entity: str
    seq: int
    what: str
    event: str = ""
    at_ms: int = 0

    def __str__(self) -> str:
        where = f"{self.entity} at {self.seq}"
        if self.event:
            where += f" ({self.event}, {moment(self.at_ms)})"
        return f"{where}: {self.what}"


class Report(msgspec.Struct):
    """What was read and what was found; ``skipped`` entities were stopped or ended by an operator."""

    entities: int = 0
    documents: int = 0
    events: int = 0
    commands: int = 0
    skipped: list[str] = []
    violations: list[Violation] = []

    def summary(self) -> str:
        return (
            f"entities={self.entities} documents={self.documents} events={self.events} "
            f"commands={self.commands} violations={len(self.violations)}"
        )


async def audit(
    documents: AsyncIterator[Document],
    reread: Reread,
    stopped: Mapping[str, Quarantine],
    partners: ReadPartners | None = None,
    progress: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Audit documents that come entity by entity, each entity's in order.

    Args:
        reread: one entity's documents again, to find the first event of a violation.
        stopped: entities an operator has decided on; their skipped events are skipped here too.
        partners: reads the documents of the entities given, in the same order and up to the same moment; given when
            ``documents`` are not of all entities. Then those that they name are audited too.
        progress: called now and then.
    """
    report = Report()
    books = Books()
    await _read(documents, books, report, reread, stopped, progress)
    asked_for = books.keys()
    if partners is not None:
        await _read(partners(books.unread_partners()), books, report, reread, stopped, progress)
    # What was found wrong or left out is not in the books: nobody is to be blamed for missing it.
    all_entered = not report.violations and not report.skipped
    report.violations += [
        Violation(entity=entity, seq=seq, what=what)
        for entity, seq, what in books.contradictions(lambda key: all_entered and key in asked_for)
    ]
    return report


async def _read(
    documents: AsyncIterator[Document],
    books: Books,
    report: Report,
    reread: Reread,
    stopped: Mapping[str, Quarantine],
    progress: Callable[[Report], None],
) -> None:
    current: _EntityAudit | None = None
    async for document in documents:
        report.documents += 1
        report.events += document.n
        if current is None or current.key != document.entity:
            await _close(current, books, report, reread)
            current = _EntityAudit(document.entity, stopped.get(document.entity))
            report.entities += 1
        report.commands += current.take(document)
        if report.documents % 10_000 == 0:
            progress(report)
        if len(report.violations) >= VIOLATIONS_MAX:
            break
    await _close(current, books, report, reread)


async def _close(current: _EntityAudit | None, books: Books, report: Report, reread: Reread) -> None:
    if current is None:
        return
    if current.is_ended:
        report.skipped.append(current.key)
        return
    current.check_whole()
    if current.found is not None:
        report.violations.append(await current.explain(reread))
    elif current.memory is not None:
        books.enter(current.memory, current.told)


class _EntityAudit:
    """One entity's documents, one after the other, until the first thing that is wrong."""

    def __init__(self, key: str, stopped: Quarantine | None) -> None:
        self.key = key
        self.found: Violation | None = None
        self.is_ended = stopped is not None and stopped.mode == END
        self._skip = frozenset(stopped.skip if stopped is not None and stopped.mode == SKIP else ())
        kind = kind_of(key)
        self.memory = EntityMemory(TYPES[kind], key) if kind in TYPES else None
        self._invariant = INVARIANTS.get(kind)
        self._cheap = CHEAP_INVARIANTS.get(kind)
        self._checked_at = 0
        self.told = Told()
        self._needs_event = False

    def take(self, document: Document) -> int:
        """Apply a document; how many commands it answers."""
        if self.found is not None or self.is_ended:
            return 0
        if self.memory is None:
            self._find(document, "no room of this release knows its kind")
            return 0
        expected = self.memory.seq + 1
        if document.first_seq != expected:
            what = "a gap" if document.first_seq > expected else "an overlap"
            self._find(document, f"the history has {what}: {document.first_seq} where {expected} was next")
            return 0
        try:
            self.memory.apply_document(document, self._skip)
        except CannotReplay as error:
            self.found = Violation(entity=self.key, seq=error.seq, what=error.reason)
            return 0
        count = self._count_commands(document)
        self._note_acts(document)
        self._check(document)
        return count

    def _find(self, document: Document, what: str, needs_event: bool = False) -> None:
        self.found = Violation(entity=self.key, seq=document.first_seq, what=what)
        self._needs_event = needs_event

    def _count_commands(self, document: Document) -> int:
        """Guarantee 4: the same command is executed once while its answer must be remembered."""
        assert self.memory is not None, "applied before"
        records = read_commands(document.cmds)
        for record in records:
            before = self.told.answered.get(record.id)
            if before is not None and self.memory.last_at - before < KEPT_MS:
                self._find(document, f"command {record.id.hex()} was executed twice")
            self.told.answered[record.id] = self.memory.last_at
        return len(records)

    def _note_acts(self, document: Document) -> None:
        if document.sends:
            sends = [send for send in read_sends(document.sends) if kind_of(send.to) in WITNESSES]
            self.told.acts += [(send.to, send.id, document.last_seq) for send in sends]

    def _check(self, document: Document) -> None:
        assert self.memory is not None, "applied before"
        invariant = self._cheap
        if (self.memory.seq - self._checked_at) * FULL_CHECK_SHARE >= self.memory.seq:
            invariant = self._invariant
            self._checked_at = self.memory.seq
        if self.found is None and invariant is not None and (wrong := told(invariant, self.memory)):
            self._find(document, "; ".join(wrong), needs_event=True)

    def check_whole(self) -> None:
        """The last state, whole."""
        if self.found is None and self.memory is not None and self._invariant is not None:
            wrong = told(self._invariant, self.memory)
            if wrong:
                self.found = Violation(entity=self.key, seq=self.memory.seq, what="; ".join(wrong))
                self._needs_event = True

    async def explain(self, reread: Reread) -> Violation:
        """The violation with the first event after which it stayed."""
        assert self.found is not None, "only what is wrong needs an explanation"
        if not self._needs_event or self._invariant is None or self.memory is None:
            return self.found
        behind = EntityMemory(self.memory.type, self.key)
        ahead = EntityMemory(self.memory.type, self.key)
        async for document in reread(self.key):
            ahead.apply_document(document, self._skip)
            if told(self._invariant, ahead):
                return _first_event(behind, document, self._invariant, self._skip) or self.found
            behind.apply_document(document, self._skip)
        return self.found


def _first_event(
    memory: EntityMemory, document: Document, invariant: Invariant, skip: frozenset[int]
) -> Violation | None:
    """Within a document whose end is wrong: the event after which it was wrong up to the end.

    What was decided together may contradict itself half-way, so an event that a later one of the same document puts
    right is not it.
    """
    first: Violation | None = None
    for record in read_events(document.events):
        if memory.seq + 1 in skip:
            memory.seq += 1
            continue
        memory.apply(decode_event(record, memory.type), record.at)
        wrong = told(invariant, memory)
        if not wrong:
            first = None
        elif first is None:
            first = Violation(
                entity=memory.key, seq=memory.seq, what="; ".join(wrong), event=record.type, at_ms=record.at
            )
    return first


def told(invariant: Invariant, memory: EntityMemory) -> list[str]:
    """What the invariant says; an invariant that cannot even be computed is violated."""
    try:
        return invariant(memory.state)
    except Exception as error:
        return [f"its invariant cannot be computed: {error!r}"]
