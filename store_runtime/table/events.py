"""What is true of a table, in the order it happened."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from store_runtime.by import By
from store_runtime.table.commands import NoteSession, ReceiveSession
from store_runtime.table.terms import TableTerms
from store_runtime.table_session.commands import OpenSession


class TableConfigured(Event, frozen=True, kw_only=True):
    """These terms hold from now on; for sessions that are opened from now on."""

    terms_version: int
    terms: TableTerms
    removed: bool = False


class SessionOpened(Event, frozen=True, kw_only=True):
    """A party sits down. ``pin`` lets others in where the policy wants one."""

    outward: ClassVar[bool] = True

    session_id: str
    letter: str
    opening: OpenSession
    pin: str


class SessionReceived(Event, frozen=True, kw_only=True):
    """A party came from another table. ``pin`` lets others in where the policy wants one."""

    outward: ClassVar[bool] = True

    arrival: ReceiveSession
    letter: str
    label: str
    pin: str


class GuestSeated(Event, frozen=True, kw_only=True):
    """A guest was shown to a session that was there."""

    session_id: str
    user_id: str


class GuestWaiting(Event, frozen=True, kw_only=True):
    """A guest scanned the code of a table that staff open (T1); staff see it."""

    outward: ClassVar[bool] = True

    user_id: str
    nickname: str = ""


class PinMissed(Event, frozen=True, kw_only=True):
    """Somebody tried a wrong PIN."""

    user_id: str


class CodeRotated(Event, frozen=True, kw_only=True):
    """The code that is valid from now on."""

    rotation: int
    by: By


class CodeRevoked(Event, frozen=True, kw_only=True):
    """No code is valid."""

    by: By


class SessionNoted(Event, frozen=True, kw_only=True):
    """A session stands so."""

    note: NoteSession


class SessionGone(Event, frozen=True, kw_only=True):
    """The session was closed, or sits elsewhere. ``free_at`` is when the table is free again; 0: others sit at it."""

    outward: ClassVar[bool] = True

    session_id: str
    seq: int
    free_at: int = 0


class TableFreed(Event, frozen=True, kw_only=True):
    """The table is clean."""

    outward: ClassVar[bool] = True

    by: By | None = None
