"""Why a bill says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.rejections import IllegalTransition, InvalidField


class BillSettled(Rejection):
    """Nothing is due on this bill.

    It can be changed again once it is reopened (反结账).
    """

    hint: ClassVar[str] = "Read the bill; a manager may reopen a settled one."


class BillIsLocked(Rejection):
    """Staff have locked the bill (锁单): guests neither order nor pay until it is unlocked."""

    code: ClassVar[str] = "bill_locked"
    hint: ClassVar[str] = "Ask the staff, or wait until they have unlocked it."


class AmountTooHigh(Rejection):
    """More than is due. ``due_fen`` is what can be paid at most."""

    hint: ClassVar[str] = "Pay due_fen, or less of it."

    due_fen: int


class TenderedTooLittle(Rejection):
    """Less cash was put down than is to be paid with it."""

    amount_fen: int


class ShareNotFound(Rejection):
    """The bill has no such share, or it was split anew."""

    status: ClassVar[int] = 404
    hint: ClassVar[str] = "Read the bill for the shares as they are now."


class ShareAlreadyPaid(Rejection):
    """This share is paid, or nothing is due for it."""

    code: ClassVar[str] = "share_paid"


class LineIndivisible(Rejection):
    """This dish is not divided among people. Name it in one share, or say how many of it are whose."""

    line_id: str


class LineNotFound(Rejection):
    """There is no such line here."""

    status: ClassVar[int] = 404


class LineUnconfirmed(Rejection):
    """The weight or the price of these lines is open: staff confirm it first (D5)."""

    line_ids: list[str]


class OverRefund(Rejection):
    """More of a line than is left of it.

    ``left`` is how many of the line can still be given back; 0 also for a line that the order does not have.
    """

    line_id: str
    left: int


class PaymentNotFound(Rejection):
    """There is no such payment of this diner."""

    status: ClassVar[int] = 404


class DepositNotHeld(Rejection):
    """No deposit is held, or it was used, paid back or forfeited."""


class ChannelNotTaken(Rejection):
    """This store does not take that way of paying here. ``channels`` are those it takes."""

    channels: list[str]


class DiscountNotFound(Rejection):
    """Nothing was taken off under that id."""

    status: ClassVar[int] = 404


class MoreThanAllowed(Rejection):
    """The bill has changed meanwhile: this gives away more than was allowed."""

    hint: ClassVar[str] = "Read the bill and ask again; a second person may approve of more."

    amount_fen: int
    allowed_fen: int


class ReopenTooLate(Rejection):
    """A bill is reopened on the business day on which it was settled, before its shift is closed (O5)."""


__all__ = ["IllegalTransition", "InvalidField"]
