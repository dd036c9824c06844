"""A payment's states (§ 0) and what the channel's word makes of them. Reads only; the order evolves.

created → paying → paid | failed | closed. Paid after it had failed or been closed is *late*: it goes back
(refunding → refunded), or the goods are held again and it is paid after all (F6).
"""

from __future__ import annotations

import enum

import msgspec

from payments.channel import Channel, CloseRefused
from payments.simulated import CHANNELS


class PaymentState(enum.StrEnum):
    """Where a payment stands."""

    CREATED = "created"
    PAYING = "paying"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"
    LATE = "late"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


PAYABLE = (PaymentState.CREATED, PaymentState.PAYING)
"""The channel may still take the money."""

UNPAID_FOR_GOOD = (PaymentState.FAILED, PaymentState.CLOSED)
"""Over; money that comes now is late."""

RECEIVED = (PaymentState.PAID, PaymentState.LATE, PaymentState.REFUNDING, PaymentState.REFUNDED)
"""The money came."""


class Payment(msgspec.Struct, kw_only=True):
    """One payment of an order. ``late_transaction`` is set when the channel will report it once it is closed;
    ``close_at`` when the channel refused to close it before then.
    """

    payment_id: str
    channel: str
    amount_fen: int
    expires_at: int
    status: PaymentState = PaymentState.CREATED
    opened_at: int = 0
    close_at: int = 0
    transaction_id: str = ""
    late_transaction: str = ""
    returned_fen: int = 0
    """What went back line by line (O4); a refund of the whole is a status."""

    @property
    def rules(self) -> Channel:
        """The channel it was opened with."""
        return CHANNELS[self.channel]

    @property
    def payable(self) -> bool:
        return self.status in PAYABLE

    @property
    def unsettled(self) -> bool:
        """The money is here and has not gone back: the goods or a refund are due for it."""
        return self.status in (PaymentState.PAID, PaymentState.LATE)

    @property
    def received_fen(self) -> int:
        """What came in, whether or not it went back."""
        return self.amount_fen if self.status in RECEIVED else 0

    @property
    def refunded_fen(self) -> int:
        """What went back."""
        return self.amount_fen if self.status is PaymentState.REFUNDED else self.returned_fen

    def close(self, at: int) -> CloseRefused | None:
        """Ask the channel to close it; a payment it does not know yet is closed by never opening it."""
        return self.rules.close(self.opened_at, at) if self.status is PaymentState.PAYING else None

    def transaction(self, named: str) -> str:
        """The channel's number for this payment."""
        return named or self.rules.transaction_id(self.payment_id)
