"""Bytes of the journal: how events, remembered commands and sends are written, and how older forms are read.

``events`` = ``[[type, version, at_ms, payload], …]``, ``cmds`` = ``[[id, digest, first event, answer, refused], …]``,
``sends`` = ``[[id, to, type, payload, rejected type, rejected payload], …]``; all msgpack. Names that begin with
``_`` are the runtime's own events.
"""

from __future__ import annotations

from typing import Any

import msgspec
import xxhash

from actors.entity import EntityType
from actors.words import Command, Event, Query

DIGEST_FORM = b"1"
"""Version of the canonical form a digest is computed over."""

_encode = msgspec.msgpack.Encoder().encode
_canonical = msgspec.msgpack.Encoder(order="sorted").encode


class Handled(Event, frozen=True):
    """An accepted command without events: its id and answer are remembered all the same."""


class Sealed(Event, frozen=True):
    """Written under the ``_id`` of a commit in doubt: the commit failed for ever."""


class Acknowledged(Event, frozen=True):
    """These sends were answered by their receivers and are not sent again."""

    sends: list[bytes]


RUNTIME_EVENTS: dict[str, type[Event]] = {
    "_Handled": Handled,
    "_Sealed": Sealed,
    "_Acknowledged": Acknowledged,
}
_RUNTIME_NAMES = {event: name for name, event in RUNTIME_EVENTS.items()}


class EventRecord(msgspec.Struct, array_like=True, gc=False):
    """One event as stored."""

    type: str
    version: int
    at: int
    payload: msgspec.Raw


class CommandRecord(msgspec.Struct, array_like=True, gc=False):
    """An accepted command: its id, the digest of its body, the index of its first event, its answer.

    ``refused``: a no that its sender undoes (``Pending.final_no``); the answer is then the ``Rejected``.
    """

    id: bytes
    digest: bytes
    first_event: int
    answer: bytes
    refused: bool = False


class SendRecord(msgspec.Struct, array_like=True, gc=False):
    """A message to another entity, with the compensation to start if it is rejected."""

    id: bytes
    to: str
    type: str
    payload: bytes
    rejected_type: str = ""
    rejected_payload: bytes = b""


_decode_events = msgspec.msgpack.Decoder(list[EventRecord]).decode
_decode_commands = msgspec.msgpack.Decoder(list[CommandRecord]).decode
_decode_sends = msgspec.msgpack.Decoder(list[SendRecord]).decode


class Unreadable(Exception):
    """A stored event or snapshot that this release cannot read; the entity stops, the silo goes on."""


def encode(value: Any) -> bytes:
    """msgpack of a struct or of plain values."""
    return _encode(value)


def encode_payload(value: Command | Query | Event) -> bytes:
    """msgpack of a word's fields."""
    return _encode(value)


def digest(command: Command | Query) -> bytes:
    """Eight bytes over the parsed command in canonical form (sorted fields, defaults left out)."""
    body = DIGEST_FORM + type(command).__name__.encode() + _canonical(command)
    return xxhash.xxh3_64_digest(body)


def record_event(event: Event, at: int) -> EventRecord:
    """The stored form of an event."""
    name = _RUNTIME_NAMES.get(type(event)) or type(event).__name__
    return EventRecord(name, type(event).version, at, msgspec.Raw(_encode(event)))


def read_events(blob: bytes) -> list[EventRecord]:
    """The events of a document, undecoded."""
    return _decode_events(blob)


def read_commands(blob: bytes) -> list[CommandRecord]:
    """The remembered commands of a document."""
    return _decode_commands(blob) if blob else []


def read_sends(blob: bytes) -> list[SendRecord]:
    """The sends of a document."""
    return _decode_sends(blob) if blob else []


def decode_event(record: EventRecord, entity_type: EntityType[Any]) -> Event:
    """The event as today's class, through the upcasters of its entity.

    Raises Unreadable for an unknown type, a version from the future, or a missing upcaster.
    """
    cls = RUNTIME_EVENTS.get(record.type) or entity_type.events.get(record.type)
    if cls is None:
        raise Unreadable(f"{entity_type.kind}: no event {record.type!r}")
    if record.version == cls.version:
        try:
            return msgspec.msgpack.decode(record.payload, type=cls)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise Unreadable(f"{entity_type.kind}: {record.type} v{record.version}: {error}") from error
    if record.version > cls.version:
        raise Unreadable(
            f"{record.type} v{record.version} was written by a newer release (we read v{cls.version})"
        )
    return _upcast(record, cls, entity_type)


def _upcast(record: EventRecord, cls: type[Event], entity_type: EntityType[Any]) -> Event:
    fields = msgspec.msgpack.decode(record.payload)
    for version in range(record.version, cls.version):
        upcaster = entity_type.upcasters.get((record.type, version))
        if upcaster is None:
            raise Unreadable(f"{record.type}: no upcaster from v{version}")
        fields = upcaster(fields)
    try:
        return msgspec.convert(fields, type=cls)
    except msgspec.ValidationError as error:
        raise Unreadable(f"{record.type} v{record.version} after upcasting: {error}") from error


def decode_word(name: str, payload: bytes, entity_type: EntityType[Any]) -> Command | Query:
    """A command or query that came over a lane or from a stored send. Raises Unreadable."""
    cls = entity_type.words.get(name)
    if cls is None:
        raise Unreadable(f"{entity_type.kind}: no command {name!r}")
    try:
        return msgspec.msgpack.decode(payload, type=cls)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise Unreadable(f"{name}: {error}") from error
