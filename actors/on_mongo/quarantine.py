"""Quarantined entities in MongoDB."""

from __future__ import annotations

from typing import Any

import msgspec
from pymongo.asynchronous.database import AsyncDatabase

from actors.on_mongo.outages import as_unreachable
from actors.quarantine import Quarantine


class MongoQuarantine:
    """A small collection, read whole."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["quarantine"]

    async def all(self) -> list[Quarantine]:
        with as_unreachable():
            rows = await self._rows.find({}, {"_id": 0}).to_list()
        return [msgspec.convert(row, Quarantine) for row in rows]

    async def put(self, quarantine: Quarantine) -> None:
        row = {"_id": quarantine.entity, **msgspec.to_builtins(quarantine)}
        with as_unreachable():
            await self._rows.replace_one({"_id": quarantine.entity}, row, upsert=True)

    async def clear(self, entity: str) -> None:
        with as_unreachable():
            await self._rows.delete_one({"_id": entity})
