"""Reads that do not fall behind a take-over.

A new primary holds every majority write of the one before it, but for a moment its own majority point may lie behind
them, and a plain majority read then misses what was acknowledged. So what a silo wrote to the placement, or read
there, leaves its time here, and the tails that are read after it ask for a state at least as late
(``afterClusterTime``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession


class Causality:
    """The latest moment of the store that this silo's reads must see. Belongs to the client's loop."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        self._client = client
        self._seen: Timestamp | None = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncClientSession]:
        """For one call: what is read in it sees all that was noted before."""
        async with self._client.start_session(causal_consistency=True) as session:
            if self._seen is not None:
                session.advance_operation_time(self._seen)
            yield session

    def note(self, session: AsyncClientSession) -> None:
        """What was written or read by majority in this session must be seen from now on."""
        time = session.operation_time
        if time is not None and (self._seen is None or time > self._seen):
            self._seen = time
