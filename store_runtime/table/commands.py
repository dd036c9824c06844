"""What can be asked of a table (kind ``table``, id = ``<store_id>.<table_id>``)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Query
from store_runtime.by import By
from store_runtime.table.terms import TableTerms
from store_runtime.texts import ONE_LINE

SESSIONS_MAX = 26
"""Parties at one shared table: A to Z."""

SEATS_MAX = 500
"""Guests of whom it is remembered where they sit; the sessions themselves bound who joins."""

WAITING_MAX = 20
PARTY_SIZE_MAX = 500

SessionState = Literal["seated", "ordering", "settled", "closed", "moved"]
PartySize = Annotated[int, Meta(ge=0, le=PARTY_SIZE_MAX)]
Nickname = Annotated[str, Meta(max_length=32, pattern=ONE_LINE)]
Pin = Annotated[str, Meta(max_length=8)]


class ConfigureTable(Command, frozen=True, kw_only=True):
    """The store says what holds at the table. ``version`` grows, so that an older word that comes late is known."""

    version: int
    terms: TableTerms
    removed: bool = False


class ScanCode(Command, frozen=True, kw_only=True):
    """A guest scanned the table's code (T1). Answered with a ScanAnswer.

    Args:
        rotation: which code it was; the ingress has checked its signature.
        session_id: the party to join at a shared table; new: a party of its own.
    """

    rotation: int
    user_id: str
    nickname: Nickname = ""
    party_size: PartySize = 0
    pin: Pin = ""
    session_id: str = ""
    new: bool = False


class OpenTable(Command, frozen=True, kw_only=True):
    """Staff open the table for guests, with or without a phone (T16). Answered with a ScanAnswer.

    At a table that is taken: another party where strangers share it, else refused.
    """

    by: By
    party_size: PartySize = 0


class ReceiveSession(Command, frozen=True, kw_only=True):
    """换台: a session of the store wants to sit here (T8). Taken at once, or refused. Answered with a Received.

    ``seq``: what it told another table before that, and here on an earlier visit, counts no more.
    """

    session_id: str
    seq: int
    opened_at: int
    party_size: PartySize = 0
    guests: int = 0
    state: SessionState = "seated"


class RotateCode(Command, frozen=True, kw_only=True):
    """From now on the table has another code; printed ones are void. Answered with a TableView."""

    by: By


class RevokeCode(Command, frozen=True, kw_only=True):
    """The table has no code until it is rotated. Answered with a TableView."""

    by: By


class FreeTable(Command, frozen=True, kw_only=True):
    """Staff have cleaned it: clearing → free. Answered with a TableView."""

    by: By


class NoteSession(Command, frozen=True, kw_only=True):
    """A session at the table tells how it stands. ``seq`` grows; an older note that comes late is known as such.

    ``moved``: it sits elsewhere now, or its lines do.
    """

    session_id: str
    seq: int
    state: SessionState
    party_size: int = 0
    guests: int = 0
    calls: tuple[str, ...] = ()
    due_fen: int = 0


class GetTable(Query, frozen=True, kw_only=True):
    """The table as staff see it: TableView."""
