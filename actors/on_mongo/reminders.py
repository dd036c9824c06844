"""Reminders in MongoDB: a row per entity, found by shard and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.asynchronous.database import AsyncDatabase

from actors.on_mongo.outages import as_unreachable
from actors.placement import SHARDS, shard_of
from actors.reminders import Reminder


class MongoReminders:
    """Every write stamps ``by``, so that a settle never overwrites a row that changed meanwhile."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["reminders"]

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

    async def settle(self, seen: Reminder, next_at: int | None, by: str) -> bool:
        wanted = {"_id": seen.entity, "at": seen.at, "by": seen.by}
        with as_unreachable():
            if next_at is None:
                return (await self._rows.delete_one(wanted)).deleted_count == 1
            change = {"$set": {"at": next_at, "by": by}}
            return (await self._rows.update_one(wanted, change)).matched_count == 1

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
