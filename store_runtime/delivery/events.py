"""What is true of a store's delivery."""

from __future__ import annotations

from actors.words import Event
from store_runtime.by import By
from store_runtime.delivery.commands import Point, Zone


class DeliveryChanged(Event, frozen=True, kw_only=True):
    """These terms hold from now on; quotes that were given keep theirs."""

    offered: bool
    origin: Point
    zones: tuple[Zone, ...]
    by: By | None = None
