"""Why a kitchen says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection


class KitchenLineNotFound(Rejection):
    """The kitchen has no such line, or it is of a business day that is over."""

    status: ClassVar[int] = 404


class TooSoon(Rejection):
    """The same was asked for a moment ago, and the kitchen has heard it.

    ``again_at`` is when it may be asked for again, in ms since the epoch.
    """

    hint: ClassVar[str] = "Wait until again_at; the kitchen answers with when it will be ready."

    again_at: int
