"""What the ingress answers about bills: the bill room's views, with moments as RFC 3339."""

from __future__ import annotations

from typing import Self

import msgspec

from api.moments import MomentText, maybe_rfc3339
from api.views import Shown
from pricing.facts import BillTerms
from pricing.workings import Adjustment
from store_runtime.bill.projections import BillLineView, BillView, ShareView, TenderView


class TenderShown(Shown, frozen=True, kw_only=True):
    """A payment of a bill. ``status``: created, paying, paid, failed, closed, late, refunding, refunded.

    ``change_fen`` is what goes back of ``tendered_fen`` in cash; ``deposit``: held, used, forfeited (T18).
    """

    payment_id: str
    channel: str
    amount_fen: int
    status: str
    share_id: str = ""
    expires_at: MomentText | None = None
    refunded_fen: int = 0
    tendered_fen: int = 0
    change_fen: int = 0
    deposit: str = ""
    transaction_id: str = ""
    reference: str = ""
    taken_by: str = ""

    @classmethod
    def of(cls, view: TenderView) -> Self:
        """The payment's view."""
        fields = msgspec.structs.asdict(view)
        fields["expires_at"] = maybe_rfc3339(view.expires_at or None)
        return cls(**fields)


class BillShown(Shown, frozen=True, kw_only=True):
    """A bill. ``status``: open, part_paid, settled, over_paid, part_refunded, refunded, void.

    total = Σ amount_fen of lines + Σ amount_fen of adjustments; due = total − paid. ``paid_fen`` is what came and
    stayed. Shares sum to the total, with share ``rest`` for what nobody has taken. ``unconfirmed``: lines whose
    weight or price is open. ``terms``: the fees that apply once something is ordered, and rounding.
    """

    status: str
    total_fen: int
    paid_fen: int
    due_fen: int
    refunded_fen: int
    dishes_fen: int
    lines: list[BillLineView]
    adjustments: list[Adjustment]
    shares: list[ShareView]
    payments: list[TenderShown]
    held_fen: int = 0
    guests: int = 0
    locked: bool = False
    unconfirmed: list[str] = []
    credit_ends_at: MomentText | None = None
    terms: BillTerms = BillTerms()

    @classmethod
    def of(cls, view: BillView) -> Self:
        """The bill's view."""
        return cls(
            status=view.status,
            total_fen=view.total_fen,
            paid_fen=view.paid_fen,
            due_fen=view.due_fen,
            refunded_fen=view.refunded_fen,
            dishes_fen=view.dishes_fen,
            lines=list(view.lines),
            adjustments=list(view.adjustments),
            shares=list(view.shares),
            payments=[TenderShown.of(one) for one in view.payments],
            held_fen=view.held_fen,
            guests=view.guests,
            locked=view.locked,
            unconfirmed=list(view.unconfirmed),
            terms=view.terms,
            credit_ends_at=maybe_rfc3339(view.credit_ends_at or None),
        )
