"""Snapshots in MongoDB: parts first, then the manifest that names them, then older parts go."""

from __future__ import annotations

from typing import Any

import msgspec
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from actors.on_mongo.outages import as_unreachable
from actors.snapshots import Manifest


class MongoSnapshots:
    """``snapshots`` holds a manifest per entity, ``snapshot_parts`` its parts under ``entity@seq/number``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._manifests = database["snapshots"]
        self._parts = database["snapshot_parts"]

    async def latest(self, entity: str) -> Manifest | None:
        with as_unreachable():
            row = await self._manifests.find_one({"_id": entity})
        return None if row is None else msgspec.msgpack.decode(row["manifest"], type=Manifest)

    async def parts(self, manifest: Manifest) -> list[bytes] | None:
        ids = [self._part_id(manifest, number) for number in range(manifest.parts)]
        with as_unreachable():
            rows = await self._parts.find({"_id": {"$in": ids}}).to_list()
        found = {row["_id"]: bytes(row["part"]) for row in rows}
        return [found[part_id] for part_id in ids] if len(found) == len(ids) else None

    async def save(self, manifest: Manifest, parts: list[bytes]) -> None:
        with as_unreachable():
            for number, part in enumerate(parts):
                await self._parts.replace_one(
                    {"_id": self._part_id(manifest, number)}, {"part": part}, upsert=True
                )
            row = {"seq": manifest.seq, "manifest": msgspec.msgpack.encode(manifest)}
            try:
                # Never replaces a later one: with a later one standing, the upsert collides with its _id.
                await self._manifests.replace_one(
                    {"_id": manifest.entity, "seq": {"$lte": manifest.seq}}, row, upsert=True
                )
            except DuplicateKeyError:
                return
            await self._parts.delete_many(
                {
                    "_id": {
                        "$gte": f"{manifest.entity}@",
                        "$lt": self._part_id(manifest, 0),
                    }
                }
            )

    async def delete(self, entity: str) -> None:
        with as_unreachable():
            await self._manifests.delete_one({"_id": entity})
            await self._parts.delete_many({"_id": {"$gte": f"{entity}@", "$lt": f"{entity}@g"}})

    def _part_id(self, manifest: Manifest, number: int) -> str:
        return f"{manifest.entity}@{manifest.seq:016x}/{number:06d}"
