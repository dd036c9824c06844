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

_ROW = struct.Struct(">8sIHBx")
STATUSES = ("accepted", "merged")


def op_key(author: str, op_id: str) -> bytes:
    """An author's op; ids of two phones may be alike."""
    return hashlib.blake2b(f"{author}\x1f{op_id}".encode(), digest_size=8).digest()


class KnownOps(msgspec.Struct):
    """Rows of key, moment (s), line and status; oldest first."""

    rows: bytes = b""

    def find(self, key: bytes) -> tuple[int, str] | None:
        """The line and the status with which the op was answered."""
        at = self.rows.find(key)
        while at % _ROW.size and at >= 0:
            at = self.rows.find(key, at + 1)
        if at < 0:
            return None
        _, _, line, status = _ROW.unpack_from(self.rows, at)
        return line, STATUSES[status]

    def has_room(self, at: int, more: int) -> bool:
        """Whether ``more`` ops can be remembered at ``at`` (ms)."""
        count = len(self.rows) // _ROW.size
        return count + more <= OPS_KEPT_MAX or count - self._old(at) + more <= OPS_KEPT_MAX

    def add(self, key: bytes, at: int, line: int, status: str) -> None:
        """Remember one. Used by evolve, and on drafts."""
        count = len(self.rows) // _ROW.size
        if count and count % TIDY_EVERY == 0:
            self.rows = self.rows[self._old(at) * _ROW.size :]
        self.rows += _ROW.pack(key, at // 1_000, line & 0xFFFF, STATUSES.index(status))

    def _old(self, at: int) -> int:
        """How many rows are of more than an hour ago."""
        count = 0
        for _, second, _, _ in _ROW.iter_unpack(self.rows):
            if second >= at // 1_000 - KEPT_S:
                break
            count += 1
        return count
