"""Why a table's session says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.bill.rejections import BillIsLocked as BillLocked
from store_runtime.bill.rejections import LineNotFound
from store_runtime.rejections import IllegalTransition, InvalidField


class TableSessionNotFound(Rejection):
    """There is no such session, or you are not its guest."""

    status: ClassVar[int] = 404


class SessionClosed(Rejection):
    """The table was cleared: this session can be read, not changed."""

    status: ClassVar[int] = 410
    hint: ClassVar[str] = "Scan the code of the table to sit down anew."


class SessionMoved(Rejection):
    """This session was merged into another one: its guests go on there."""

    hint: ClassVar[str] = "Follow to session_id; your token is good there."

    session_id: str


class SessionBusy(Rejection):
    """This session is just moving, or a round of it is under way."""

    hint: ClassVar[str] = "Send the same request again in a moment."


class MoneyMoved(Rejection):
    """Something of this bill is paid, or may be any moment: it stays where it is."""

    hint: ClassVar[str] = (
        "Take what is due here, each party its own share; before they are paid, lines move. "
        "Unmerge works while nobody has paid lines of the party that goes, nor is paying."
    )


class SessionFull(Rejection):
    """As many guests as there may be have joined."""

    guests_max: int


class GuestLeft(Rejection):
    """You have left this table: you can read it, and no longer change it."""

    status: ClassVar[int] = 403
    hint: ClassVar[str] = "Scan the code of the table to join again."


class PartyFixed(Rejection):
    """Something was ordered: how many you are is said by the staff from now on."""

    hint: ClassVar[str] = "Ask the staff to change it; fees per head depend on it."


class NotHost(Rejection):
    """Only the host or the staff can do that."""

    status: ClassVar[int] = 403


class GuestNotFound(Rejection):
    """The session has no such guest."""

    status: ClassVar[int] = 404


class NothingToSubmit(Rejection):
    """Nothing of what was seen is left in the cart."""

    hint: ClassVar[str] = "Read the session; another guest may have ordered or removed it."


class ViewTooOld(Rejection):
    """The cart has changed too often since seen_seq."""

    hint: ClassVar[str] = "Read the session again, show it to the guest, and submit with its seq."

    seq: int


class CallCoolingDown(Rejection):
    """The staff were called for this a moment ago."""

    status: ClassVar[int] = 429
    hint: ClassVar[str] = "They know; call again after again_at (ms)."

    again_at: int


class CallNotFound(Rejection):
    """There is no such call."""

    status: ClassVar[int] = 404


class BillUnsettled(Rejection):
    """Not everything is paid."""

    hint: ClassVar[str] = "Take the payment, or clear with a reason and an account that may write it off."

    due_fen: int


__all__ = [
    "BillLocked",
    "BillUnsettled",
    "CallCoolingDown",
    "CallNotFound",
    "GuestLeft",
    "GuestNotFound",
    "IllegalTransition",
    "InvalidField",
    "LineNotFound",
    "MoneyMoved",
    "NotHost",
    "NothingToSubmit",
    "PartyFixed",
    "SessionBusy",
    "SessionClosed",
    "SessionFull",
    "SessionMoved",
    "TableSessionNotFound",
    "ViewTooOld",
]
