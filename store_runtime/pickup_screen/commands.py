"""What can be asked of a counter's screen."""

from __future__ import annotations

from typing import Literal

from actors.words import Command, Query

PickupState = Literal["preparing", "ready", "gone"]


class NotePickup(Command, frozen=True, kw_only=True):
    """An order says how it stands. ``seq`` is the order's own: an older word that comes late is known as such."""

    order_id: str
    number: str
    state: PickupState
    seq: int
    promised_at: int = 0
    calls: int = 0
    called_at: int = 0


class GetScreen(Query, frozen=True, kw_only=True):
    """What is on the screen: ScreenView."""
