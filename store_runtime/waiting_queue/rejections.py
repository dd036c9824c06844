"""Why a queue says no."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection


class TicketNotFound(Rejection):
    """There is no such queue ticket of this diner today."""

    status: ClassVar[int] = 404


class QueueClosed(Rejection):
    """The store does not queue now."""


class QueueFull(Rejection):
    """As many tickets as a day can have were given."""

    tickets_max: int


class NoBand(Rejection):
    """No tables of this store take a party of this size."""

    hint: ClassVar[str] = "Come as two parties, or ask the staff."


class AlreadyWaiting(Rejection):
    """This diner waits here already."""

    number: str


class NobodyWaiting(Rejection):
    """Nobody of this band waits."""
