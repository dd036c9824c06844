"""What a till remembers. Amounts are fen, moments ms."""

from __future__ import annotations

import msgspec

CASH = "cash"
RECENT_MAX = 100
"""Movements of cash of a shift that are shown; the journal has all."""


class Tender(msgspec.Struct, kw_only=True):
    """One channel's sums in a shift."""

    payments: int = 0
    received_fen: int = 0
    refunds: int = 0
    refunded_fen: int = 0


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """Cash that was put in or taken out."""

    kind: str
    amount_fen: int
    reason: str
    at: int


class Shift(msgspec.Struct, kw_only=True):
    """One person's shift. ``drawer_fen`` is what is expected in the drawer: it may be below zero, when more was taken
    out than anybody said was in it.
    """

    number: int
    opened_at: int
    float_fen: int = 0
    counted: bool = True
    cash_in_fen: int = 0
    cash_out_fen: int = 0
    tenders: dict[str, Tender] = {}
    recent: list[Movement] = []
    drawer_fen: int = 0


class TillBooks(msgspec.Struct, kw_only=True):
    """``open``: account → its open shift; ``shifts``: how many there have been."""

    shifts: int = 0
    open: dict[str, Shift] = {}


def shift_id(number: int) -> str:
    """``h12``: the store's twelfth shift."""
    return f"h{number}"
