"""Snapshots: an optimisation that may be deleted whole. Made from committed documents, in parts, manifest last.

A snapshot is ``zstd(msgpack(Image))`` cut into parts of at most PART_BYTES_MAX. It always ends at a document's
end, so the journal's tail continues it without a gap.
"""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

import msgspec
import zstandard

from actors.codec import SendRecord, Unreadable
from actors.entity import EntityType

PART_BYTES_MAX = 4_000_000
FORMAT = 1


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """Says that a whole snapshot of ``entity`` up to ``seq`` is there."""

    entity: str
    seq: int
    parts: int
    size_bytes: int
    digest: bytes
    format: int = FORMAT


class RememberedRecord(msgspec.Struct, array_like=True, gc=False):
    """A remembered command in a snapshot: id, time of its events, digest, answer, whether that is a no."""

    id: bytes
    at: int
    digest: bytes
    answer: bytes
    refused: bool = False


class Image(msgspec.Struct, kw_only=True):
    """All that an activation needs: the domain state and the runtime's own part of it."""

    seq: int
    last_at: int
    state_version: int
    state: bytes
    remembered: list[RememberedRecord]
    sends: list[tuple[int, SendRecord]]


class SnapshotStore(Protocol):
    """Where snapshots live. All calls raise StoreUnreachable in an outage."""

    async def latest(self, entity: str) -> Manifest | None: ...

    async def parts(self, manifest: Manifest) -> list[bytes] | None:
        """The parts in order; None when one is missing (then the journal serves)."""
        ...

    async def save(self, manifest: Manifest, parts: list[bytes]) -> None:
        """Parts first, then the manifest, then older parts are removed. Never replaces a later snapshot."""
        ...

    async def delete(self, entity: str) -> None: ...


def cut(entity: str, image: Image) -> tuple[Manifest, list[bytes]]:
    """The image as a manifest and its compressed parts."""
    raw = zstandard.compress(msgspec.msgpack.encode(image), 3)
    parts = [raw[i : i + PART_BYTES_MAX] for i in range(0, len(raw), PART_BYTES_MAX)]
    digest = hashlib.blake2b(raw, digest_size=16).digest()
    return Manifest(entity=entity, seq=image.seq, parts=len(parts), size_bytes=len(raw), digest=digest), parts


def join(manifest: Manifest, parts: list[bytes]) -> Image:
    """The image again. Raises Unreadable for a damaged one or a newer format."""
    raw = b"".join(parts)
    if manifest.format > FORMAT:
        raise Unreadable(f"snapshot format {manifest.format} was written by a newer release")
    if hashlib.blake2b(raw, digest_size=16).digest() != manifest.digest:
        raise Unreadable(f"snapshot of {manifest.entity} at {manifest.seq} is damaged")
    return msgspec.msgpack.decode(zstandard.decompress(raw), type=Image)


def encode_state(state: msgspec.Struct) -> bytes:
    """The domain state as msgpack."""
    return msgspec.msgpack.encode(state)


def decode_state(image: Image, entity_type: EntityType[Any]) -> Any:
    """The domain state as today's class, through the state upcasters. Raises Unreadable."""
    current = entity_type.cls.state_version
    if image.state_version > current:
        raise Unreadable(f"{entity_type.kind}: state v{image.state_version} was written by a newer release")
    try:
        if image.state_version == current:
            return msgspec.msgpack.decode(image.state, type=entity_type.state)
        fields = msgspec.msgpack.decode(image.state)
        for version in range(image.state_version, current):
            upcaster = entity_type.state_upcasters.get(version)
            if upcaster is None:
                raise Unreadable(f"{entity_type.kind}: no state upcaster from v{version}")
            fields = upcaster(fields)
        return msgspec.convert(fields, type=entity_type.state)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Unreadable(f"{entity_type.kind}: state v{image.state_version}: {error}") from error
