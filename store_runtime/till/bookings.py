"""How any entity has money booked to the shift of who took it or gave it back (A3)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Send
from store_runtime.by import By

AMOUNT_FEN_MAX = 100_000_000_000

BookingKind = Literal["payment", "refund"]
AmountFen = Annotated[int, Meta(ge=1, le=AMOUNT_FEN_MAX)]


class BookToShift(Command, frozen=True, kw_only=True):
    """Money came in or went back by the hand of ``by``. Never refused: a shift that is not open yet opens.

    ``channel`` is a payment channel (``cash``, ``wechat``, …), ``subject`` what it was for (a payment's id).
    """

    by: By
    kind: BookingKind
    channel: str
    amount_fen: AmountFen
    subject: str


def book_to_shift(
    store_id: str, by: By, kind: BookingKind, channel: str, amount_fen: int, subject: str
) -> Send:
    """The message to the store's till, from a reaction. One per kind and subject in a turn."""
    booking = BookToShift(by=by, kind=kind, channel=channel, amount_fen=amount_fen, subject=subject)
    return Send(to=f"till/{store_id}", command=booking, step=f"shift:{kind}:{subject}")
