"""Snapshots: an optimisation that may be deleted whole. Made from committed documents, in parts, manifest last.

A manifest names parts by their content. The first few are the head, ``zstd(msgpack(Image))`` cut at PART_BYTES_MAX;
then one per block of answers and per segment of the state, which are written once and named again by the next
manifest while they do not change. A snapshot always ends at a document's end, so the journal's tail continues it
without a gap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import zstandard

from actors.codec import SendRecord, Unreadable
from actors.entity import EntityType
from actors.parts import Part, Segment, Segmented
from actors.remembered import RememberedRecord

PART_BYTES_MAX = 4_000_000
FORMAT = 2
LEVEL = 3


class Manifest(msgspec.Struct, kw_only=True, frozen=True):
    """Says that a whole snapshot of ``entity`` up to ``seq`` is there, and of what it consists.

    The first ``head`` parts are the image, the next ``blocks`` hold answers, the rest are the state's segments.
    """

    entity: str
    seq: int
    head: int
    blocks: int
    parts: list[Part]
    format: int = FORMAT

    @property
    def size_bytes(self) -> int:
        return sum(part.size_bytes for part in self.parts)


class Image(msgspec.Struct, kw_only=True):
    """What an activation needs at once: the head of the domain state and the runtime's own part of it."""

    seq: int
    last_at: int
    state_version: int
    state: bytes
    remembered: list[RememberedRecord]
    sends: list[tuple[int, SendRecord]]


class SnapshotStore(Protocol):
    """Where snapshots live. All calls raise StoreUnreachable in an outage."""

    async def latest(self, entity: str) -> Manifest | None:
        """None also for one of another format: then the journal serves."""
        ...

    async def parts(self, entity: str, wanted: Sequence[Part]) -> list[bytes] | None:
        """These parts in this order; None when one is missing (then the journal serves)."""
        ...

    async def save(self, manifest: Manifest, parts: Mapping[bytes, bytes]) -> None:
        """New parts by their digest first, then the manifest, then parts that it does not name are removed.

        Never replaces a later snapshot.
        """
        ...

    async def delete(self, entity: str) -> None: ...


def part_of(raw: bytes) -> Part:
    """The name of stored bytes."""
    return Part(hashlib.blake2b(raw, digest_size=16).digest(), len(raw))


def cut(
    entity: str,
    image: Image,
    blocks: Iterable[Segment] = (),
    segments: Iterable[Segment] = (),
    stored: Container[bytes] = frozenset(),
) -> tuple[Manifest, dict[bytes, bytes]]:
    """The manifest, and those of its parts that are not ``stored`` (digests of the parts that the store has).

    Segments learn which part holds them, and are not encoded again as long as they do not change.
    """
    new: dict[bytes, bytes] = {}

    def enter(raw: bytes) -> Part:
        part = part_of(raw)
        if part.digest not in stored:
            new[part.digest] = raw
        return part

    def seal(segment: Segment) -> Part:
        if segment.part is None or segment.part.digest not in stored:
            segment.part = enter(zstandard.compress(segment.encode(), LEVEL))
        return segment.part

    raw = zstandard.compress(msgspec.msgpack.encode(image), LEVEL)
    head = [enter(raw[i : i + PART_BYTES_MAX]) for i in range(0, len(raw), PART_BYTES_MAX)]
    sealed = [seal(block) for block in blocks]
    parts = [*head, *sealed, *(seal(segment) for segment in segments)]
    manifest = Manifest(entity=entity, seq=image.seq, head=len(head), blocks=len(sealed), parts=parts)
    return manifest, new


def join(manifest: Manifest, head: Sequence[bytes]) -> Image:
    """The image again, from the stored bytes of its head. Raises Unreadable for a damaged one or a newer format."""
    if manifest.format > FORMAT:
        raise Unreadable(f"snapshot format {manifest.format} was written by a newer release")
    for part, raw in zip(manifest.parts, head, strict=False):
        check(part, raw)
    raw = zstandard.decompress(b"".join(head))
    return msgspec.msgpack.decode(raw, type=Image)


def check(part: Part, raw: bytes) -> None:
    """Raises Unreadable when these are not the bytes that were written."""
    if part_of(raw) != part:
        raise Unreadable(f"a part of a snapshot is damaged ({part.digest.hex()})")


def unseal(part: Part, raw: bytes) -> bytes:
    """What a segment encoded. Raises Unreadable."""
    check(part, raw)
    return zstandard.decompress(raw)


def digests(manifest: Manifest | None) -> frozenset[bytes]:
    """The parts that the store has, as far as this manifest says."""
    return frozenset(part.digest for part in manifest.parts) if manifest else frozenset()


def groups(manifest: Manifest) -> Iterator[list[Part]]:
    """The parts in the order and portions in which they are fetched: the head, then some megabytes at a time."""
    yield manifest.parts[: manifest.head]
    group: list[Part] = []
    size = 0
    for part in manifest.parts[manifest.head :]:
        if group and size + part.size_bytes > PART_BYTES_MAX:
            yield group
            group, size = [], 0
        group.append(part)
        size += part.size_bytes
    if group:
        yield group


def read_manifest(raw: bytes) -> Manifest | None:
    """A stored manifest; None for one that an older release wrote in another form."""
    try:
        return msgspec.msgpack.decode(raw, type=Manifest)
    except msgspec.ValidationError:
        return None


def encode_state(state: msgspec.Struct) -> bytes:
    """The domain state, or its head, as msgpack."""
    return msgspec.msgpack.encode(state.head() if isinstance(state, Segmented) else state)


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
