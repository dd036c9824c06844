"""Rows of fixed width with the texts they name, in segments: how a sale keeps a million claims.

A row is some 50 bytes in a ``bytearray`` instead of an object of 400, the garbage collector sees nothing of it, and a
full segment that no longer changes is written to a snapshot once.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import ClassVar, Self

import msgspec
from msgspec.structs import replace

from actors.parts import Part

ROWS_PER_SEGMENT = 10_000

LENGTH = Struct("<H")
NO_TEXT = 0


class Segment(msgspec.Struct, dict=True):
    """Up to ``rows_max`` rows, and their texts, each behind its length; reference 0 is the empty text."""

    rows: bytearray = msgspec.field(default_factory=bytearray)
    texts: bytearray = msgspec.field(default_factory=lambda: bytearray(LENGTH.size))

    @property
    def part(self) -> Part | None:
        """The part of a snapshot that holds just this; None once it has changed since. No field: never stored."""
        return self.__dict__.get("part_now")

    @part.setter
    def part(self, part: Part | None) -> None:
        self.__dict__["part_now"] = part

    def changed(self) -> None:
        """What a snapshot holds of it is no longer true."""
        self.__dict__.clear()

    def put(self, text: str) -> int:
        """Keep a text of up to 65,535 bytes; answers its reference."""
        if not text:
            return NO_TEXT
        raw = text.encode()
        reference = len(self.texts)
        self.texts += LENGTH.pack(len(raw)) + raw
        return reference

    def raw(self, reference: int) -> bytes:
        """A text as it lies here: UTF-8."""
        (length,) = LENGTH.unpack_from(self.texts, reference)
        begin = reference + LENGTH.size
        return bytes(self.texts[begin : begin + length])

    def text(self, reference: int) -> str:
        return self.raw(reference).decode()

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(self)


class Table(msgspec.Struct, dict=True):
    """All rows of one kind; row ``n`` lies in segment ``n // rows_max``."""

    row: ClassVar[Struct]

    rows_max: int = msgspec.field(default_factory=lambda: ROWS_PER_SEGMENT)
    count: int = 0
    segments: list[Segment] = []

    def __len__(self) -> int:
        return self.count

    def open_segment(self) -> Segment:
        """Where the next row goes."""
        if self.count == len(self.segments) * self.rows_max:
            self.segments.append(Segment())
        return self.segments[-1]

    def append(self, segment: Segment, row: bytes) -> int:
        """A row at the end of the open segment; answers its number."""
        segment.rows += row
        segment.changed()
        self.count += 1
        return self.count - 1

    def place(self, number: int) -> tuple[Segment, int]:
        """Segment and offset of a row."""
        segment, row = divmod(number, self.rows_max)
        return self.segments[segment], row * self.row.size

    def unpacked(self) -> Iterator[tuple[int, Segment, tuple[int, ...]]]:
        """All rows in order: number, segment, fields."""
        number = 0
        for segment in self.segments:
            for fields in self.row.iter_unpack(segment.rows):
                yield number, segment, fields
                number += 1

    def head(self) -> Self:
        """A copy without its rows."""
        return replace(self, segments=[])

    def attach(self, raw: bytes, part: Part) -> Iterator[tuple[int, Segment, tuple[int, ...]]]:
        """The next segment, from a snapshot; its rows, like ``unpacked``."""
        first = len(self.segments) * self.rows_max
        segment = msgspec.msgpack.decode(raw, type=Segment)
        segment.part = part
        self.segments.append(segment)
        for number, fields in enumerate(self.row.iter_unpack(segment.rows), start=first):
            yield number, segment, fields
