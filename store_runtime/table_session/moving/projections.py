"""What is answered when parties and lines move: the next word, and to whom it goes."""

from __future__ import annotations

import msgspec

from store_runtime.table.commands import ReceiveSession
from store_runtime.table_session.moving.commands import GiveAll, GiveBack, TakeParcel


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base: fields that hold their default are left out. Whoever asked may say the next word itself, under the id
    that the actor's own message has: ``derived_id(command_id, step)``; whichever arrives first does it.
    """


class TransferAnswer(View, frozen=True, kw_only=True):
    """To ``table/{table}``, step ``receive``; None: it sits there already."""

    table: str
    receive: ReceiveSession | None = None


class MergeAnswer(View, frozen=True, kw_only=True):
    """To ``table-session/{from_session}``, step ``give``."""

    from_session: str
    give: GiveAll


class ParcelAnswer(View, frozen=True, kw_only=True):
    """To ``table-session/{to_session}``, step ``parcel``."""

    to_session: str
    take: TakeParcel


class ReservedAnswer(View, frozen=True, kw_only=True):
    """Of a session that comes back: to ``table-session/{from_session}``, step ``giveback``."""

    from_session: str = ""
    give_back: GiveBack | None = None
