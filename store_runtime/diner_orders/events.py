"""What is true of a diner's list of orders."""

from __future__ import annotations

from actors.words import Event


class OrderNoted(Event, frozen=True, kw_only=True):
    """This is how the order stands."""

    order_id: str
    store_id: str
    title: str
    amount_fen: int
    created_at: int
    status: str
    money_status: str
    seq: int
