"""What a bill shows: every amount with why (★2). Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

from typing import Any

import msgspec

from pricing.facts import BillTerms
from pricing.workings import Adjustment, PricedLine
from store_runtime.bill.payment import Payment
from store_runtime.bill.shares import REST, share_amounts
from store_runtime.bill.state import Bill, BillLine, money_status


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base: what holds its default is left out."""


class Giveaway(View, frozen=True, kw_only=True):
    """What an act would give away.

    ``given_fen``: what the account has given away on this bill by the same action before; ``back_fen``: so much of
    it is paid and would go back; ``unconfirmed``: there are lines in it whose worth nobody has confirmed.
    """

    amount_fen: int
    given_fen: int = 0
    back_fen: int = 0
    unconfirmed: bool = False

    @property
    def judged_fen(self) -> int:
        """What is held against the account's limit: not each slice, but all of it together."""
        return self.amount_fen + self.given_fen if self.amount_fen else 0


class BillLineView(View, frozen=True, kw_only=True):
    """One line. ``payable_fen`` is what is left of it after discounts, with its boxes; ``text`` how it comes about.

    ``provisional``: weight or price is open, so that nothing is due for it yet (D5).
    """

    line_id: str
    round_no: int
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    payable_fen: int
    text: str
    text_en: str
    name_en: str = ""
    options_text: str = ""
    discount_fen: int = 0
    box_fen: int = 0
    cancelled: int = 0
    refunded: int = 0
    comped: int = 0
    weight_milli: int = 0
    provisional: bool = False


class ShareView(View, frozen=True, kw_only=True):
    """One share. ``status``: open, paying, paid. Share ``rest`` is what nobody has taken."""

    share_id: str
    amount_fen: int
    status: str
    label: str = ""
    guest_id: str = ""
    payment_id: str = ""


class TenderView(View, frozen=True, kw_only=True):
    """A payment. ``status``: created, paying, paid, failed, closed, refunding, refunded; ``deposit``: held, used or
    forfeited, if it is one (T18).
    """

    payment_id: str
    channel: str
    amount_fen: int
    status: str
    share_id: str = ""
    expires_at: int = 0
    refunded_fen: int = 0
    tendered_fen: int = 0
    change_fen: int = 0
    deposit: str = ""
    transaction_id: str = ""
    reference: str = ""
    taken_by: str = ""


class BillView(View, frozen=True, kw_only=True):
    """The bill at this moment. ``status``: open, part_paid, settled, over_paid, part_refunded, refunded, void.

    Args:
        total_fen: lines and adjustments together. paid_fen: what came and stayed. due_fen: what is owed.
        held_fen: deposits that wait for it. unconfirmed: lines without a price, which keep it from closing.
        terms: fees that apply once something is ordered, and rounding (T10).
        credit_ends_at: reopened: what is over stays as credit until then (O5).
    """

    status: str
    total_fen: int
    paid_fen: int
    due_fen: int
    dishes_fen: int
    lines: tuple[BillLineView, ...]
    adjustments: tuple[Adjustment, ...]
    shares: tuple[ShareView, ...]
    payments: tuple[TenderView, ...]
    refunded_fen: int
    held_fen: int = 0
    guests: int = 0
    locked: bool = False
    unconfirmed: tuple[str, ...] = ()
    credit_ends_at: int = 0
    terms: BillTerms = BillTerms()


def bill_view(bill: Bill, at: int) -> BillView:
    """The bill as it is."""
    priced = bill.priced(at)
    applied_fen = bill.applied_fen
    return BillView(
        status=money_status(priced, bill),
        total_fen=priced.total_fen,
        paid_fen=applied_fen,
        due_fen=priced.total_fen - applied_fen,
        dishes_fen=priced.dishes_fen,
        lines=tuple(_line(bill.lines[line.line_id], line) for line in priced.lines),
        adjustments=priced.adjustments,
        shares=tuple(_share(bill, share_id, fen) for share_id, fen in share_amounts(bill, priced).items())
        if bill.shares
        else (),
        payments=tuple(tender_view(payment) for payment in bill.payments.values()),
        refunded_fen=bill.refunded_fen,
        held_fen=bill.held_fen,
        guests=bill.guests,
        locked=bool(bill.locked_by),
        unconfirmed=tuple(bill.unconfirmed),
        credit_ends_at=bill.reopened_until,
        terms=bill.terms,
    )


def _line(line: BillLine, priced: PricedLine) -> BillLineView:
    return BillLineView(
        line_id=line.line_id,
        round_no=line.round_no,
        dish_id=line.dish_id,
        name=line.name,
        name_en=line.name_en,
        options_text=line.options_text,
        quantity=line.quantity,
        unit_price_fen=line.unit_price_fen,
        amount_fen=priced.amount_fen,
        discount_fen=priced.discount_fen,
        box_fen=priced.box_fen,
        payable_fen=priced.payable_fen,
        text=priced.text,
        text_en=priced.text_en,
        cancelled=line.cancelled,
        refunded=line.refunded,
        comped=line.comped,
        weight_milli=line.weight_milli,
        provisional=line.provisional,
    )


def _share(bill: Bill, share_id: str, amount_fen: int) -> ShareView:
    if share_id == REST:
        return ShareView(share_id=REST, amount_fen=amount_fen, status="open")
    share = bill.shares[share_id]
    paying = next((p.payment_id for p in bill.pending if p.share_id == share_id), "")
    return ShareView(
        share_id=share_id,
        amount_fen=amount_fen,
        status="paid" if share.paid_by else "paying" if paying else "open",
        label=share.label,
        guest_id=share.guest_id,
        payment_id=share.paid_by or paying,
    )


def tender_view(payment: Payment) -> TenderView:
    """A payment as it stands."""
    fields: dict[str, Any] = {
        name: getattr(payment, name)
        for name in (
            "payment_id",
            "channel",
            "amount_fen",
            "share_id",
            "expires_at",
            "refunded_fen",
            "tendered_fen",
            "change_fen",
            "transaction_id",
            "reference",
        )
    }
    return TenderView(
        **fields, status=payment.status.value, deposit=payment.deposit.value, taken_by=payment.account
    )


def bill_facts(bill: Bill, at: int, line_id: str = "") -> dict[str, Any]:
    """What an act may change of a bill and of one line, for the log: amounts, counts and states (A1)."""
    facts: dict[str, Any] = {
        "total_fen": bill.total_fen(at),
        "paid_fen": bill.applied_fen,
        "refunded_fen": bill.refunded_fen,
        "discounts": len(bill.discounts),
        "locked": bool(bill.locked_by),
        "reopened": bool(bill.reopened_until),
    }
    if (line := bill.lines.get(line_id)) is not None:
        fields = ("amount_fen", "unit_price_fen", "weight_milli", "cancelled", "comped", "refunded")
        facts |= {f"line_{name}": getattr(line, name) for name in fields}
        facts["line_quantity"] = line.charged
    return facts
