"""Why a flash sale says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection
from store_runtime.rejections import IllegalTransition, InvalidField


class FlashSaleNotFound(Rejection):
    """There is no such flash sale."""

    status: ClassVar[int] = 404


class ClaimNotFound(Rejection):
    """There is no such claim of this diner in the sale."""

    status: ClassVar[int] = 404


class EntryTokenInvalid(Rejection):
    """The entry token is missing, forged, of another diner or sale, or not valid yet.

    ``valid_from`` (ms) is set when waiting until then would help.
    """

    status: ClassVar[int] = 403
    hint: ClassVar[str] = "Ask for an entry token of this sale and send it as header Entry-Token."

    valid_from: int | None


class NotStarted(Rejection):
    """The flash sale has not started yet; starts_at says when it does."""

    hint: ClassVar[str] = "Claim again at starts_at, by the server's clock."

    starts_at: int


class Ended(Rejection):
    """The flash sale is over."""

    ends_at: int


class SoldOut(Rejection):
    """Nothing is left for a claim of this quantity.

    ``left`` may be above zero when the claim wants more than that, or when others are waiting for it. ``unsold`` is
    given when the claim wants more than can still come back: then waiting would not help, and a smaller claim may.
    """

    hint: ClassVar[str] = (
        "Claim with wait to join the waitlist: stock that comes back is offered there first. "
        "If unsold is given, claim at most so many: more can never come back."
    )

    left: int
    waiting: int
    unsold: int | None = None


class LimitReached(Rejection):
    """This diner would pass the limit per diner of the sale.

    ``taken`` counts what they have entered, wait for, hold, or bought.
    """

    limit: int
    taken: int


class ClaimReleased(Rejection):
    """The diner gave the claim back before it was paid; the money is refunded."""


class WaitlistFull(Rejection):
    """The waitlist has as many claims as it may hold."""

    waiting: int


class DrawFull(Rejection):
    """The draw has as many entries as it may hold."""

    entries: int


class AlreadyStarted(Rejection):
    """This cannot be changed once the flash sale has started."""

    starts_at: int


class AlreadyOpened(Rejection):
    """The flash sale was opened before."""


__all__ = [
    "AlreadyOpened",
    "AlreadyStarted",
    "ClaimNotFound",
    "ClaimReleased",
    "DrawFull",
    "Ended",
    "EntryTokenInvalid",
    "FlashSaleNotFound",
    "IllegalTransition",
    "InvalidField",
    "LimitReached",
    "NotStarted",
    "SoldOut",
    "WaitlistFull",
]
