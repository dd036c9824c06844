"""Taking money: payments by channel, what the channel reports, deposits, and the end of a visit (T6, T7, T18, O6)."""

from __future__ import annotations

from typing import Literal

from store_runtime.bill.events import (
    BillReclosed,
    DepositForfeited,
    DepositUsed,
    TenderFailed,
    TenderLateNoted,
    TenderOpened,
    TenderPaid,
    TenderTaken,
)
from store_runtime.bill.ledger import NOT_USED, Ledger
from store_runtime.bill.payment import AT_ONCE, UNPAID_FOR_GOOD, Deposit, Payment
from store_runtime.bill.rejections import (
    AmountTooHigh,
    BillIsLocked,
    BillSettled,
    ChannelNotTaken,
    DepositNotHeld,
    IllegalTransition,
    LineUnconfirmed,
    PaymentNotFound,
    ShareAlreadyPaid,
    ShareNotFound,
    TenderedTooLittle,
)
from store_runtime.bill.shares import REST, share_amounts
from store_runtime.bill.state import GRACE_MS, Share
from store_runtime.by import By

Outcome = Literal["paid", "failed", "late"]

GUESTS_CHANNELS = ("simulated", "deposit")
"""What a guest pays with alone; cash goes into somebody's hand. Nobody issues vouchers yet: none can be true."""
STAFFS_CHANNELS = ("simulated", "cash", "deposit")
HOLD_MS = 900_000
"""An unpaid payment is open so long (§ 0)."""


def pay(
    ledger: Ledger,
    channel: str,
    *,
    share_id: str = "",
    amount_fen: int = 0,
    tendered_fen: int = 0,
    reference: str = "",
    user_id: str = "",
    by: By | None = None,
    hold_ms: int = HOLD_MS,
) -> Payment:
    """A payment of a share, of an amount, or of all that is due. The payment as it stands after it."""
    bill = ledger.bill
    if by is None and bill.locked_by:
        raise BillIsLocked()
    allowed = GUESTS_CHANNELS if by is None else STAFFS_CHANNELS
    if channel not in allowed:
        raise ChannelNotTaken(channels=list(allowed))
    amount_fen, share_id, share = _target(ledger, share_id, amount_fen)
    if channel == "deposit":
        return _use_deposit(ledger)
    if channel == "cash" and 0 < tendered_fen < amount_fen:
        raise TenderedTooLittle(amount_fen=amount_fen)
    payment_id = ledger.next_payment_id()
    if channel in AT_ONCE:
        tendered_fen = (tendered_fen or amount_fen) if channel == "cash" else 0
        taken = TenderTaken(
            payment_id=payment_id,
            channel=channel,
            amount_fen=amount_fen,
            share_id=share_id,
            user_id=user_id,
            tendered_fen=tendered_fen,
            change_fen=max(0, tendered_fen - amount_fen),
            reference=reference,
            share=share,
            by=by,
        )
        ledger.add(taken)
        ledger.money_came(payment_id)
    else:
        opened = TenderOpened(
            payment_id=payment_id,
            channel=channel,
            amount_fen=amount_fen,
            expires_at=ledger.at + hold_ms,
            share_id=share_id,
            user_id=user_id,
            share=share,
            by=by,
        )
        ledger.add(opened)
    return ledger.bill.payments[payment_id]


def _target(ledger: Ledger, share_id: str, amount_fen: int) -> tuple[int, str, Share | None]:
    """How much of what: the amount, the share's id, and the share where it is made for this payment."""
    if share_id:
        amounts = share_amounts(ledger.bill, ledger.priced)
        if share_id not in amounts:
            raise ShareAlreadyPaid() if share_id == REST else ShareNotFound()
        known = ledger.bill.shares.get(share_id)
        if amounts[share_id] <= 0 or (known is not None and known.paid_by):
            raise ShareAlreadyPaid()
        if share_id != REST:
            return amounts[share_id], share_id, None
        # Nobody's until somebody pays it: then it is a share of its own, which a second payer finds paid.
        made = Share(share_id=ledger.next_share_id(), fixed_fen=amounts[REST])
        return made.fixed_fen, made.share_id, made
    due_fen = ledger.due_fen
    if due_fen <= 0:
        unconfirmed = ledger.bill.unconfirmed
        raise LineUnconfirmed(line_ids=unconfirmed) if unconfirmed else BillSettled()
    if amount_fen > due_fen:
        raise AmountTooHigh(due_fen=due_fen)
    return amount_fen or due_fen, "", None


# --- what the channel says -------------------------------------------------------------------------------------


