"""Durable deadlines: one row per entity with its earliest one. Too early is harmless, too late is not.

A row is written *before* the commit that needs it earlier; a later deadline is corrected when the row fires
(guarantee 7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Reminder(msgspec.Struct, frozen=True):
    """``entity`` wants a Wake at ``at`` (ms); ``by`` is the silo that wrote the row last."""

    entity: str
    at: int
    by: str


class ReminderStore(Protocol):
    """Where reminders live. All calls raise StoreUnreachable in an outage; writes are majority writes."""

    async def at_latest(self, rows: Mapping[str, int], by: str) -> None:
        """Make each entity's row fire at the given ms or earlier (creates rows; never moves one later)."""
        ...

    async def settle(self, seen: Reminder, next_at: int | None, by: str) -> None:
        """Replace the row by ``next_at`` (None: delete) if it is still exactly ``seen``; else leave it."""
        ...

    async def due(self, now_ms: int, shards: Sequence[int], limit: int) -> list[Reminder]:
        """Rows of these shards at or before ``now_ms``, earliest first."""
        ...

    async def get(self, entity: str) -> Reminder | None:
        """The entity's row."""
        ...
