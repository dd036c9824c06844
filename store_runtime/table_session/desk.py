"""What every desk of a session asks first."""

from __future__ import annotations

from typing import Protocol

from actors.entity import Entity
from actors.words import Send
from store_runtime.by import By
from store_runtime.table.commands import NoteSession
from store_runtime.table_session.rejections import (
    GuestLeft,
    SessionBusy,
    SessionClosed,
    SessionMoved,
    TableSessionNotFound,
)
from store_runtime.table_session.state import STAFF, Session


class Acting(Protocol):
    """A command that says who acts: a guest, or staff."""

    @property
    def user_id(self) -> str: ...

    @property
    def by(self) -> By | None: ...


class Desk(Entity[Session]):
    """A part of the TableSession actor: one subject with its decisions, its events' effects and its questions."""

    def must_exist(self, session: Session) -> None:
        if not session.exists:
            raise TableSessionNotFound()

    def guest_of(self, session: Session, user_id: str) -> str:
        """The guest id of a user who may look; raises TableSessionNotFound for a stranger."""
        self.must_exist(session)
        guest_id = session.guest_of(user_id)
        if not guest_id:
            raise TableSessionNotFound()
        return guest_id

    def author(self, session: Session, cmd: Acting) -> str:
        """Who acts: a guest id, or ``staff:<account>``. Raises for a stranger, and once the table is cleared."""
        self.must_exist(session)
        who = self.guest_of(session, cmd.user_id) if cmd.by is None else STAFF + cmd.by.account
        self.must_be_open(session)
        return who

    def present_guest(self, session: Session, user_id: str) -> str:
        """The guest id of a user who has not left; raises for a stranger, and GuestLeft."""
        guest_id = self.guest_of(session, user_id)
        self.must_be_open(session)
        if session.guests[guest_id].left:
            raise GuestLeft()
        return guest_id

    def author_here(self, session: Session, cmd: Acting) -> str:
        """The author, of whom a guest must not have left: who went home neither orders nor changes anything."""
        who = self.author(session, cmd)
        if who in session.guests and session.guests[who].left:
            raise GuestLeft()
        return who

    def must_be_open(self, session: Session) -> None:
        self.must_exist(session)
        if session.closed:
            raise SessionClosed()
        if session.moved_to:
            raise SessionMoved(session_id=session.moved_to)

    def bill_must_be_open(self, session: Session) -> None:
        """For staff also once the table is cleared: a bill that was wrong is put right all the same (O5)."""
        self.must_exist(session)
        if session.moved_to:
            raise SessionMoved(session_id=session.moved_to)

    def must_stand_still(self, session: Session) -> None:
        """Nothing of it is on its way: no move, no parcel, no round that the store has not answered."""
        self.must_be_open(session)
        placing = any(one.state == "placing" for one in session.rounds.values())
        if session.moving or session.outgoing or placing:
            raise SessionBusy()

    def note_to_table(self, session: Session, step: str) -> Send:
        """The table hears how the session stands; notes are told apart by the seq of what was seen."""
        note = NoteSession(
            session_id=self.id,
            seq=session.live.seq,
            state=session.status,
            party_size=session.party_size,
            guests=sum(1 for guest in session.guests.values() if not guest.left),
            calls=tuple(call.kind for call in session.calls if not call.acknowledged_by),
        )
        return Send(to=f"table/{session.store_id}.{session.table_id}", command=note, step=f"table.{step}")
