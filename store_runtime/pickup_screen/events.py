"""What is true of a counter's screen."""

from __future__ import annotations

from actors.words import Event


class PickupNoted(Event, frozen=True, kw_only=True):
    """This order stands so."""

    order_id: str
    number: str
    state: str
    seq: int
    promised_at: int = 0
    calls: int = 0
    called_at: int = 0