def report(ledger: Ledger, payment_id: str, outcome: Outcome, transaction_id: str = "") -> Payment:
    """The channel's word; known already it changes nothing. Late money is fulfilled or refunded in this turn (O6)."""
    payment = payment_of(ledger, payment_id)
    if payment.channel in AT_ONCE:
        raise IllegalTransition(state=payment.status.value, allowed=[])
    transaction_id = payment.transaction(transaction_id)
    if outcome == "failed":
        _failed(ledger, payment)
    elif payment.status in UNPAID_FOR_GOOD or (outcome == "paid" and payment.payable):
        late = payment.status in UNPAID_FOR_GOOD
        ledger.add(TenderPaid(payment_id=payment_id, transaction_id=transaction_id, late=late))
        ledger.money_came(payment_id, late=late)
    elif payment.payable and not payment.late_transaction:
        ledger.add(TenderLateNoted(payment_id=payment_id, transaction_id=transaction_id))
    return payment


def _failed(ledger: Ledger, payment: Payment) -> None:
    if payment.status in UNPAID_FOR_GOOD:
        return
    if not payment.payable:
        raise IllegalTransition(state=payment.status.value, allowed=[])
    late = payment.late_transaction
    ledger.add(TenderFailed(payment_id=payment.payment_id))
    if late:
        ledger.add(TenderPaid(payment_id=payment.payment_id, transaction_id=late, late=True))
        ledger.money_came(payment.payment_id, late=True)


def payment_of(ledger: Ledger, payment_id: str) -> Payment:
    """A payment of this bill."""
    payment = ledger.bill.payments.get(payment_id)
    if payment is None:
        raise PaymentNotFound()
    return payment


def what_is_due(ledger: Ledger) -> None:
    """The clock: payments that ran out are closed, and a credit that nobody used goes back."""
    bill, at = ledger.bill, ledger.at
    ledger.close(
        payment for payment in bill.pending if (payment.close_at or payment.expires_at + GRACE_MS) <= at
    )
    if 0 < bill.reopened_until <= at:
        ledger.add(BillReclosed())
        ledger.settle_up()


# --- deposits (T18) --------------------------------------------------------------------------------------------


def take_deposit(
    ledger: Ledger,
    channel: str,
    amount_fen: int,
    user_id: str = "",
    by: By | None = None,
    hold_ms: int = HOLD_MS,
) -> Payment:
    """Money that comes before there is a bill for it."""
    allowed = [one for one in (GUESTS_CHANNELS if by is None else STAFFS_CHANNELS) if one != "deposit"]
    if channel not in allowed:
        raise ChannelNotTaken(channels=allowed)
    payment_id = ledger.next_payment_id()
    if channel in AT_ONCE:
        event: TenderTaken | TenderOpened = TenderTaken(
            payment_id=payment_id,
            channel=channel,
            amount_fen=amount_fen,
            user_id=user_id,
            tendered_fen=amount_fen,
            deposit=True,
            by=by,
        )
    else:
        event = TenderOpened(
            payment_id=payment_id,
            channel=channel,
            amount_fen=amount_fen,
            expires_at=ledger.at + hold_ms,
            user_id=user_id,
            deposit=True,
            by=by,
        )
    ledger.add(event)
    return ledger.bill.payments[payment_id]


def _use_deposit(ledger: Ledger) -> Payment:
    """The oldest deposit pays the bill, once; what is over goes back the way it came."""
    for payment in ledger.bill.payments.values():
        if payment.deposit is Deposit.HELD and payment.kept_fen > 0:
            ledger.add(DepositUsed(payment_id=payment.payment_id))
            ledger.money_came(payment.payment_id)
            return payment
    raise DepositNotHeld()


def return_deposit(ledger: Ledger, payment_id: str, reason: str, by: By | None = None) -> Payment:
    """A deposit goes back, all of it."""
    payment = _held(ledger, payment_id)
    ledger.give_back(payment, payment.kept_fen, reason, by)
    return payment


def forfeit_deposit(ledger: Ledger, payment_id: str, reason: str, by: By | None = None) -> Payment:
    """A deposit stays with the house, as a row of its own."""
    payment = _held(ledger, payment_id)
    ledger.add(DepositForfeited(payment_id=payment_id, reason=reason, by=by))
    return payment


def _held(ledger: Ledger, payment_id: str) -> Payment:
    payment = payment_of(ledger, payment_id)
    if payment.deposit is not Deposit.HELD or payment.kept_fen <= 0:
        raise DepositNotHeld()
    return payment


# --- the end ---------------------------------------------------------------------------------------------------


def write_off(ledger: Ledger, reason: str, by: By) -> None:
    """免单, 跑单: what is due and will not come is booked as such (T11)."""
    if (due_fen := ledger.due_fen) > 0:
        payment_id = ledger.next_payment_id()
        ledger.add(
            TenderTaken(
                payment_id=payment_id, channel="write_off", amount_fen=due_fen, reference=reason, by=by
            )
        )
        ledger.money_came(payment_id)


def finish(ledger: Ledger) -> None:
    """The visit is over: credits and deposits go back, open payments are closed; money is never stuck."""
    if ledger.bill.reopened_until:
        ledger.add(BillReclosed())
    ledger.settle_up()
    for payment in list(ledger.bill.payments.values()):
        if payment.deposit is Deposit.HELD and payment.kept_fen > 0:
            ledger.give_back(payment, payment.kept_fen, NOT_USED)
    ledger.close(list(ledger.bill.pending))
