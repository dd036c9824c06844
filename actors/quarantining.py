"""Keeping the list of stopped entities: an operator's word comes in, our own alarms go out."""

from __future__ import annotations

import asyncio

from actors.host import EntityHost
from actors.membership import StoreUnreachable
from actors.quarantine import Quarantine, QuarantineStore

RETRY_S = 0.3


class Quarantining:
    """One silo's share of the quarantine; what the host stops is put again until it is stored."""

    def __init__(self, host: EntityHost, store: QuarantineStore) -> None:
        self._host = host
        self._store = store
        self._unsaved: set[str] = set()
        host.on_quarantine = self._stopped

    async def look(self) -> None:
        """The store's rows rule, so that an operator's decision reaches us; our own fresh ones are kept."""
        rows = await self._store.all()
        fresh = {entity: row for entity, row in self._host.quarantined.items() if entity in self._unsaved}
        self._host.quarantined = {row.entity: row for row in rows} | fresh

    def _stopped(self, quarantine: Quarantine) -> None:
        self._unsaved.add(quarantine.entity)
        self._host.keep(asyncio.get_running_loop().create_task(self._save(quarantine)))

    async def _save(self, quarantine: Quarantine) -> None:
        """For as long as it takes; the task ends with the silo."""
        while True:
            try:
                await self._store.put(quarantine)
                break
            except StoreUnreachable:
                await asyncio.sleep(RETRY_S)
        self._unsaved.discard(quarantine.entity)
