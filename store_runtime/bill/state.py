"""What a bill remembers. Lines and shares are values, replaced and never changed in place."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec.structs import replace

from pricing.facts import BillFacts, BillTerms, Discount, LineFacts
from pricing.pipeline import price_bill, work_out
from pricing.workings import PricedBill
from store_runtime.bill.payment import PAYABLE, Deposit, Payment
from store_runtime.sharing import share_line

MoneyStatus = Literal["open", "part_paid", "settled", "over_paid", "part_refunded", "refunded", "void"]

MINUTE_MS = 60_000
GRACE_MS = 30_000
"""An unpaid payment is closed so long after it said it would expire (§ 0)."""
MILLI = 1_000


class BillLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A line with the price that is frozen for its round.

    Args:
        cancelled, refunded: so many are off, before and after they were paid; comped: so many cost nothing (赠菜).
        market: its price is what the market makes. shown_price_fen: of one, as guests saw it, once it was confirmed.
        priced_fen: what the whole quantity costs once its weight or price was confirmed (D5).
    """

    line_id: str
    round_no: int
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    name_en: str = ""
    options_text: str = ""
    box_fen: int = 0
    provisional: bool = False
    divisible: bool = True
    cancelled: int = 0
    refunded: int = 0
    comped: int = 0
    weight_milli: int = 0
    priced_fen: int | None = None
    market: bool = False
    shown_price_fen: int | None = None

    @property
    def guide_price_fen(self) -> int:
        """What one was said to cost when it was ordered."""
        return self.unit_price_fen if self.shown_price_fen is None else self.shown_price_fen

    def __post_init__(self) -> None:
        share_line(self)

    @property
    def standing(self) -> int:
        """So many were ordered and are not off."""
        return self.quantity - self.cancelled - self.refunded

    @property
    def charged(self) -> int:
        """So many are to be paid."""
        return max(0, self.standing - self.comped)

    @property
    def amount_fen(self) -> int:
        """What they cost before any discount; nothing while weight or price is open."""
        if self.provisional:
            return 0
        if self.priced_fen is not None:
            return self.priced_fen * self.charged // self.quantity
        return self.unit_price_fen * self.charged

    def worth_fen(self, quantity: int) -> int:
        """What giving up so many of it is judged by: while weight or price is open, by the price that was shown."""
        count = min(quantity, self.charged)
        if self.provisional:
            return self.unit_price_fen * count
        return self.amount_fen * count // max(1, self.charged)

    @property
    def facts(self) -> LineFacts:
        """As it is priced."""
        return LineFacts(
            line_id=self.line_id,
            name=self.name,
            name_en=self.name_en or self.name,
            quantity=self.charged,
            unit_price_fen=self.unit_price_fen,
            amount_fen=self.amount_fen,
            comped=min(self.comped, self.standing),
            box_fen=self.box_fen,
            provisional=self.provisional and self.charged > 0,
            weight_milli=self.weight_milli if self.charged == self.quantity else 0,
        )


def parted(line: BillLine, quantity: int) -> tuple[BillLine, BillLine]:
    """``quantity`` of a line, and the rest of it (T8). What is cancelled or on the house stays as far as it can."""
    rest = line.quantity - quantity
    comped = max(0, line.comped - (rest - line.cancelled - line.refunded))
    price_fen = None if line.priced_fen is None else line.priced_fen * quantity // line.quantity
    rest_fen = None if line.priced_fen is None or price_fen is None else line.priced_fen - price_fen
    return (
        replace(line, quantity=quantity, cancelled=0, refunded=0, comped=comped, priced_fen=price_fen),
        replace(line, quantity=rest, comped=line.comped - comped, priced_fen=rest_fen),
    )


def joined(here: BillLine, more: BillLine) -> BillLine:
    """Two parts of one line, together again."""
    both = here.priced_fen is not None and more.priced_fen is not None
    return replace(
        here,
        quantity=here.quantity + more.quantity,
        cancelled=here.cancelled + more.cancelled,
        refunded=here.refunded + more.refunded,
        comped=here.comped + more.comped,
        priced_fen=(here.priced_fen or 0) + (more.priced_fen or 0) if both else here.priced_fen,
    )


class Portion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``part`` of ``of`` of a line: somebody's share of a dish."""

    line_id: str
    part: int = 1
    of: int = 1


