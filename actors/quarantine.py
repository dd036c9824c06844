"""Entities that are stopped after a failure, and what an operator decided about them."""

from __future__ import annotations

from typing import Protocol

import msgspec

STOPPED, SKIP, END = "stopped", "skip", "end"


class Quarantine(msgspec.Struct, kw_only=True):
    """Why ``entity`` is stopped. ``mode``: stopped (waits), skip (replay without the events in ``skip``), end.

    ``seq`` is the journal sequence of the event that could not be applied, 0 for a poisonous command.
    """

    entity: str
    reason: str
    seq: int = 0
    at: int = 0
    mode: str = STOPPED
    skip: list[int] = []


class QuarantineStore(Protocol):
    """Where they live; a small collection, read whole. All calls raise StoreUnreachable in an outage."""

    async def all(self) -> list[Quarantine]: ...

    async def put(self, quarantine: Quarantine) -> None: ...

    async def clear(self, entity: str) -> None: ...
