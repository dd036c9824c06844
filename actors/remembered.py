"""The answers of the last 24 hours: the newest as they are, older ones in sealed blocks of compressed bytes.

A command that comes again gets the same bytes (guarantee 4). A busy entity remembers millions of them, so what is not
new takes some 60 bytes instead of 600: neighbours resemble each other, and nobody asks for most of them again.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
import zstandard

from actors.keymap import KeyMap, key_hash
from actors.parts import Part
from actors.words import Accepted, Rejected

KEPT_MS = 24 * 3_600_000
"""Guarantee 4: answers of accepted commands are remembered for at least 24 h of event time."""

BLOCK = 1_024
"""Answers in a sealed block: one is packed or unpacked in a millisecond or two."""

LEVEL = 1


class Remembered(msgspec.Struct, gc=False):
    """A command that got its answer: when, up to which sequence, the digest of its body, the answer.

    ``refused``: the answer is a ``Rejected``, and final.
    """

    at: int
    seq: int
    digest: bytes
    answer: bytes
    refused: bool = False

    def reply(self, seq: int) -> Accepted | Rejected:
        """The answer again; ``seq`` is where the entity stands now, and a no that is final is true there too."""
        if self.refused:
            return msgspec.structs.replace(_decode_rejected(self.answer), seq=seq)
        return Accepted(self.answer, self.seq)


_HEAD = struct.Struct(">QQ?B")
"""at, seq, refused, and how long the digest is that stands before the answer."""


def _row(one: Remembered) -> bytes:
    """As one piece, in half of the memory: a quiet entity has few answers, but there are many quiet entities."""
    return b"".join((_HEAD.pack(one.at, one.seq, one.refused, len(one.digest)), one.digest, one.answer))


def _read(row: bytes) -> Remembered:
    at, seq, refused, length = _HEAD.unpack_from(row)
    end = _HEAD.size + length
    return Remembered(at, seq, row[_HEAD.size : end], row[end:], refused)


class RememberedRecord(msgspec.Struct, array_like=True, gc=False):
    """The same in a block or a snapshot, under its command's id."""

    id: bytes
    at: int
    seq: int
    digest: bytes
    answer: bytes
    refused: bool = False

    def remembered(self) -> Remembered:
        return Remembered(self.at, self.seq, self.digest, self.answer, self.refused)


def _record(command_id: bytes, row: bytes) -> RememberedRecord:
    at, seq, refused, length = _HEAD.unpack_from(row)
    end = _HEAD.size + length
    return RememberedRecord(command_id, at, seq, row[_HEAD.size : end], row[end:], refused)


class Block:
    """Up to BLOCK sealed answers; never changes. ``last_at``: when the newest of them was given."""

    __slots__ = ("last_at", "packed", "part")

    def __init__(self, packed: bytes, last_at: int) -> None:
        self.packed = packed
        self.last_at = last_at
        self.part: Part | None = None

    def records(self) -> list[RememberedRecord]:
        return _decode(zstandard.decompress(self.packed))

    def encode(self) -> bytes:
        """With the hashes of the ids, so that a restored block is found without being unpacked."""
        hashes = array("Q", (key_hash(record.id) for record in self.records()))
        return _encode((self.last_at, hashes.tobytes(), self.packed))


_decode_rejected = msgspec.msgpack.Decoder(Rejected).decode
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[RememberedRecord]).decode


class Answers:
    """Command id → what was answered, in the order of time."""

    __slots__ = ("_cached", "_first", "_new", "_sealed", "_where")

    def __init__(self) -> None:
        self._new: dict[bytes, bytes] = {}
        self._sealed: dict[int, Block] = {}
        self._first = 0
        self._where: KeyMap | None = None
        self._cached: tuple[int, dict[bytes, Remembered]] | None = None

    def __len__(self) -> int:
        return len(self._new) + sum(len(block.records()) for block in self._sealed.values())

    def __iter__(self) -> Iterator[bytes]:
        return (record.id for record in self.records())

    def __contains__(self, command_id: bytes) -> bool:
        return self.get(command_id) is not None

    def get(self, command_id: bytes) -> Remembered | None:
        """What was answered, None when it is not known (any more)."""
        if (row := self._new.get(command_id)) is not None:
            return _read(row)
        if self._where is not None:
            for number in self._where.find(key_hash(command_id)):
                if (found := self._opened(number).get(command_id)) is not None:
                    return found
        return None

    def put(self, command_id: bytes, remembered: Remembered) -> None:
        """The newest answer; answers older than KEPT_MS before it are let go."""
        new = self._new
        new[command_id] = _row(remembered)
        self._forget(remembered.at - KEPT_MS)
        if len(new) >= 2 * BLOCK:
            self._seal()

    def records(self) -> Iterator[RememberedRecord]:
        """All of them, the oldest first."""
        for block in self._sealed.values():
            yield from block.records()
        yield from self.new_records()

    # --- for snapshots -------------------------------------------------------------------------------------

    def new_records(self) -> list[RememberedRecord]:
        """Those that are not sealed yet."""
        return [_record(command_id, row) for command_id, row in self._new.items()]

    def blocks(self) -> list[Block]:
        """The sealed ones, the oldest first."""
        return list(self._sealed.values())

    def take_over(self, new: list[RememberedRecord]) -> None:
        """The unsealed answers of a snapshot, after its blocks."""
        self._new = {record.id: _row(record.remembered()) for record in new}

    def attach(self, raw: bytes, part: Part) -> None:
        """The next sealed block of a snapshot."""
        last_at, hashes, packed = msgspec.msgpack.decode(raw, type=tuple[int, bytes, bytes])
        block = Block(packed, last_at)
        block.part = part
        self._add(block, array("Q", hashes))

    # --- sealing and forgetting ----------------------------------------------------------------------------

    def _seal(self) -> None:
        # Insertion order is time order, because an entity's time never goes back.
        records = [_record(command_id, row) for command_id, row in islice(self._new.items(), BLOCK)]
        # A copy: what the compressor returns keeps the room that it could have needed.
        packed = bytes(memoryview(zstandard.compress(_encode(records), LEVEL)))
        self._add(Block(packed, records[-1].at), (key_hash(record.id) for record in records))
        for record in records:
            del self._new[record.id]

    def _add(self, block: Block, hashes: Iterable[int]) -> None:
        if self._where is None:
            self._where = KeyMap()
        number = self._first + len(self._sealed)
        self._sealed[number] = block
        for hashed in hashes:
            self._where.add(hashed, number)

    def _forget(self, too_old: int) -> None:
        while self._sealed:
            oldest = self._sealed[self._first]
            if oldest.last_at >= too_old:
                return
            where = self._where
            assert where is not None
            for record in oldest.records():
                where.remove(key_hash(record.id), self._first)
            del self._sealed[self._first]
            self._first += 1
        new = self._new
        while _HEAD.unpack_from(new[first := next(iter(new))])[0] < too_old:
            del new[first]

    def _opened(self, number: int) -> dict[bytes, Remembered]:
        if self._cached is None or self._cached[0] != number:
            opened = {record.id: record.remembered() for record in self._sealed[number].records()}
            self._cached = number, opened
        return self._cached[1]
