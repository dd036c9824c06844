"""The one source of time, ids and randomness inside a decision.

Everything is derived from the command id, so a command that is decided again (after a lost commit, on another
silo) decides alike.
"""

from __future__ import annotations

import hashlib

ID_BYTES = 16

_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
"""Ten bits each; base64.b32encode is written in Python and took a quarter of a claim's turn."""


def command_id(secret: bytes, principal: str, method: str, route: str, target: str, key: str) -> bytes:
    """The identity of a request: same caller, route, target and key → same command.

    Keyed with the cluster's secret (up to 64 bytes), because a turn derives its randomness from the command id:
    who knows a key must not be able to foresee a draw's seed.
    """
    text = "\x1f".join((principal, method, route, target, key))
    return hashlib.blake2b(text.encode(), key=secret[:64], digest_size=ID_BYTES).digest()


def derived_id(cause: bytes, step: str) -> bytes:
    """The id of the command that follows from ``cause`` as its step ``step``; any silo derives the same one."""
    return hashlib.blake2b(cause + b"/" + step.encode(), digest_size=ID_BYTES).digest()


def readable(raw: bytes) -> str:
    """Ten bytes as sixteen characters of lower-case base32: ids that a person can read out.

    >>> import base64
    >>> readable(bytes(range(10))) == base64.b32encode(bytes(range(10))).decode().lower()
    True
    """
    bits, pairs = int.from_bytes(raw, "big"), _PAIRS
    return (
        pairs[bits >> 70]
        + pairs[bits >> 60 & 1023]
        + pairs[bits >> 50 & 1023]
        + pairs[bits >> 40 & 1023]
        + pairs[bits >> 30 & 1023]
        + pairs[bits >> 20 & 1023]
        + pairs[bits >> 10 & 1023]
        + pairs[bits & 1023]
    )


class Turn:
    """One command's turn: when it is, who caused it, and deterministic ids and randomness."""

    __slots__ = ("_drawn", "at", "command_id", "entity")

    def __init__(self, at: int, command_id: bytes, entity: str) -> None:
        self.at = at
        """The moment of the decision, in ms since the epoch, by cluster time; never goes back for an entity."""
        self.command_id = command_id
        self.entity = entity
        self._drawn = 0

    def random_bytes(self, count: int) -> bytes:
        """Up to 64 bytes, the same for the same command, entity and draw."""
        assert 0 < count <= 64, "at most one digest per draw"
        self._drawn += 1
        seed = self.entity.encode() + b"#" + self._drawn.to_bytes(4, "big")
        return hashlib.blake2b(seed, key=self.command_id, digest_size=count).digest()

    def new_id(self, prefix: str = "") -> str:
        """A new id of 16 characters (80 bits) behind an optional prefix."""
        return prefix + readable(self.random_bytes(10))
