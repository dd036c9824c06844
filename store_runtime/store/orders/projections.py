"""What the store answers to an order."""

from __future__ import annotations

import msgspec

from store_runtime.sharing import share_line


class PlacedPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A part of a set as the kitchen cooks it, and its share of the set's price: parts sum to the line (D3)."""

    dish_id: str
    name: str
    quantity: int
    amount_fen: int
    options_text: str = ""
    name_en: str = ""


class PlacedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A line with the price that is frozen for its round (T5). ``provisional``: weight or price is still open (D5);
    ``market``: it is the price, which the market makes.

    ``promised_at`` (ms) is when the kitchen expects to have it ready.
    """

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    name_en: str = ""
    options_text: str = ""
    box_fen: int = 0
    provisional: bool = False
    market: bool = False
    divisible: bool = True
    promised_at: int = 0
    parts: tuple[PlacedPart, ...] = ()

    def __post_init__(self) -> None:
        share_line(self)


class PlacedLines(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All lines of one batch. ``menu_version`` priced them; ``number`` is the pickup number, once there is one.

    ``waits``: the kitchen gets it when the staff have accepted it (O2).
    """

    batch: int
    menu_version: int
    lines: tuple[PlacedLine, ...]
    number: str = ""
    waits: bool = False


class CancelOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of CancelLine: how many are off at once, and for how many the kitchen was asked."""

    line_id: str
    cancelled: int
    asked: int
