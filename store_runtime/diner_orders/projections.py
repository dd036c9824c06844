"""What a diner's list of orders shows."""

from __future__ import annotations

import msgspec


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """One order in the list; the order itself has the rest."""

    order_id: str
    store_id: str
    title: str
    amount_fen: int
    created_at: int
    status: str
    money_status: str


class OrderPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first; ``next_cursor`` is None on the last one."""

    items: list[OrderRow]
    next_cursor: str | None
