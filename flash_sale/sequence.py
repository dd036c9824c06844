"""The running hash over all claims in the order they were made (F12).

Each link is SHA-256 over the link before and one claim, so that the last one, published after the end,
fixes every claim and its place. Who claimed is not part of it; each diner finds their own claim by its
id.
"""

from __future__ import annotations

import hashlib

SEQUENCE_START = bytes(32)
"""The link before the first claim."""


def next_link(link: bytes, position: int, claim_id: str, quantity: int, wait: bool, at: int) -> bytes:
    """The link after one more claim: SHA-256(link ‖ "position|claim_id|quantity|wait as 0 or 1|at in ms").

    >>> next_link(SEQUENCE_START, 1, "s.c", 1, False, 0).hex()[:16]
    '51a0f577c9cff555'
    """
    line = f"{position}|{claim_id}|{quantity}|{wait:d}|{at}"
    return hashlib.sha256(link + line.encode()).digest()
