"""Table: configured by its store, opened by scan or staff, told by its sessions, cleared and free again."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from actors.entity import Decision, Entity, answers, decides, evolves, reacts, wakes
from actors.turn import Turn
from actors.words import Event, Send, Wake
from store_runtime.by import By
from store_runtime.store.floor.commands import NoteTable
from store_runtime.table.admission import MISSED, OPEN, PIN_DIGITS, PIN_LOCKED_MS, WAIT, admit
from store_runtime.table.commands import (
    SEATS_MAX,
    SESSIONS_MAX,
    WAITING_MAX,
    ConfigureTable,
    FreeTable,
    GetTable,
    NoteSession,
    OpenTable,
    ReceiveSession,
    RevokeCode,
    RotateCode,
    ScanCode,
)
from store_runtime.table.events import (
    CodeRevoked,
    CodeRotated,
    GuestSeated,
    GuestWaiting,
    PinMissed,
    SessionGone,
    SessionNoted,
    SessionOpened,
    SessionReceived,
    TableConfigured,
    TableFreed,
)
from store_runtime.table.projections import Received, ScanAnswer, TableView, sitting_views, table_view
from store_runtime.table.rejections import (
    IllegalTransition,
    InvalidField,
    TableFull,
    TableNotFound,
    TableTaken,
)
from store_runtime.table.state import Sitting, TableState
from store_runtime.table_session.commands import OpenSession
from store_runtime.table_session.moving.commands import TableReserved

GONE = frozenset({"closed", "moved"})


class Table(Entity[TableState]):
    """One table of one store."""

    kind = "table"

    def blank(self) -> TableState:
        return TableState()

    @property
    def store_id(self) -> str:
        return self.id.rpartition(".")[0]

    @property
    def table_id(self) -> str:
        return self.id.rpartition(".")[2]

    # --- the store's word ------------------------------------------------------------------------------

    @decides(ConfigureTable)
    def configure(self, table: TableState, cmd: ConfigureTable, turn: Turn) -> Decision[None]:
        """What is newer than what it knows."""
        if cmd.version > table.version:
            yield TableConfigured(terms_version=cmd.version, terms=cmd.terms, removed=cmd.removed)

    # --- guests and staff sit parties down -------------------------------------------------------------

    @decides(ScanCode)
    def scan(self, table: TableState, cmd: ScanCode, turn: Turn) -> Decision[ScanAnswer]:
        """A code was scanned (T1): joined, opened, or staff are told that somebody waits."""
        admitted = admit(table, cmd, turn.at)
        InvalidField.check(cmd)
        if admitted == MISSED:
            yield PinMissed(user_id=cmd.user_id)
            return ScanAnswer(outcome="pin_wrong")
        if admitted == WAIT:
            if cmd.user_id not in table.waiting and len(table.waiting) < WAITING_MAX:
                yield GuestWaiting(user_id=cmd.user_id, nickname=cmd.nickname)
            return ScanAnswer(outcome="waiting")
        if admitted == OPEN:
            opened = self._opened(table, turn, cmd.party_size, user_id=cmd.user_id, nickname=cmd.nickname)
            yield opened
            return ScanAnswer(outcome="opened", session_id=opened.session_id, opening=opened.opening)
        if table.seats.get(cmd.user_id) != admitted and len(table.seats) < SEATS_MAX:
            yield GuestSeated(session_id=admitted, user_id=cmd.user_id)
        return ScanAnswer(outcome="joined", session_id=admitted)

    @decides(OpenTable)
    def open(self, table: TableState, cmd: OpenTable, turn: Turn) -> Decision[ScanAnswer]:
        """Staff open it (T16)."""
        self._must_be_known(table)
        InvalidField.check(cmd)
        if table.sittings and not table.terms.shared:
            raise TableTaken(session_id=next(iter(table.sittings)))
        if len(table.sittings) >= SESSIONS_MAX:
            raise TableFull(sessions_max=SESSIONS_MAX)
        opened = self._opened(table, turn, cmd.party_size, by=cmd.by)
        yield opened
        return ScanAnswer(outcome="opened", session_id=opened.session_id, opening=opened.opening)

    @decides(ReceiveSession)
    def receive(self, table: TableState, cmd: ReceiveSession, turn: Turn) -> Decision[Received]:
        """A party comes from another table (T8). It is seated in this turn, so nobody waits for anybody."""
        self._must_be_known(table)
        here = table.sittings.get(cmd.session_id)
        if here is not None:
            # It left a moment ago and is back before its word about that: what it said before this counts no more.
            yield SessionReceived(arrival=cmd, letter=here.letter, label=here.label, pin=table.pin)
            return Received(reserved=self._reserved(table, here.letter, here.label))
        if table.sittings and not table.terms.shared:
            raise TableTaken(session_id=next(iter(table.sittings)))
        if len(table.sittings) >= SESSIONS_MAX:
            raise TableFull(sessions_max=SESSIONS_MAX)
        letter = table.next_letter() if table.terms.shared else ""
        label = table.terms.name + letter
        yield SessionReceived(arrival=cmd, letter=letter, label=label, pin=self._pin(table, turn))
        return Received(reserved=self._reserved(table, letter, label))

    def _reserved(self, table: TableState, letter: str, label: str) -> TableReserved:
        return TableReserved(table_id=self.table_id, letter=letter, label=label, terms=table.terms)

    def _pin(self, table: TableState, turn: Turn) -> str:
        """Of this sitting: the one that is known, or a new one."""
        if table.sittings:
            return table.pin
        return f"{int.from_bytes(turn.random_bytes(4), 'big') % 10**PIN_DIGITS:0{PIN_DIGITS}d}"

    def _opened(
        self,
        table: TableState,
        turn: Turn,
        party_size: int,
        *,
        user_id: str = "",
        nickname: str = "",
        by: By | None = None,
    ) -> SessionOpened:
        terms = table.terms
        letter = table.next_letter() if terms.shared else ""
        opening = OpenSession(
            store_id=self.store_id,
            table_id=self.table_id,
            letter=letter,
            label=terms.name + letter,
            terms=terms,
            party_size=party_size,
            user_id=user_id,
            nickname=nickname,
            by=by,
        )
        pin = self._pin(table, turn)
        return SessionOpened(session_id=turn.new_id("ts"), letter=letter, opening=opening, pin=pin)

    # --- its code --------------------------------------------------------------------------------------

    @decides(RotateCode)
    def rotate(self, table: TableState, cmd: RotateCode, turn: Turn) -> Decision[TableView]:
        """The next code is valid, and no other (W3)."""
        self._must_be_known(table)
        rotated = CodeRotated(rotation=table.rotation + 1, by=cmd.by)
        yield rotated
        return self._view_after(table, rotated, turn.at)

    @decides(RevokeCode)
    def revoke(self, table: TableState, cmd: RevokeCode, turn: Turn) -> Decision[TableView]:
        """No code is valid until it is rotated."""
        self._must_be_known(table)
        revoked = CodeRevoked(by=cmd.by)
        if not table.revoked:
            yield revoked
        return self._view_after(table, revoked, turn.at)

    # --- its sessions' word ----------------------------------------------------------------------------

    @decides(NoteSession)
    def note(self, table: TableState, cmd: NoteSession, turn: Turn) -> Decision[None]:
        """How a session stands; an older word that comes late is passed over."""
        sitting = table.sittings.get(cmd.session_id)
        if sitting is None or cmd.seq < sitting.seq:
            return
        if cmd.state in GONE:
            last = len(table.sittings) == 1
            free_at = turn.at + table.terms.clearing_s * 1_000 if last and table.terms.clearing_s else 0
            yield SessionGone(session_id=cmd.session_id, seq=cmd.seq, free_at=free_at)
        elif _noted(sitting) != _told(cmd):
            yield SessionNoted(note=cmd)

    @decides(FreeTable)
    def free(self, table: TableState, cmd: FreeTable, turn: Turn) -> Decision[TableView]:
        """It is clean; a table that is free is."""
        self._must_be_known(table)
        if table.sittings:
            raise IllegalTransition(state=table.phase, allowed=["clear"])
        freed = TableFreed(by=cmd.by)
        if table.free_at:
            yield freed
        return self._view_after(table, freed, turn.at)

    @decides(Wake)
    def wake(self, table: TableState, cmd: Wake, turn: Turn) -> Decision[None]:
        """The time for cleaning is over."""
        if 0 < table.free_at <= turn.at:
            yield TableFreed()

    @wakes
    def next_deadline(self, table: TableState) -> int | None:
        """When it is taken for clean."""
        return table.free_at or None

    @answers(GetTable)
    def show(self, table: TableState, query: GetTable, at: int) -> TableView:
        """As staff see it."""
        self._must_be_known(table)
        return table_view(table, self.id)

    def _must_be_known(self, table: TableState) -> None:
        if not table.known:
            raise TableNotFound()

    def _view_after(self, table: TableState, e: Event, at: int) -> TableView:
        """The view with one event more."""
        seen = copy.deepcopy(table)
        self.type.evolvers[type(e)](self, seen, e, at)
        return table_view(seen, self.id)

    # --- reactions -------------------------------------------------------------------------------------

    @reacts(SessionOpened)
    def open_session(self, table: TableState, e: SessionOpened, turn: Turn) -> Iterator[Send]:
        """The session begins."""
        yield Send(to=f"table-session/{e.session_id}", command=e.opening, step="open")

    @reacts(SessionReceived)
    def tell_received(self, table: TableState, e: SessionReceived, turn: Turn) -> Iterator[Send]:
        """The session sits here now."""
        reserved = self._reserved(table, e.letter, e.label)
        yield Send(to=f"table-session/{e.arrival.session_id}", command=reserved, step="received")

    @reacts(SessionOpened)
    @reacts(SessionReceived)
    @reacts(GuestWaiting)
    @reacts(SessionNoted)
    @reacts(SessionGone)
    @reacts(TableFreed)
    def tell_store(self, table: TableState, e: Event, turn: Turn) -> Iterator[Send]:
        """The floor shows how the table stands."""
        note = NoteTable(
            table_id=self.table_id,
            seq=table.noted,
            phase=table.phase,
            waiting=len(table.waiting),
            sessions=sitting_views(table),
        )
        yield Send(to=f"store/{self.store_id}", command=note, step=f"note.{type(e).__name__}")

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(TableConfigured)
    def on_configured(self, table: TableState, e: TableConfigured, at: int) -> None:
        table.version, table.terms, table.removed = e.terms_version, e.terms, e.removed

    @evolves(SessionOpened)
    def on_opened(self, table: TableState, e: SessionOpened, at: int) -> None:
        opening = e.opening
        table.sittings[e.session_id] = Sitting(
            letter=e.letter,
            label=opening.label,
            opened_at=at,
            party_size=opening.party_size,
            guests=1 if opening.user_id else 0,
        )
        if opening.user_id:
            table.seats[opening.user_id] = e.session_id
        table.pin, table.free_at = e.pin, 0
        table.waiting.clear()
        table.noted += 1

    @evolves(SessionReceived)
    def on_received(self, table: TableState, e: SessionReceived, at: int) -> None:
        arrival = e.arrival
        table.sittings[arrival.session_id] = Sitting(
            letter=e.letter,
            label=e.label,
            seq=arrival.seq,
            opened_at=arrival.opened_at,
            state=arrival.state,
            party_size=arrival.party_size,
            guests=arrival.guests,
        )
        table.pin, table.free_at = e.pin, 0
        table.waiting.clear()
        table.noted += 1

    @evolves(GuestSeated)
    def on_seated(self, table: TableState, e: GuestSeated, at: int) -> None:
        table.seats[e.user_id] = e.session_id

    @evolves(GuestWaiting)
    def on_waiting(self, table: TableState, e: GuestWaiting, at: int) -> None:
        table.waiting[e.user_id] = e.nickname
        table.noted += 1

    @evolves(PinMissed)
    def on_pin_missed(self, table: TableState, e: PinMissed, at: int) -> None:
        table.pin_misses = 1 if at - table.pin_missed_at >= PIN_LOCKED_MS else table.pin_misses + 1
        table.pin_missed_at = at

    @evolves(CodeRotated)
    def on_rotated(self, table: TableState, e: CodeRotated, at: int) -> None:
        table.rotation, table.revoked = e.rotation, False
        table.waiting.clear()

    @evolves(CodeRevoked)
    def on_revoked(self, table: TableState, e: CodeRevoked, at: int) -> None:
        table.revoked = True

    @evolves(SessionNoted)
    def on_noted(self, table: TableState, e: SessionNoted, at: int) -> None:
        note, sitting = e.note, table.sittings[e.note.session_id]
        sitting.seq, sitting.state = note.seq, note.state
        sitting.party_size, sitting.guests = note.party_size, note.guests
        sitting.calls, sitting.due_fen = note.calls, note.due_fen
        table.noted += 1

    @evolves(SessionGone)
    def on_gone(self, table: TableState, e: SessionGone, at: int) -> None:
        del table.sittings[e.session_id]
        table.seats = {user: session for user, session in table.seats.items() if session != e.session_id}
        if not table.sittings:
            table.pin, table.pin_misses, table.free_at = "", 0, e.free_at
        table.noted += 1

    @evolves(TableFreed)
    def on_freed(self, table: TableState, e: TableFreed, at: int) -> None:
        table.free_at = 0
        table.noted += 1


def _told(note: NoteSession) -> tuple[object, ...]:
    return note.state, note.party_size, note.guests, note.calls, note.due_fen


def _noted(sitting: Sitting) -> tuple[object, ...]:
    return sitting.state, sitting.party_size, sitting.guests, sitting.calls, sitting.due_fen
