"""What is said when parties and lines move (T8)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from actors.words import Command
from store_runtime.by import By
from store_runtime.table.terms import TableTerms
from store_runtime.table_session.moving.parcels import Parcel

MoveQuantity = Annotated[int, Meta(ge=0, le=999)]
SessionId = Annotated[str, Meta(min_length=1, max_length=64)]


class Transfer(Command, frozen=True, kw_only=True):
    """换台: the party goes to another table of its store. Answered with a TransferAnswer."""

    to_table_id: str
    by: By


class TableReserved(Command, frozen=True, kw_only=True):
    """The other table has taken the session: it sits there now."""

    table_id: str
    letter: str
    label: str
    terms: TableTerms


class TransferRefused(Command, frozen=True, kw_only=True):
    """The other table is taken: the session stays where it is."""

    table_id: str


class Merge(Command, frozen=True, kw_only=True):
    """并台: another session's guests, cart and lines become this one's, one bill. Answered with a MergeAnswer."""

    from_session: SessionId
    by: By


class GiveAll(Command, frozen=True, kw_only=True):
    """The other session wants everything; this one is over with it, and says where it went."""

    store_id: str
    to_session: str
    to_label: str
    by: By


class MergeRefused(Command, frozen=True, kw_only=True):
    """The other session keeps what it has."""

    from_session: str


class MoveLines(Command, frozen=True, kw_only=True):
    """转菜: ordered lines, or ``quantity`` of one (0: all of it), go to another session. A ParcelAnswer."""

    line_ids: Annotated[tuple[str, ...], Meta(min_length=1, max_length=200)]
    to_session: SessionId
    by: By
    quantity: MoveQuantity = 0


class TakeParcel(Command, frozen=True, kw_only=True):
    """Lines of another session are this one's from now on. A session that is over refuses."""

    parcel: Parcel


class ParcelArrived(Command, frozen=True, kw_only=True):
    """The other session has it."""

    parcel_id: str


class ParcelReturned(Command, frozen=True, kw_only=True):
    """The other session refused it: its lines are back."""

    parcel_id: str


class ComeBack(Command, frozen=True, kw_only=True):
    """拆台: a session that was merged sits at its table again, and gets back what is left of its lines unpaid.

    Refused when its table was taken since. Answered with a ComeBackAnswer.
    """

    by: By


class GiveBack(Command, frozen=True, kw_only=True):
    """A session that was merged into this one is back and wants its lines."""

    to_session: str
    by: By


class GiveBackRefused(Command, frozen=True, kw_only=True):
    """The lines stay where they are; so does the party."""


class Combine(Command, frozen=True, kw_only=True):
    """拼台: two parties sit together and keep their bills. Answered with nothing."""

    with_session: SessionId
    by: By


class BeCombined(Command, frozen=True, kw_only=True):
    """The other session, which is called ``label``, sits together with this one; ``answer``: it was asked to."""

    with_session: str
    store_id: str
    label: str
    by: By
    answer: bool = False


class Uncombine(Command, frozen=True, kw_only=True):
    """They sit apart again; of a refused combination, or by staff. ``told``: the other session said so."""

    with_session: SessionId
    by: By | None = None
    told: bool = False
