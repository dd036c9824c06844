"""Snapshots in MongoDB: parts first, then the manifest that names them, then parts that no manifest names go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pymongo import ReplaceOne
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from actors.on_mongo.gathering import Gathering
from actors.on_mongo.outages import as_unreachable
from actors.parts import Part
from actors.snapshots import Manifest, read_manifest

BYTES_AT_ONCE = 2_000_000
MANIFESTS_AT_ONCE = 256


class MongoSnapshots:
    """``snapshots`` holds a manifest per entity, ``snapshot_parts`` its parts under ``entity@digest``."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._manifests = database["snapshots"]
        self._parts = database["snapshot_parts"]
        self._latest = Gathering(self._find_latest, MANIFESTS_AT_ONCE)

    async def latest(self, entity: str) -> Manifest | None:
        return await self._latest.ask(entity)

    async def _find_latest(self, entities: list[str]) -> dict[str, Manifest | None]:
        found: dict[str, Manifest | None] = dict.fromkeys(entities)
        with as_unreachable():
            for row in await self._manifests.find({"_id": {"$in": entities}}).to_list():
                found[row["_id"]] = read_manifest(row["manifest"])
        return found

    async def parts(self, entity: str, wanted: Sequence[Part]) -> list[bytes] | None:
        ids = [_part_id(entity, part.digest) for part in wanted]
        with as_unreachable():
            rows = await self._parts.find({"_id": {"$in": ids}}).to_list()
        found = {row["_id"]: bytes(row["part"]) for row in rows}
        return [found[part_id] for part_id in ids] if found.keys() >= set(ids) else None

    async def save(self, manifest: Manifest, parts: Mapping[bytes, bytes]) -> None:
        with as_unreachable():
            await self._write(manifest.entity, parts)
            row = {"seq": manifest.seq, "manifest": msgspec.msgpack.encode(manifest)}
            try:
                # Never replaces a later one: with a later one standing, the upsert collides with its _id.
                await self._manifests.replace_one(
                    {"_id": manifest.entity, "seq": {"$lte": manifest.seq}}, row, upsert=True
                )
            except DuplicateKeyError:
                return
            named = [_part_id(manifest.entity, part.digest) for part in manifest.parts]
            await self._parts.delete_many({"_id": {**_all_of(manifest.entity), "$nin": named}})

    async def _write(self, entity: str, parts: Mapping[bytes, bytes]) -> None:
        """Some megabytes at a time. A part that stands there already is replaced: it may be damaged."""
        writes: list[ReplaceOne[dict[str, Any]]] = []
        size = 0
        for digest, raw in parts.items():
            part_id = _part_id(entity, digest)
            writes.append(ReplaceOne({"_id": part_id}, {"part": raw}, upsert=True))
            size += len(raw)
            if size > BYTES_AT_ONCE:
                await self._parts.bulk_write(writes, ordered=False)
                writes, size = [], 0
        if writes:
            await self._parts.bulk_write(writes, ordered=False)

    async def delete(self, entity: str) -> None:
        with as_unreachable():
            await self._manifests.delete_one({"_id": entity})
            await self._parts.delete_many({"_id": _all_of(entity)})


def _part_id(entity: str, digest: bytes) -> str:
    return f"{entity}@{digest.hex()}"


def _all_of(entity: str) -> dict[str, str]:
    return {"$gte": f"{entity}@", "$lt": f"{entity}@g"}
