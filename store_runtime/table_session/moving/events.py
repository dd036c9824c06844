"""What is true when parties and lines move (T8)."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from store_runtime.by import By
from store_runtime.store.orders.commands import LineNote
from store_runtime.table.terms import TableTerms
from store_runtime.table_session.moving.parcels import Parcel


class TransferBegan(Event, frozen=True, kw_only=True):
    """The party wants to sit at another table."""

    to_table_id: str
    by: By


class TransferGivenUp(Event, frozen=True, kw_only=True):
    """The other table is taken."""

    table_id: str


class SessionTransferred(Event, frozen=True, kw_only=True):
    """转台: the party sits at another table."""

    outward: ClassVar[bool] = True

    from_table_id: str
    table_id: str
    letter: str
    label: str
    terms: TableTerms


class MergeBegan(Event, frozen=True, kw_only=True):
    """This session takes over another one."""

    from_session: str
    by: By


class MergeGivenUp(Event, frozen=True, kw_only=True):
    """The other session keeps what it has."""

    from_session: str


class ParcelSent(Event, frozen=True, kw_only=True):
    """Lines are no longer here, and on their way to another session."""

    outward: ClassVar[bool] = True

    to_session: str
    to_label: str
    parcel: Parcel
    by: By


class ParcelTaken(Event, frozen=True, kw_only=True):
    """Lines of another session are here."""

    outward: ClassVar[bool] = True

    parcel: Parcel


class ParcelDelivered(Event, frozen=True, kw_only=True):
    """The other session has the lines."""

    parcel_id: str


class ParcelBack(Event, frozen=True, kw_only=True):
    """The other session refused the lines: they are here again."""

    parcel_id: str


class NotesForwarded(Event, frozen=True, kw_only=True):
    """The kitchen's word about lines that are in another session by now."""

    session: str
    notes: tuple[LineNote, ...]


class ReturnBegan(Event, frozen=True, kw_only=True):
    """A merged session wants to sit at its table again."""

    by: By


class SessionReturned(Event, frozen=True, kw_only=True):
    """It sits there again and waits for its lines."""

    outward: ClassVar[bool] = True

    table_id: str
    letter: str
    label: str


class ReturnGivenUp(Event, frozen=True, kw_only=True):
    """Its table is taken, or its lines cannot be had back: it stays merged."""

    seated: bool


class SessionsCombined(Event, frozen=True, kw_only=True):
    """Two parties sit together and keep their bills. ``label``: the other's, once it is known; ``asks``: tell it."""

    with_session: str
    label: str
    by: By
    asks: bool = False


class SessionsUncombined(Event, frozen=True, kw_only=True):
    """They sit apart again. ``tells``: the other session has to hear it."""

    with_session: str
    tells: bool = True
