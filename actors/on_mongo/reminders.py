"""Reminders in MongoDB: a row per entity, found by shard and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pymongo import DeleteOne, UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from actors.on_mongo.gathering import Gathering
from actors.on_mongo.outages import as_unreachable
from actors.placement import SHARDS, shard_of
from actors.reminders import Reminder

SETTLED_AT_ONCE = 500


class _Settlement(NamedTuple):
    """A row as it was seen, and what becomes of it."""

    seen: Reminder
    next_at: int | None
    by: str


class MongoReminders:
    """Every write stamps ``by``, so that a settle never overwrites a row that changed meanwhile."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["reminders"]
        self._settling = Gathering(self._settle, SETTLED_AT_ONCE)

    async def create_indexes(self) -> None:
        await self._rows.create_index([("at", 1), ("shard", 1)])

    async def at_latest(self, rows: Mapping[str, int], by: str) -> None:
        writes = [
            UpdateOne(
                {"_id": entity},
                {"$min": {"at": at}, "$set": {"by": by, "shard": shard_of(entity)}},
                upsert=True,
            )
            for entity, at in rows.items()
        ]
        if not writes:
            return
        with as_unreachable():
            await self._rows.bulk_write(writes, ordered=False)

    async def settle(self, seen: Reminder, next_at: int | None, by: str) -> None:
        """Rows that fire together are settled together: each session at a peak has one."""
        await self._settling.ask(_Settlement(seen, next_at, by))

    async def _settle(self, settlements: list[_Settlement]) -> dict[_Settlement, None]:
        writes: list[DeleteOne | UpdateOne] = []
        for seen, next_at, by in settlements:
            wanted = {"_id": seen.entity, "at": seen.at, "by": seen.by}
            if next_at is None:
                writes.append(DeleteOne(wanted))
            else:
                writes.append(UpdateOne(wanted, {"$set": {"at": next_at, "by": by}}))
        with as_unreachable():
            await self._rows.bulk_write(writes, ordered=False)
        return dict.fromkeys(settlements)

    async def due(self, now_ms: int, shards: Sequence[int], limit: int) -> list[Reminder]:
        wanted: dict[str, Any] = {"at": {"$lte": now_ms}}
        if len(shards) < SHARDS:
            wanted["shard"] = {"$in": list(shards)}
        with as_unreachable():
            rows = await self._rows.find(wanted, sort=[("at", 1)], limit=limit).to_list()
        return [Reminder(row["_id"], row["at"], row["by"]) for row in rows]

    async def get(self, entity: str) -> Reminder | None:
        with as_unreachable():
            row = await self._rows.find_one({"_id": entity})
        return None if row is None else Reminder(row["_id"], row["at"], row["by"])
