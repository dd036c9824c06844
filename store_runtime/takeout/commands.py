"""What can be asked of an order (kind ``takeout``, id = order_id).

A payment's id is ``<order_id>.p1``, so the order is found from the payment id alone.
"""

from __future__ import annotations

from typing import Literal

from actors.words import Command, Query

PaymentOutcome = Literal["paid", "failed", "late"]
CloseReason = Literal["hold_expired", "released"]


class PlaceOrder(Command, frozen=True, kw_only=True):
    """The order of a claim at checkout. Sent by the sale as step ``order``; answered with an
    OrderPlacedAnswer.

    ``pay_by`` is the hold's end, in ms since the epoch.
    """

    store_id: str
    user_id: str
    flash_sale_id: str
    claim_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    fulfilment: str
    payment_channel: str
    pay_by: int


class ReportPayment(Command, frozen=True, kw_only=True):
    """The channel's word on a payment; repeating it changes nothing. Answered with a PaymentView.

    ``late`` may come at any time: the channel will say paid once we have closed the payment. With
    ``user_id`` only that diner's own payment is found.
    """

    payment_id: str
    outcome: PaymentOutcome
    transaction_id: str = ""
    user_id: str = ""


class CancelOrder(Command, frozen=True, kw_only=True):
    """The diner cancels an order that is not paid. Answered with an OrderView."""

    user_id: str = ""


class CloseOrder(Command, frozen=True, kw_only=True):
    """The sale asks to close the payment of this claim: its hold ran out, or the diner gave it back."""

    flash_sale_id: str
    claim_id: str
    reason: CloseReason


class AcceptOrder(Command, frozen=True, kw_only=True):
    """The sale says: the claim is sold to this order."""

    claim_id: str


class RefundPayment(Command, frozen=True, kw_only=True):
    """What was paid goes back: the sale refused to confirm (sent by it; also the
    compensation of ConfirmSale, should the sale not know the claim)."""

    payment_id: str
    reason: str


class GetOrder(Query, frozen=True, kw_only=True):
    """The order: OrderView. With ``user_id``, only that diner's own."""

    user_id: str = ""


class GetPayment(Query, frozen=True, kw_only=True):
    """One payment of the order: PaymentView. With ``user_id``, only that diner's own."""

    payment_id: str
    user_id: str = ""
