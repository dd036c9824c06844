"""What each event does to a bill; the only place where one changes. Total: it refuses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from actors.words import Event
from store_runtime.bill import events
from store_runtime.bill.payment import Deposit, Payment, PaymentState
from store_runtime.bill.state import Bill, Returned, Share, joined, parted

Effect = Callable[[Bill, Any, int], None]

_EFFECTS: dict[type[Event], Effect] = {}


def apply(bill: Bill, e: Event, at: int) -> None:
    """The bill after the event. ``at`` is the event's."""
    _EFFECTS[type(e)](bill, e, at)


def _of(event: type[Event]) -> Callable[[Effect], Effect]:
    def enter(effect: Effect) -> Effect:
        _EFFECTS[event] = effect
        return effect

    return enter


# --- what it is made from --------------------------------------------------------------------------------------


@_of(events.BillTermsSet)
def _terms_set(bill: Bill, e: events.BillTermsSet, at: int) -> None:
    bill.terms, bill.guests = e.terms, e.guests
    bill.seated_at, bill.seated_minute = e.seated_at, e.seated_minute
    bill.packed, bill.delivery_fen = e.packed, e.delivery_fen


@_of(events.BillGuestsCounted)
def _guests_counted(bill: Bill, e: events.BillGuestsCounted, at: int) -> None:
    bill.guests = e.guests


@_of(events.LinesBilled)
def _lines_billed(bill: Bill, e: events.LinesBilled, at: int) -> None:
    for line in e.lines:
        known = bill.lines.get(line.line_id)
        bill.lines[line.line_id] = line if known is None else joined(known, line)
    if e.share is not None:
        bill.shares[e.share.share_id] = e.share
        bill.shares_made += 1
    if not bill.locked_by and not bill.money_moved:
        bill.stopped_at = 0


@_of(events.LinesUnbilled)
def _lines_unbilled(bill: Bill, e: events.LinesUnbilled, at: int) -> None:
    for line_id, quantity in e.quantities.items():
        line = bill.lines[line_id]
        if quantity >= line.quantity:
            del bill.lines[line_id]
        else:
            bill.lines[line_id] = parted(line, quantity)[1]


@_of(events.LineOff)
def _line_off(bill: Bill, e: events.LineOff, at: int) -> None:
    bill.lines[e.line_id] = replace(bill.lines[e.line_id], cancelled=e.cancelled)


@_of(events.LineComped)
def _line_comped(bill: Bill, e: events.LineComped, at: int) -> None:
    line = bill.lines[e.line_id]
    bill.lines[e.line_id] = replace(line, comped=line.comped + e.quantity)


@_of(events.LineWeighed)
def _line_weighed(bill: Bill, e: events.LineWeighed, at: int) -> None:
    line = bill.lines[e.line_id]
    bill.lines[e.line_id] = replace(
        line,
        provisional=False,
        shown_price_fen=line.guide_price_fen,
        unit_price_fen=e.unit_price_fen,
        priced_fen=e.priced_fen,
        weight_milli=e.weight_milli,
    )


@_of(events.LineRefunded)
def _line_refunded(bill: Bill, e: events.LineRefunded, at: int) -> None:
    line = bill.lines[e.line_id]
    bill.lines[e.line_id] = replace(line, refunded=line.refunded + e.quantity)
    bill.forgiven_fen += e.forgiven_fen


@_of(events.DiscountGiven)
def _discount_given(bill: Bill, e: events.DiscountGiven, at: int) -> None:
    bill.discounts[e.discount.discount_id] = e.discount
    bill.discounts_made += 1


@_of(events.GivenAway)
def _given_away(bill: Bill, e: events.GivenAway, at: int) -> None:
    by_account = bill.given.setdefault(e.action, {})
    by_account[e.account] = by_account.get(e.account, 0) + e.amount_fen


@_of(events.DiscountWithdrawn)
def _discount_withdrawn(bill: Bill, e: events.DiscountWithdrawn, at: int) -> None:
    bill.discounts.pop(e.discount_id, None)


@_of(events.RoundingSet)
def _rounding_set(bill: Bill, e: events.RoundingSet, at: int) -> None:
    bill.terms = e.terms


# --- locked, split, reopened -----------------------------------------------------------------------------------


@_of(events.BillLocked)
def _locked(bill: Bill, e: events.BillLocked, at: int) -> None:
    bill.locked_by = e.by.account
    bill.stopped_at = bill.stopped_at or at


@_of(events.BillUnlocked)
def _unlocked(bill: Bill, e: events.BillUnlocked, at: int) -> None:
    bill.locked_by = ""
    if not bill.money_moved:
        bill.stopped_at = 0


@_of(events.BillReopened)
def _reopened(bill: Bill, e: events.BillReopened, at: int) -> None:
    bill.reopened_until = e.until


@_of(events.BillReclosed)
def _reclosed(bill: Bill, e: events.BillReclosed, at: int) -> None:
    bill.reopened_until = 0


@_of(events.BillSplit)
def _split(bill: Bill, e: events.BillSplit, at: int) -> None:
    in_payment = {payment.share_id for payment in bill.pending}
    kept = {key: share for key, share in bill.shares.items() if share.paid_by or key in in_payment}
    bill.shares = {**kept, **{share.share_id: share for share in e.shares}}
    bill.shares_made += len(e.shares)
    bill.stopped_at = bill.stopped_at or at


