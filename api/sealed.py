"""Diners' addresses and phone numbers at rest: sealed at the door, opened at the door, unreadable in between.

AES-SIV (RFC 5297): the same text under the same context seals alike, so that a repeated request is the same command;
under another context it seals otherwise. Journal, snapshots, backups and logs hold only the sealed form.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

S = TypeVar("S", bound=msgspec.Struct)

MARK = "s1."
"""Which key and cipher; another mark would be another of either."""


class Seal:
    """Seals structs under a key derived from the house's secret."""

    def __init__(self, secret_key: bytes) -> None:
        key = hashlib.blake2b(b"diners' addresses", key=secret_key[:64], digest_size=64).digest()
        self._cipher = AESSIV(key)

    def close(self, value: msgspec.Struct, context: bytes) -> str:
        """The sealed text; ``context`` (the request's command id) goes in, and is part of the text."""
        sealed = self._cipher.encrypt(msgspec.msgpack.encode(value), [context])
        return MARK + base64.urlsafe_b64encode(bytes([len(context)]) + context + sealed).decode()

    def open(self, text: str, into: type[S]) -> S | None:
        """What was sealed; None where there is nothing, or where it was sealed under another secret."""
        if not text.startswith(MARK):
            return None
        raw = base64.urlsafe_b64decode(text[len(MARK) :])
        context, sealed = raw[1 : 1 + raw[0]], raw[1 + raw[0] :]
        try:
            return msgspec.msgpack.decode(self._cipher.decrypt(sealed, [context]), type=into)
        except InvalidTag:
            return None
