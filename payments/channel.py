"""What an order must know about a payment channel, whatever the channel is.

The methods are rules, not calls: they say what the channel will do, and touch nothing. A channel with a
network behind it (WeChat Pay) keeps these rules and has an adapter that does the calling; its answers
come to the order as ``ReportPayment``.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class CloseRefused(msgspec.Struct, frozen=True):
    """The channel does not close this payment yet; ask again at ``again_at`` (ms)."""

    again_at: int


class Channel(Protocol):
    """One way to pay."""

    @property
    def name(self) -> str:
        """As in ``payment_channel``."""
        ...

    @property
    def refunds_at_once(self) -> bool:
        """What goes back is there at once; else the channel reports it."""
        ...

    def close(self, opened_at: int, at: int) -> CloseRefused | None:
        """Close a payment that was opened at ``opened_at``: None = closed, it can no longer be paid."""
        ...

    def transaction_id(self, payment_id: str) -> str:
        """The channel's own number of what was paid, when its report names none."""
        ...
