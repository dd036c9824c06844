"""Which cart ops were done already (T2: a repeated message changes nothing), in sixteen bytes each.

A phone repeats an op for minutes, not for hours: those older than an hour make room for new ones. When there is no
room for a new one it is refused, and never an old one forgotten.
"""

from __future__ import annotations

import hashlib
import struct

import msgspec

KEPT_S = 3_600
OPS_KEPT_MAX = 4_096
TIDY_EVERY = 512

CONTENTS = 2**15
"""A row has fifteen bits for what an op said: another content under a known id goes unseen once in 32,767 times."""

_ROW = struct.Struct(">8sIHBB")
STATUSES = ("accepted", "merged")


def op_key(author: str, op_id: str) -> bytes:
    """An author's op; ids of two phones may be alike."""
    return hashlib.blake2b(f"{author}\x1f{op_id}".encode(), digest_size=8).digest()


def content_of(said: bytes) -> int:
    """What an op said, in short: 1 to 32,767. 0 is for ops of which nobody knows it."""
    return int.from_bytes(hashlib.blake2b(said, digest_size=4).digest()) % (CONTENTS - 1) + 1


class KnownOps(msgspec.Struct):
    """Rows of key, moment (s), line, and status (one bit) with content (15 bits); oldest first."""

    rows: bytes = b""

    def find(self, key: bytes) -> tuple[int, str, int] | None:
        """The line and the status with which the op was answered, and its content."""
        at = self.rows.find(key)
        while at % _ROW.size and at >= 0:
            at = self.rows.find(key, at + 1)
        if at < 0:
            return None
        _, _, line, high, low = _ROW.unpack_from(self.rows, at)
        return line, STATUSES[high & 1], high >> 1 << 8 | low

    def has_room(self, at: int, more: int) -> bool:
        """Whether ``more`` ops can be remembered at ``at`` (ms)."""
        count = len(self.rows) // _ROW.size
        return count + more <= OPS_KEPT_MAX or count - self._old(at) + more <= OPS_KEPT_MAX

    def add(self, key: bytes, at: int, line: int, status: str, content: int = 0) -> None:
        """Remember one. Used by evolve, and on drafts."""
        count = len(self.rows) // _ROW.size
        if count and count % TIDY_EVERY == 0:
            self.rows = self.rows[self._old(at) * _ROW.size :]
        self.rows += _ROW.pack(
            key, at // 1_000, line & 0xFFFF, content >> 8 << 1 | STATUSES.index(status), content & 0xFF
        )

    def _old(self, at: int) -> int:
        """How many rows are of more than an hour ago."""
        count = 0
        for _, second, *_ in _ROW.iter_unpack(self.rows):
            if second >= at // 1_000 - KEPT_S:
                break
            count += 1
        return count
