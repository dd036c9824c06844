"""Members in MongoDB: a row per incarnation ``name#7``, and a counter per name."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import msgspec
from pymongo import ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase

from actors.membership import ENDED, Member, Renewal
from actors.on_mongo.outages import as_unreachable
from actors.placement import Placement

ENDED_KEPT_MS = 24 * 3_600_000
"""An ended row stays so long, so that a silo that comes back late learns that it has ended."""

PRIMARY_NOW = "$$NOW"

LONG_ENDED = {
    "state": ENDED,
    # Both moments are the primary's: a silo's own wall clock is never compared with a stamp.
    "$expr": {"$lt": ["$ended_at", {"$subtract": [PRIMARY_NOW, ENDED_KEPT_MS]}]},
}


class MongoMembers:
    """Compare-and-set on single documents only; no multi-document transaction."""

    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._rows = database["members"]
        self._counters = database["counters"]
        self._placement = database["placement"]

    async def register(self, member: Member) -> Member:
        with as_unreachable():
            counter = await self._counters.find_one_and_update(
                {"_id": f"incarnation/{member.name}"},
                {"$inc": {"value": 1}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
            assert counter is not None, "an upsert returns the document after it"
            registered = msgspec.structs.replace(member, incarnation=counter["value"], beat=0)
            await self._rows.insert_one({"_id": registered.address, **msgspec.to_builtins(registered)})
            named = await self._named_in_placement()
            await self._rows.delete_many({**LONG_ENDED, "_id": {"$nin": named}})
        return registered

    async def _named_in_placement(self) -> list[str]:
        """Their rows stay: an owner of whom nobody knows that it has ended keeps its shards for ever. After a stop of
        more than ENDED_KEPT_MS that is every owner there is."""
        row = await self._placement.find_one({})
        if row is None:
            return []
        placement = msgspec.msgpack.decode(row["table"], type=Placement)
        return sorted({*placement.owner, *placement.next} - {""})

    async def renew(self, member: Member) -> Renewal:
        with as_unreachable():
            row = await self._rows.find_one_and_update(
                {"_id": member.address, "state": {"$ne": ENDED}},
                [
                    {
                        "$set": {
                            "beat": {"$add": ["$beat", 1]},
                            "state": member.state,
                            "port": member.port,
                            "spare": member.spare,
                            "seat": member.seat,
                            # A key may begin with "$", which a pipeline would read as a field's name.
                            "hot": {"$literal": member.hot},
                            "seen_at": PRIMARY_NOW,
                        }
                    }
                ],
                return_document=ReturnDocument.AFTER,
            )
        if row is None:
            return Renewal(ended=True, primary_ms=0)
        return Renewal(ended=False, primary_ms=int(row["seen_at"].replace(tzinfo=UTC).timestamp() * 1000))

    async def mark_ended(self, name: str, incarnation: int, beat: int | None) -> bool:
        wanted: dict[str, Any] = {"_id": f"{name}#{incarnation}"}
        if beat is not None:
            wanted["$or"] = [{"beat": beat}, {"state": ENDED}]
        with as_unreachable():
            result = await self._rows.update_one(
                wanted, [{"$set": {"state": ENDED, "ended_at": PRIMARY_NOW}}]
            )
            if result.matched_count:
                return True
            return await self._rows.find_one({"_id": wanted["_id"]}) is None

    async def members(self) -> list[Member]:
        with as_unreachable():
            rows = await self._rows.find({}, {"_id": 0, "seen_at": 0, "ended_at": 0}).to_list()
        return [msgspec.convert(row, Member) for row in rows]
