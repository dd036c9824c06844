"""The simulated channel: no money moves, and the rules are those of a real one.

It refuses to close a payment right after it was opened (WeChat Pay refuses for five minutes; two seconds
are enough to meet the case), it can report a payment as paid after it was closed (``late``), and it
refunds at once. Somebody says how a payment ends with ``POST /payments/simulated/{payment_id}``.
"""

from __future__ import annotations

from payments.channel import Channel, CloseRefused

CLOSE_REFUSED_MS = 2_000
"""A payment younger than this is not closed."""


class SimulatedChannel:
    """Pays, fails, and is late when told to."""

    name = "simulated"
    refunds_at_once = True

    def close(self, opened_at: int, at: int) -> CloseRefused | None:
        """Refused for a payment that is younger than CLOSE_REFUSED_MS."""
        again_at = opened_at + CLOSE_REFUSED_MS
        return CloseRefused(again_at) if at < again_at else None

    def transaction_id(self, payment_id: str) -> str:
        """``sim-<payment_id>``: one payment, one transaction, however often it is reported."""
        return f"sim-{payment_id}"


CHANNELS: dict[str, Channel] = {"simulated": SimulatedChannel()}
"""Every channel there is, by name. A payment keeps the name it was opened with."""
