"""Why a table says no."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.words import Rejection
from store_runtime.rejections import IllegalTransition, InvalidField


class TableNotFound(Rejection):
    """The store has no such table."""

    status: ClassVar[int] = 404


class TableCodeNotFound(Rejection):
    """Nobody has made this code."""

    status: ClassVar[int] = 404


class TableCodeVoid(Rejection):
    """This code was replaced or revoked."""

    status: ClassVar[int] = 410
    hint: ClassVar[str] = "Scan the code that is on the table now, or ask the staff."


class TableLocked(Rejection):
    """The staff open this table; they have been told that you are here."""

    hint: ClassVar[str] = "Send the same request again in a moment, or ask the staff."


class PinWrong(Rejection):
    """This is not the table's PIN."""

    status: ClassVar[int] = 403
    hint: ClassVar[str] = "Ask the staff for the PIN and send it as pin."


class TableTaken(Rejection):
    """Another party sits at this table."""

    hint: ClassVar[str] = "Join its session, choose a free table, or let the table be shared."

    session_id: str


class PartyOfTable(msgspec.Struct, frozen=True, kw_only=True):
    """A party at a shared table, to be joined by its session_id."""

    session_id: str
    label: str
    party_size: int


class JoinOrNew(Rejection):
    """Parties sit at this shared table: join one, or have a new one."""

    hint: ClassVar[str] = "Send the same request with join (a session_id of parties), or with new true."

    parties: list[PartyOfTable]


class PinLocked(Rejection):
    """Too many wrong PINs were tried at this table."""

    status: ClassVar[int] = 429
    hint: ClassVar[str] = "Ask the staff for the PIN; it can be tried again after retry_at (ms)."

    retry_at: int


class TableFull(Rejection):
    """The table holds as many parties as it may."""

    sessions_max: int


__all__ = [
    "IllegalTransition",
    "InvalidField",
    "JoinOrNew",
    "PartyOfTable",
    "PinLocked",
    "PinWrong",
    "TableCodeNotFound",
    "TableCodeVoid",
    "TableFull",
    "TableLocked",
    "TableNotFound",
    "TableTaken",
]
