"""The journal: the only truth. One document per entity and batch; the unique ``_id`` is the fence.

``_id`` is ``"<kind>/<id>@<first seq, 16 hex digits>"``. Of two writers that believe they own an entity, one gets
a duplicate key (guarantee 1). Only that is a definite no; every other failure leaves the write *in doubt*, to be
settled by a seal written under the same ``_id`` (guarantee 3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import msgspec

DOCUMENT_BYTES_MAX = 1_000_000
BATCH_DOCUMENTS_MAX = 1_000
BATCH_BYTES_MAX = 8_000_000


class Document(msgspec.Struct, kw_only=True, gc=False):
    """One batch of events of one entity.

    ``events``, ``cmds`` and ``sends`` are msgpack blobs (shapes in ``actors/codec.py``); a blob encodes and decodes
    three times faster than the same list as BSON.
    """

    entity: str
    first_seq: int
    n: int
    events: bytes
    cmds: bytes
    sends: bytes
    types: list[str]
    silo: str
    nonce: bytes

    @property
    def id(self) -> str:
        return document_id(self.entity, self.first_seq)

    @property
    def last_seq(self) -> int:
        return self.first_seq + self.n - 1

    @property
    def size_bytes(self) -> int:
        return len(self.events) + len(self.cmds) + len(self.sends) + 200


def document_id(entity: str, first_seq: int) -> str:
    """The fence: fixed-width hex, so that string order is sequence order."""
    return f"{entity}@{first_seq:016x}"


class Stored(msgspec.Struct, frozen=True):
    """Durable: acknowledged by a majority, journaled."""


class Taken(msgspec.Struct, frozen=True):
    """A definite no: another document stands under this ``_id``. It may be our own earlier write: compare
    ``silo`` and ``nonce`` before calling it fenced (pitfall 1)."""

    document: Document


class InDoubt(msgspec.Struct, frozen=True):
    """Nobody knows. It may land later, also after a read found nothing (pitfall 2)."""

    reason: str


Outcome = Stored | Taken | InDoubt


class JournalUnreadable(Exception):
    """The journal cannot be read now (outage); try again."""


class Journal(Protocol):
    """What the runtime needs of the store. Implementations: MongoDB, memory, the simulator's."""

    async def append(self, documents: Sequence[Document]) -> list[Outcome]:
        """Write all documents, unordered and each on its own; one outcome per document, in their order.

        Never raises for an outage: what is not known is InDoubt, for every document concerned.
        """
        ...

    def read(self, entity: str, after_seq: int = 0) -> AsyncIterator[Document]:
        """The entity's documents whose first sequence is above ``after_seq``, in order, as a majority has them.

        Raises JournalUnreadable. Reads see every write that was acknowledged before the call.
        """
        ...
