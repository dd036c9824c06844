"""Why a store does not take an order."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from actors.words import Rejection

LineProblemKind = Literal[
    "sold_out",
    "not_enough",
    "gone",
    "not_now",
    "option_gone",
    "option_sold_out",
    "choice_missing",
    "choice_wrong",
    "price_up",
    "price_down",
    "kitchen_busy",
]


class LineProblem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands against one line (D1, D4). ``left`` with not_enough, prices with price_up and price_down.

    kitchen_busy: the station in ``detail`` has more to do than it may (O7); other stations still take orders.
    """

    line_id: str
    dish_id: str
    problem: LineProblemKind
    left: int | None = None
    quoted_fen: int | None = None
    price_fen: int | None = None
    detail: str = ""


class CartStale(Rejection):
    """Some lines cannot be had as they stand: nothing was ordered, nothing was taken."""

    hint: ClassVar[str] = (
        "lines says what stands against each one; change them, or confirm the new prices, and send again."
    )

    lines: list[LineProblem]
    menu_version: int


class StoreClosed(Rejection):
    """The store takes no orders now."""


class OrderUnknown(Rejection):
    """This store has no such order or line."""

    status: ClassVar[int] = 404


class BatchExists(Rejection):
    """This order has placed a batch of that number with other lines."""
