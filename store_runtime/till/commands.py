"""What can be asked of a till (kind ``till``, id = store id). Amounts are fen."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Query
from store_runtime.by import By
from store_runtime.texts import ONE_LINE
from store_runtime.till.bookings import AMOUNT_FEN_MAX, AmountFen, BookToShift

CashKind = Literal["in", "out"]
FloatFen = Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX)]
CashReason = Annotated[str, Meta(min_length=1, max_length=200, pattern=ONE_LINE)]


class OpenShift(Command, frozen=True, kw_only=True):
    """Somebody begins to work at the till, with this much change in the drawer (备用金). Answered with a
    ShiftView.
    """

    by: By
    float_fen: FloatFen


class MoveCash(Command, frozen=True, kw_only=True):
    """Cash is put into the drawer or taken out of it, for no bill. Answered with a ShiftView."""

    by: By
    kind: CashKind
    amount_fen: AmountFen
    reason: CashReason


class GetShift(Query, frozen=True, kw_only=True):
    """The open shift of an account: ShiftView, without what is expected in its drawer."""

    account: str


class ListShifts(Query, frozen=True, kw_only=True):
    """All open shifts with their sums: ShiftList."""


__all__ = ["AMOUNT_FEN_MAX", "BookToShift", "CashKind", "GetShift", "ListShifts", "MoveCash", "OpenShift"]
