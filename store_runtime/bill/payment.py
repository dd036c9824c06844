"""A payment's states (§ 0) and what the channel's word makes of them. Reads only; its bill evolves.

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


class Deposit(enum.StrEnum):
    """What became of money that came before there was a bill for it (T18)."""

    NONE = ""
    HELD = "held"
    USED = "used"
    FORFEITED = "forfeited"


AT_ONCE = ("cash", "voucher", "write_off")
"""Channels whose money is there when somebody says so; the others report."""


class Payment(msgspec.Struct, kw_only=True):
    """One payment. ``late_transaction`` is set when the channel will report it once it is closed; ``close_at`` when
    the channel refused to close it before then.

    Args:
        share_id: the share of the bill it pays, if it names one.
        user_id: whose it is; empty for one that staff took.
        tendered_fen, change_fen: of cash: what was put down and what went back of it; the difference is the amount.
        returned_fen: how much of it went back, once it was paid.
        reference: the payer's own word for it, or why it was written off.
        deposit: money held before a bill (T18); only a used one counts towards the bill.
        account: who of the staff took it.
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
    share_id: str = ""
    user_id: str = ""
    tendered_fen: int = 0
    change_fen: int = 0
    returned_fen: int = 0
    reference: str = ""
    deposit: Deposit = Deposit.NONE
    account: str = ""

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

    @property
    def kept_fen(self) -> int:
        """What came in and did not go back."""
        return self.received_fen - self.refunded_fen

    @property
    def applied_fen(self) -> int:
        """What of it pays the bill: not a deposit that is held, or was forfeited."""
        return self.kept_fen if self.deposit in (Deposit.NONE, Deposit.USED) else 0

    def close(self, at: int) -> CloseRefused | None:
        """Ask the channel to close it; a payment it does not know yet is closed by never opening it."""
        return self.rules.close(self.opened_at, at) if self.status is PaymentState.PAYING else None

    def transaction(self, named: str) -> str:
        """The channel's number for this payment."""
        return named or self.rules.transaction_id(self.payment_id)
