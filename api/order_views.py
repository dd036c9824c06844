"""An order as the ingress answers it: its bill with every fen explained, its kitchen, its delivery."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from api.addressed import Address, Person
from api.moments import MomentText, rfc3339
from api.sealed import Seal
from api.views import PaymentShown, Shown
from pricing.workings import Adjustment
from store_runtime.takeout.projections import DeliveryProgress, LineView, OrderView


class LineShown(Shown, frozen=True, kw_only=True):
    """One line; nothing is owed for a cancelled one, nor for so many that are ``refunded``.

    ``kitchen_status``: on_hold, queued, cooking, ready, served, cancel_requested, cancelled.
    """

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    cancelled: bool
    refunded: int
    name_en: str | None = None
    options_text: str | None = None
    kitchen_status: str | None = None
    promised_at: MomentText | None = None

    @classmethod
    def of(cls, line: LineView) -> Self:
        """The line's view."""
        return cls(
            line_id=line.line_id,
            dish_id=line.dish_id,
            name=line.name,
            quantity=line.quantity,
            unit_price_fen=line.unit_price_fen,
            amount_fen=line.amount_fen,
            cancelled=line.cancelled,
            refunded=line.refunded,
            name_en=line.name_en or None,
            options_text=line.options_text or None,
            kitchen_status=line.kitchen_status or None,
            promised_at=moment(line.promised_at),
        )


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Lines, adjustments and payments, and what follows from them: due = total − paid + refunded."""

    lines: list[LineShown]
    adjustments: list[Adjustment]
    payments: list[PaymentShown]
    total_fen: int
    paid_fen: int
    refunded_fen: int
    due_fen: int


_AS_IT_IS = (
    "order_id",
    "store_id",
    "user_id",
    "seq",
    "status",
    "money_status",
    "kitchen_status",
    "number",
    "fulfilment",
    "flash_sale_id",
    "claim_id",
    "reason",
    "calls",
    "delivery",
    "note",
)


class OrderShown(msgspec.Struct, frozen=True, kw_only=True):
    """``status``: created, accepted, rejected, cancelled, fulfilled; ``money_status`` is the bill's.

    ``seq`` counts the changes of this view without a gap. ``calls``: how often the number was called. Address and
    person are there only for the diner and for staff who handle orders.
    """

    order_id: str
    store_id: str
    user_id: str
    seq: int
    status: str
    money_status: str
    kitchen_status: str | None
    number: str | None
    fulfilment: str
    created_at: MomentText
    flash_sale_id: str
    claim_id: str
    reason: str
    bill: Bill
    promised_at: MomentText | None
    pickup_at: MomentText | None
    calls: int
    delivery: DeliveryProgress | None
    reservation_id: str | None
    note: str
    address: Address | None
    person: Person | None

    @classmethod
    def of(cls, view: OrderView, seal: Seal | None = None) -> Self:
        """The order's view; ``seal`` opens address and person, where the caller may see them."""
        bill = view.bill
        shown: dict[str, Any] = {name: getattr(view, name) for name in _AS_IT_IS}
        return cls(
            **shown,
            created_at=rfc3339(view.created_at),
            promised_at=moment(view.promised_at),
            pickup_at=moment(view.pickup_at),
            reservation_id=view.reservation or None,
            address=seal.open(view.address, Address) if seal is not None else None,
            person=seal.open(view.person, Person) if seal is not None else None,
            bill=Bill(
                lines=[LineShown.of(line) for line in bill.lines],
                adjustments=bill.adjustments,
                payments=[PaymentShown.of(payment) for payment in bill.payments],
                total_fen=bill.total_fen,
                paid_fen=bill.paid_fen,
                refunded_fen=bill.refunded_fen,
                due_fen=bill.due_fen,
            ),
        )


def moment(at: int) -> str | None:
    """RFC 3339, or nothing for none."""
    return rfc3339(at) if at else None
