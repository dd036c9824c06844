"""What is true of an audit log."""

from __future__ import annotations

from actors.words import Event
from store_runtime.audit_log.acts import Act


class ActRecorded(Event, frozen=True, kw_only=True):
    """Entry ``number`` (from 1, without gaps); ``hash`` chains it to the one before (``chain.py``)."""

    number: int
    act: Act
    hash: bytes
