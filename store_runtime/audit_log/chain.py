"""The chain: each entry's hash covers the entry and the hash before it."""

from __future__ import annotations

import hashlib

import msgspec

from store_runtime.audit_log.acts import Act

START = bytes(32)
"""What the first entry is chained to."""

_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def chained(before: bytes, number: int, at: int, act: Act) -> bytes:
    """SHA-256 over the hash before, and the canonical msgpack of number, moment of entry (ms) and act.

    Canonical: the keys of every map sorted, fields that hold their default left out. So an entry that was
    changed, left out, or put elsewhere fits neither the one before nor the one after.

    >>> from store_runtime.by import By
    >>> act = Act(by=By("li"), action="stock.set", subject="store/s1/dishes/crab", at=0)
    >>> chained(START, 1, 7, act) == chained(START, 1, 7, act) != chained(START, 2, 7, act)
    True
    """
    return hashlib.sha256(before + _encode((number, at, act))).digest()
