"""What staff do to a bill as a whole: lock, discount, round, reopen (T6, M7, O5)."""

from __future__ import annotations

from typing import Literal

import msgspec

from pricing.facts import Discount, Rounding
from store_runtime.bill.events import (
    BillGuestsCounted,
    BillLocked,
    BillReclosed,
    BillReopened,
    BillUnlocked,
    DiscountGiven,
    DiscountWithdrawn,
    RoundingSet,
)
from store_runtime.bill.ledger import Ledger
from store_runtime.bill.lines import line_of
from store_runtime.bill.rejections import (
    BillSettled,
    DiscountNotFound,
    IllegalTransition,
    InvalidField,
    LineUnconfirmed,
    ReopenTooLate,
)
from store_runtime.by import By

REOPENED_MS = 1_800_000
"""A reopened bill that nobody closes is closed by itself: no credit is forgotten."""

DISCOUNTS_MAX = 50

Step = Literal["lock", "unlock"]


def lock(ledger: Ledger, by: By, reason: str = "") -> None:
    """锁单: guests order and pay nothing. What a reopened bill has over goes back now; locked twice it stays so."""
    if ledger.bill.reopened_until:
        ledger.add(BillReclosed(by=by))
        ledger.settle_up(by=by)
    if not ledger.bill.locked_by:
        ledger.add(BillLocked(by=by, reason=reason))


def unlock(ledger: Ledger, by: By, reason: str = "") -> None:
    """Guests may order and pay again."""
    if ledger.bill.locked_by:
        ledger.add(BillUnlocked(by=by, reason=reason))


def discount(
    ledger: Ledger, reason: str, by: By, *, line_id: str = "", amount_fen: int = 0, permille: int = 0
) -> int:
    """人工优惠 on a line or the bill. What it takes off, in fen: now, and at most ever (M7)."""
    _must_be_open(ledger)
    if bool(amount_fen) == bool(permille):
        raise InvalidField(path="$.amount_fen", problem="either amount_fen or permille, above 0")
    if len(ledger.bill.discounts) >= DISCOUNTS_MAX:
        raise InvalidField(path="$", problem=f"at most {DISCOUNTS_MAX} discounts on a bill")
    unpriced = [one for one in ledger.bill.unconfirmed if not line_id or one == line_id]
    if line_id:
        line_of(ledger, line_id)
    if unpriced and (line_id or permille):
        # What it would come to, nobody can say yet (D5).
        raise LineUnconfirmed(line_ids=unpriced)
    given = Discount(
        discount_id=f"{ledger.owner_id}.d{ledger.bill.discounts_made + 1}",
        reason=reason,
        line_id=line_id,
        amount_fen=amount_fen,
        permille=permille,
        account=by.account,
    )
    tried = Ledger(ledger.bill, ledger.owner_id, ledger.at)
    tried.add(DiscountGiven(discount=given, by=by))
    off_fen = -sum(one.amount_fen for one in tried.priced.adjustments if one.rule_id == given.discount_id)
    if not off_fen:
        raise InvalidField(path="$", problem="nothing is left that it could be taken off")
    ledger.add(DiscountGiven(discount=msgspec.structs.replace(given, most_fen=off_fen), by=by))
    ledger.settle_up("discounted", by)
    return off_fen


def withdraw_discount(ledger: Ledger, discount_id: str, by: By) -> None:
    """What was taken off is charged again."""
    _must_be_open(ledger)
    if discount_id not in ledger.bill.discounts:
        raise DiscountNotFound()
    ledger.add(DiscountWithdrawn(discount_id=discount_id, by=by))
    ledger.settle_up(by=by)


def round_to(ledger: Ledger, rounding: Rounding, by: By) -> int:
    """抹零, once: it replaces what the terms say. What it takes off more than before, in fen (M7)."""
    _must_be_open(ledger)
    before_fen = ledger.priced.total_fen
    terms = msgspec.structs.replace(ledger.bill.terms, rounding=rounding)
    ledger.add(RoundingSet(terms=terms, by=by))
    ledger.settle_up("rounded", by)
    return before_fen - ledger.priced.total_fen


def reopen(ledger: Ledger, reason: str, by: By, same_day: bool) -> None:
    """反结账: the bill opens, not the table; what was paid stays as credit; the kitchen hears nothing (O5)."""
    if ledger.bill.reopened_until:
        return
    if not ledger.settled:
        raise IllegalTransition(state=ledger.bill.status(ledger.at), allowed=["adjustments", "payments"])
    if not same_day:
        raise ReopenTooLate()
    ledger.add(BillReopened(by=by, reason=reason, until=ledger.at + REOPENED_MS))


def count_guests(ledger: Ledger, guests: int) -> None:
    """Another head count prices the open bill again; what is over then goes back (T10)."""
    if guests != ledger.bill.guests and (not ledger.settled or ledger.bill.reopened_until):
        ledger.add(BillGuestsCounted(guests=guests))
        ledger.settle_up()


def _must_be_open(ledger: Ledger) -> None:
    if ledger.settled and not ledger.bill.reopened_until:
        raise BillSettled()
