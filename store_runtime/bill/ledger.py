"""One decision about a bill, tried on a copy: what it says is a list of events.

A decision that opens a payment, closes another and pays something back must see each step's effect on the next. So it
works on a copy of the bill, and what it leaves behind are the events; the bill itself changes when they are evolved.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from actors.words import Event
from pricing.workings import PricedBill
from store_runtime.bill.events import (
    TenderCloseAwaited,
    TenderClosed,
    TenderPaid,
    TenderReturned,
    TenderReturning,
)
from store_runtime.bill.evolution import apply
from store_runtime.bill.payment import AT_ONCE, Deposit, Payment
from store_runtime.bill.state import Bill
from store_runtime.by import By

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Bill).decode

OVERPAID = "over_paid"
SHARE_PAID_TWICE = "share_paid_twice"
TOO_LATE = "too_late"
NOT_USED = "deposit_not_used"


class Ledger:
    """A bill in a turn.

    Args:
        owner_id: of the entity the bill belongs to: payments are ``<owner_id>.p<n>``, shares ``<owner_id>.s<n>``.
        at: when the turn is, in ms.
    """

    def __init__(self, bill: Bill, owner_id: str, at: int) -> None:
        self.bill: Bill = _decode(_encode(bill))
        self.owner_id = owner_id
        self.at = at
        self.events: list[Event] = []

    def add(self, *events: Event) -> None:
        """These happen."""
        for event in events:
            apply(self.bill, event, self.at)
            self.events.append(event)

    @property
    def priced(self) -> PricedBill:
        return self.bill.priced(self.at)

    @property
    def due_fen(self) -> int:
        return self.bill.due_fen(self.at)

    @property
    def settled(self) -> bool:
        """Nothing is due, and something was ordered or paid."""
        return self.bill.settled(self.at)

    def next_payment_id(self) -> str:
        return f"{self.owner_id}.p{self.bill.payments_made + 1}"

    def next_share_id(self, after: int = 0) -> str:
        return f"{self.owner_id}.s{self.bill.shares_made + 1 + after}"

    # --- money back ------------------------------------------------------------------------------------

    def settle_up(self, reason: str = OVERPAID, by: By | None = None) -> None:
        """What is over goes back, the newest money first (T7, O4); and what nobody needs any more is closed.

        A reopened bill keeps it as credit (O5); one with a line that has no price yet waits for it (D5).
        """
        if self.bill.reopened_until or self.bill.unconfirmed:
            return
        over_fen = -self.due_fen
        for payment_id in reversed(self.bill.applied):
            payment = self.bill.payments[payment_id]
            back_fen = min(over_fen, payment.kept_fen)
            if back_fen > 0:
                self.give_back(payment, back_fen, reason, by)
                over_fen -= back_fen
        if self.due_fen == 0:
            self.close(payment for payment in self.bill.pending if payment.deposit is Deposit.NONE)

    def give_back(self, payment: Payment, amount_fen: int, reason: str, by: By | None = None) -> None:
        """So much of a payment goes back; a channel that confirms at once has done so."""
        refund_id = f"{payment.payment_id}.r{len(self.bill.refunds) + 1}"
        self.add(
            TenderReturning(
                refund_id=refund_id,
                payment_id=payment.payment_id,
                amount_fen=amount_fen,
                reason=reason,
                by=by,
            )
        )
        if payment.channel in AT_ONCE or payment.rules.refunds_at_once:
            self.add(TenderReturned(refund_id=refund_id))

    # --- money came ------------------------------------------------------------------------------------

    def money_came(self, payment_id: str, late: bool = False) -> None:
        """It pays what it was for; what was paid already, or is more than is due, goes back at once (T7, O6).

        A deposit that comes late waits for no bill any more: it goes back too.
        """
        payment = self.bill.payments[payment_id]
        if payment.deposit is Deposit.HELD:
            if late:
                self.give_back(payment, payment.kept_fen, TOO_LATE)
            return
        share = self.bill.shares.get(payment.share_id)
        if share is not None and share.paid_by != payment_id:
            self.give_back(payment, payment.kept_fen, SHARE_PAID_TWICE)
        elif share is not None:
            self.close(one for one in self.bill.pending if one.share_id == share.share_id)
        self.settle_up()

    def close(self, payments: Iterable[Payment]) -> None:
        """Ask the channel of each to close it. One that refuses is asked again; money that comes is late (O6)."""
        for payment in list(payments):
            if not payment.payable:
                continue  # closed meanwhile: the late money of one before it was enough
            if refused := payment.close(self.at):
                self.add(TenderCloseAwaited(payment_id=payment.payment_id, close_at=refused.again_at))
                continue
            late = payment.late_transaction
            self.add(TenderClosed(payment_id=payment.payment_id))
            if late:
                self.add(TenderPaid(payment_id=payment.payment_id, transaction_id=late, late=True))
                self.money_came(payment.payment_id, late=True)
