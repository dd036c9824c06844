"""What is true of a till. Amounts are fen."""

from __future__ import annotations

from actors.words import Event


class ShiftOpened(Event, frozen=True, kw_only=True):
    """A shift began; ``number`` counts the store's shifts. ``counted`` is false when a booking began it, before
    anybody said what was in the drawer.
    """

    account: str
    number: int
    float_fen: int = 0
    counted: bool = True


class FloatCounted(Event, frozen=True, kw_only=True):
    """What was in the drawer when the shift began, said after its first booking."""

    account: str
    float_fen: int


class CashMoved(Event, frozen=True, kw_only=True):
    """Cash was put in (``kind`` in) or taken out."""

    account: str
    kind: str
    amount_fen: int
    reason: str


class Booked(Event, frozen=True, kw_only=True):
    """A payment or refund belongs to the shift of this account."""

    account: str
    kind: str
    channel: str
    amount_fen: int
    subject: str