class Share(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of a bill that somebody pays (T7). What it comes to follows from the bill until it is paid.

    Exactly one says how: ``fixed_fen`` an amount, ``portions`` of lines, ``weight`` in what is left.

    Args:
        paid_by: the payment that paid it; its amount is then frozen as ``paid_fen``.
    """

    share_id: str
    label: str = ""
    guest_id: str = ""
    fixed_fen: int = 0
    portions: tuple[Portion, ...] = ()
    weight: int = 0
    paid_by: str = ""
    paid_fen: int = 0


class Returned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Money of one payment that goes back, or has gone."""

    refund_id: str
    payment_id: str
    amount_fen: int
    reason: str
    at: int
    done: bool = False


class Bill(msgspec.Struct, kw_only=True):
    """Lines, what was taken off by hand, shares and payments. Part of the state of who owns it.

    Args:
        seated_at: when time began to be charged (ms); seated_minute: the local time of day then.
        stopped_at: time is charged no further than this: somebody is paying, or staff locked it.
        applied: payments in the order in which their money came to the bill; it goes back in reverse.
        reopened_until: 反结账: what was paid stays as credit until then (O5).
        forgiven_fen: what refunds would have asked for on top (O4).
        given: action → account → fen: what each of the staff has given away by it, discounts apart (C3).
    """

    terms: BillTerms = BillTerms()
    guests: int = 0
    seated_at: int = 0
    seated_minute: int = 0
    packed: bool = False
    delivery_fen: int = 0
    lines: dict[str, BillLine] = {}
    discounts: dict[str, Discount] = {}
    shares: dict[str, Share] = {}
    payments: dict[str, Payment] = {}
    refunds: list[Returned] = []
    applied: list[str] = []
    locked_by: str = ""
    stopped_at: int = 0
    reopened_until: int = 0
    forgiven_fen: int = 0
    shares_made: int = 0
    payments_made: int = 0
    discounts_made: int = 0
    given: dict[str, dict[str, int]] = {}

    def given_fen(self, action: str, account: str) -> int:
        """So much has this account given away on this bill: a limit is not for each slice of it (C3)."""
        so_far_fen = self.given.get(action, {}).get(account, 0)
        if action == "bill.discount":
            so_far_fen += sum(d.most_fen or 0 for d in self.discounts.values() if d.account == account)
        return so_far_fen

    def __post_init__(self) -> None:
        # A line's id is its key too.
        self.lines = {line.line_id: line for line in self.lines.values()}

    # --- what it costs ---------------------------------------------------------------------------------

    def priced(self, at: int) -> PricedBill:
        """The bill as it is at this moment."""
        return price_bill(self.facts(at))

    def total_fen(self, at: int) -> int:
        """What it comes to at this moment."""
        return work_out(self.facts(at)).total_fen

    def facts(self, at: int) -> BillFacts:
        """What it is priced from. An order without dishes owes no fees."""
        return BillFacts(
            lines=tuple(line.facts for line in self.lines.values()),
            terms=self.terms if self.has_dishes else BillTerms(),
            discounts=tuple(self.discounts.values()),
            guests=self.guests,
            minutes=max(0, (self.stopped_at or at) - self.seated_at) // MINUTE_MS if self.seated_at else 0,
            seated_minute=self.seated_minute,
            packed=self.packed,
            delivery_fen=self.delivery_fen if self.has_dishes else 0,
            forgiven_fen=self.forgiven_fen,
        )

    @property
    def has_dishes(self) -> bool:
        return any(line.standing for line in self.lines.values())

    @property
    def unconfirmed(self) -> list[str]:
        """Lines whose weight or price is open (D5)."""
        return [line.line_id for line in self.lines.values() if line.provisional and line.charged]

    def settled(self, at: int) -> bool:
        """Nothing is due, and something was ordered or paid."""
        if not (self.applied or self.has_dishes):
            return False
        workings = work_out(self.facts(at))
        return not workings.provisional and workings.total_fen <= self.applied_fen

    # --- what came and went ----------------------------------------------------------------------------

    @property
    def received_fen(self) -> int:
        """What came in for the bill, whether or not it went back."""
        return sum(
            p.received_fen for p in self.payments.values() if p.deposit in (Deposit.NONE, Deposit.USED)
        )

    @property
    def refunded_fen(self) -> int:
        """What of that went back."""
        return sum(
            p.refunded_fen for p in self.payments.values() if p.deposit in (Deposit.NONE, Deposit.USED)
        )

    @property
    def applied_fen(self) -> int:
        """What is paid, net."""
        return sum(payment.applied_fen for payment in self.payments.values())

    @property
    def held_fen(self) -> int:
        """Deposits that wait for their bill."""
        return sum(p.kept_fen for p in self.payments.values() if p.deposit is Deposit.HELD)

    @property
    def pending(self) -> list[Payment]:
        """Payments that may still be paid."""
        return [payment for payment in self.payments.values() if payment.status in PAYABLE]

    @property
    def money_moved(self) -> bool:
        """Something was paid, or may be any moment."""
        return bool(self.applied or self.pending)

    def due_fen(self, at: int) -> int:
        """What is still owed; below zero when too much came."""
        return self.total_fen(at) - self.applied_fen

    def status(self, at: int) -> MoneyStatus:
        """Derived from lines and payments, never set (§ 0)."""
        return money_status(self.priced(at), self)

    # --- when something is due -------------------------------------------------------------------------

    @property
    def next_deadline(self) -> int | None:
        """When a payment is to be closed, or a credit to be paid back."""
        moments = [payment.close_at or payment.expires_at + GRACE_MS for payment in self.pending]
        if self.reopened_until:
            moments.append(self.reopened_until)
        return min(moments, default=None)


def money_status(priced: PricedBill, bill: Bill) -> MoneyStatus:
    """open, part_paid, settled, over_paid, part_refunded, refunded, void."""
    received_fen, refunded_fen = bill.received_fen, bill.refunded_fen
    due_fen = priced.total_fen - bill.applied_fen
    if due_fen < 0:
        return "over_paid"
    if due_fen > 0 or priced.provisional:
        return "part_paid" if received_fen > refunded_fen else "open"
    if refunded_fen and received_fen == refunded_fen:
        return "refunded"
    if not bill.has_dishes and not received_fen:
        return "void" if bill.lines else "open"
    if refunded_fen:
        return "part_refunded"
    return "settled"