# --- payments --------------------------------------------------------------------------------------------------


def _enter(bill: Bill, payment: Payment, share: Share | None, at: int) -> None:
    bill.payments[payment.payment_id] = payment
    bill.payments_made += 1
    if share is not None:
        bill.shares[share.share_id] = share
        bill.shares_made += 1
    if payment.deposit is Deposit.NONE:
        bill.stopped_at = bill.stopped_at or at


@_of(events.TenderOpened)
def _opened(bill: Bill, e: events.TenderOpened, at: int) -> None:
    payment = Payment(
        payment_id=e.payment_id,
        channel=e.channel,
        amount_fen=e.amount_fen,
        expires_at=e.expires_at,
        status=PaymentState.PAYING,
        opened_at=at,
        share_id=e.share_id,
        user_id=e.user_id,
        deposit=Deposit.HELD if e.deposit else Deposit.NONE,
        account=e.by.account if e.by else "",
    )
    _enter(bill, payment, e.share, at)


@_of(events.TenderTaken)
def _taken(bill: Bill, e: events.TenderTaken, at: int) -> None:
    payment = Payment(
        payment_id=e.payment_id,
        channel=e.channel,
        amount_fen=e.amount_fen,
        expires_at=at,
        status=PaymentState.PAID,
        opened_at=at,
        share_id=e.share_id,
        user_id=e.user_id,
        tendered_fen=e.tendered_fen,
        change_fen=e.change_fen,
        reference=e.reference,
        deposit=Deposit.HELD if e.deposit else Deposit.NONE,
        account=e.by.account if e.by else "",
    )
    _enter(bill, payment, e.share, at)
    _money_came(bill, payment, at)


@_of(events.TenderPaid)
def _paid(bill: Bill, e: events.TenderPaid, at: int) -> None:
    payment = bill.payments[e.payment_id]
    payment.status = PaymentState.PAID
    payment.transaction_id, payment.late_transaction, payment.close_at = e.transaction_id, "", 0
    _money_came(bill, payment, at)


def _money_came(bill: Bill, payment: Payment, at: int) -> None:
    if payment.deposit is Deposit.HELD:
        return
    bill.applied.append(payment.payment_id)
    bill.stopped_at = bill.stopped_at or at
    share = bill.shares.get(payment.share_id)
    if share is not None and not share.paid_by:
        bill.shares[share.share_id] = replace(share, paid_by=payment.payment_id, paid_fen=payment.amount_fen)


@_of(events.TenderFailed)
def _failed(bill: Bill, e: events.TenderFailed, at: int) -> None:
    _over(bill, bill.payments[e.payment_id], PaymentState.FAILED)


@_of(events.TenderClosed)
def _closed(bill: Bill, e: events.TenderClosed, at: int) -> None:
    _over(bill, bill.payments[e.payment_id], PaymentState.CLOSED)


def _over(bill: Bill, payment: Payment, status: PaymentState) -> None:
    payment.status, payment.close_at = status, 0
    if not bill.money_moved and not bill.locked_by and not bill.shares:
        bill.stopped_at = 0  # nobody pays after all: time is charged on


@_of(events.TenderLateNoted)
def _late_noted(bill: Bill, e: events.TenderLateNoted, at: int) -> None:
    bill.payments[e.payment_id].late_transaction = e.transaction_id


@_of(events.TenderCloseAwaited)
def _close_awaited(bill: Bill, e: events.TenderCloseAwaited, at: int) -> None:
    bill.payments[e.payment_id].close_at = e.close_at


@_of(events.TenderReturning)
def _returning(bill: Bill, e: events.TenderReturning, at: int) -> None:
    bill.refunds.append(
        Returned(
            refund_id=e.refund_id, payment_id=e.payment_id, amount_fen=e.amount_fen, reason=e.reason, at=at
        )
    )
    payment = bill.payments[e.payment_id]
    payment.returned_fen += e.amount_fen
    if payment.returned_fen >= payment.amount_fen:
        payment.status = PaymentState.REFUNDING
    share = bill.shares.get(payment.share_id)
    if share is not None and share.paid_by == e.payment_id:
        left_fen = share.paid_fen - e.amount_fen
        bill.shares[share.share_id] = replace(share, paid_fen=max(0, left_fen))


@_of(events.TenderReturned)
def _returned(bill: Bill, e: events.TenderReturned, at: int) -> None:
    place, refund = next((n, one) for n, one in enumerate(bill.refunds) if one.refund_id == e.refund_id)
    bill.refunds[place] = replace(refund, done=True)
    payment = bill.payments[refund.payment_id]
    waiting = any(not one.done for one in bill.refunds if one.payment_id == refund.payment_id)
    if payment.status is PaymentState.REFUNDING and not waiting:
        payment.status = PaymentState.REFUNDED


@_of(events.DepositUsed)
def _deposit_used(bill: Bill, e: events.DepositUsed, at: int) -> None:
    payment = bill.payments[e.payment_id]
    payment.deposit = Deposit.USED
    _money_came(bill, payment, at)


@_of(events.DepositForfeited)
def _deposit_forfeited(bill: Bill, e: events.DepositForfeited, at: int) -> None:
    bill.payments[e.payment_id].deposit = Deposit.FORFEITED


assert set(_EFFECTS) == set(events.BILL_EVENTS), "every event of a bill has an effect"
