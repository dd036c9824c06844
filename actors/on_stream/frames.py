"""Frames on a stream: four bytes of length (big endian), then so many bytes of msgpack."""

from __future__ import annotations

from collections.abc import Iterator

HEAD_BYTES = 4


class FrameTooLarge(Exception):
    """The peer announces more than is allowed here. Nothing of it is read; the connection ends."""


def framed(body: bytes) -> bytes:
    """
    >>> framed(b"abc")
    b'\\x00\\x00\\x00\\x03abc'
    """
    return len(body).to_bytes(HEAD_BYTES, "big") + body


class Frames:
    """Cuts what arrives into frames. ``limit`` (bytes of a body) may be changed between two frames."""

    __slots__ = ("_rest", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The bodies that are whole by now. Raises FrameTooLarge; holds at most one unfinished frame.

        >>> frames = Frames(limit=10)
        >>> [list(frames.feed(part)) for part in (b"\\x00\\x00\\x00", b"\\x02hi\\x00", b"\\x00\\x00\\x01!")]
        [[], [b'hi'], [b'!']]
        """
        buffer: bytes | bytearray = data
        if self._rest:
            self._rest += data
            buffer = self._rest
        start, end = 0, len(buffer)
        try:
            while end - start >= HEAD_BYTES:
                size = int.from_bytes(buffer[start : start + HEAD_BYTES], "big")
                if size > self.limit:
                    raise FrameTooLarge(f"a frame of {size} bytes, {self.limit} are allowed")
                after = start + HEAD_BYTES + size
                if after > end:
                    break
                body = bytes(buffer[start + HEAD_BYTES : after])
                start = after
                yield body
        finally:
            # Also when the caller stops half-way: what it has seen is not seen again.
            self._rest = bytearray(buffer[start:])
