"""What can be asked of a diner's list of orders."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from actors.words import Command, Query

PAGE_MAX = 100


class NoteOrder(Command, frozen=True, kw_only=True):
    """An order says how it stands. ``seq`` is the order's own view seq: older notes are ignored."""

    order_id: str
    store_id: str
    title: str
    amount_fen: int
    created_at: int
    status: str
    money_status: str
    seq: int


class ListOrders(Query, frozen=True, kw_only=True):
    """A page of the list, newest first: OrderPage. ``cursor`` is the ``next_cursor`` of the page before."""

    cursor: str = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_MAX)] = 20
