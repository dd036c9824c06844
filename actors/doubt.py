"""Settling a commit whose outcome is unknown: by writing a seal under the same ``_id``, never by reading.

Absence proves nothing: after a client time-out a majority read found nothing and the write landed later. So the
silo inserts a *seal*. Seal stored: the commit failed for ever. Duplicate key: what stands there is the outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from actors.codec import Sealed, encode, record_event
from actors.journal import Document, InDoubt, Journal, Stored, Taken
from actors.metering import Meter

BACK_OFF_S = 0.1
BACK_OFF_MAX_S = 2.0

log = structlog.get_logger("kaifan.doubt")


class Doubt:
    """Says what became of a document. Runs on the silo's loop; ``now_ms`` dates the seal's event."""

    def __init__(
        self, journal: Journal, meter: Meter, random: Callable[[int], bytes], now_ms: Callable[[], int]
    ) -> None:
        self._journal = journal
        self._meter = meter
        self._random = random
        self._now_ms = now_ms

    def is_ours(self, document: Document, standing: Document) -> bool:
        """A duplicate key may be our *own* earlier write whose reply got lost (pitfall 1)."""
        return standing.silo == document.silo and standing.nonce == document.nonce

    async def settle(self, document: Document) -> Document | None:
        """None: the document is stored. Else the document that took its place: a seal, or another writer's.

        Repeats with back-off until something definite is known; meanwhile the entity stays parked.
        """
        seal = self._seal(document)
        back_off = BACK_OFF_S
        while True:
            (outcome,) = await self._journal.append([seal])
            match outcome:
                case Stored():
                    self._meter.seals += 1
                    log.info("commit_sealed", entity=document.entity, seq=document.first_seq)
                    return seal
                case Taken(document=standing):
                    return None if self.is_ours(document, standing) else standing
                case InDoubt():
                    await asyncio.sleep(back_off)
                    back_off = min(back_off * 2, BACK_OFF_MAX_S)

    def _seal(self, document: Document) -> Document:
        return Document(
            entity=document.entity,
            first_seq=document.first_seq,
            n=1,
            events=encode([record_event(Sealed(), self._now_ms())]),
            cmds=b"",
            sends=b"",
            types=[],
            silo=document.silo,
            nonce=self._random(12),
        )
