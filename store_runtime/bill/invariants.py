"""What must always hold of a bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from store_runtime.bill.payment import RECEIVED, Deposit, Payment
from store_runtime.bill.shares import share_amounts
from store_runtime.bill.state import Bill


def violations(bill: Bill, at: int) -> list[str]:
    """What contradicts itself; empty when all holds."""
    return [
        *_of_lines(bill),
        *(problem for payment in bill.payments.values() for problem in _of_payment(bill, payment)),
        *_of_shares(bill, at),
        *_of_sums(bill, at),
    ]


def _of_lines(bill: Bill) -> Iterator[str]:
    for line in bill.lines.values():
        if not 0 <= line.cancelled + line.refunded <= line.quantity:
            yield f"O3: {line.cancelled} + {line.refunded} of {line.quantity} of {line.line_id} are off"


def _of_payment(bill: Bill, payment: Payment) -> Iterator[str]:
    name = payment.payment_id
    if not 0 <= payment.returned_fen <= payment.received_fen:
        yield f"O4: of {payment.received_fen} fen of {name}, {payment.returned_fen} went back"
    told_fen = sum(one.amount_fen for one in bill.refunds if one.payment_id == name)
    if told_fen != payment.returned_fen:
        yield f"O4: the refunds of {name} come to {told_fen} fen, {payment.returned_fen} went back"
    if payment.channel == "cash" and payment.tendered_fen - payment.change_fen != payment.amount_fen:
        yield f"the change of {name} is {payment.change_fen} of {payment.tendered_fen} for {payment.amount_fen}"
    counts = payment.status in RECEIVED and payment.deposit in (Deposit.NONE, Deposit.USED)
    if counts != (name in bill.applied):
        yield f"{name} is {payment.status.value} and {'not ' if counts else ''}applied"


def _of_shares(bill: Bill, at: int) -> Iterator[str]:
    kept = Counter(
        p.share_id for p in bill.payments.values() if p.share_id in bill.shares and p.applied_fen > 0
    )
    for share_id, times in kept.items():
        if times > 1:
            yield f"T7: {times} payments of share {share_id} are kept"
    for share in bill.shares.values():
        if share.paid_by and share.paid_fen != bill.payments[share.paid_by].applied_fen:
            yield f"T7: share {share.share_id} is paid with {share.paid_fen} fen"
    priced = bill.priced(at)
    if bill.shares and not bill.pending and bill.applied_fen <= priced.total_fen:
        amounts = share_amounts(bill, priced)
        apart_fen = sum(
            p.applied_fen
            for p in bill.payments.values()
            if p.share_id not in bill.shares or bill.shares[p.share_id].paid_by != p.payment_id
        )
        if sum(amounts.values()) + apart_fen != priced.total_fen:
            yield f"T7: shares come to {sum(amounts.values())}, {apart_fen} apart, of {priced.total_fen}"
        if any(amount < 0 for amount in amounts.values()):
            yield f"T7: a share below nothing: {amounts}"


def _of_sums(bill: Bill, at: int) -> Iterator[str]:
    if len(bill.applied) != len(set(bill.applied)):
        yield "a payment is applied twice"
    if bill.due_fen(at) < 0 and not bill.reopened_until and not bill.unconfirmed:
        yield f"T7: {-bill.due_fen(at)} fen are over and did not go back"
