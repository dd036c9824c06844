"""Why a till says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.rejections import InvalidField


class ShiftAlreadyOpen(Rejection):
    """This account's shift is open already.

    ``shift_id`` names it; it has to be closed before the next.
    """

    shift_id: str


class ShiftNotFound(Rejection):
    """This account has no open shift here."""

    status: ClassVar[int] = 404
    hint: ClassVar[str] = "Open one with POST /api/v1/stores/{store_id}/shifts."


__all__ = ["InvalidField", "ShiftAlreadyOpen", "ShiftNotFound"]
