"""What a diner's list of orders remembers."""

from __future__ import annotations

import msgspec


class ListedOrder(msgspec.Struct, kw_only=True):
    """How an order stood when it last said so."""

    store_id: str
    title: str
    amount_fen: int
    created_at: int
    status: str
    money_status: str
    seq: int


class DinerList(msgspec.Struct, kw_only=True):
    """Orders by id, and their order: ``(created_at, order_id)``, oldest first."""

    orders: dict[str, ListedOrder] = {}
    by_age: list[tuple[int, str]] = []
