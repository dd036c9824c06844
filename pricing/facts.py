"""What a bill is priced from: facts, and the terms of a table. Amounts fen."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from pricing.menu import Id, Minutes, Name, NameOrNone, PriceFen, TimeOfDay

Permille = Annotated[int, Meta(ge=0, le=1_000)]
Rounding = Literal["none", "jiao", "yuan"]
"""抹零: the total goes down to the next 角 (10 fen) or 元 (100 fen) (M7)."""

FEE_RULES_MAX = 20

FeeKind = Literal["per_head", "per_time", "service", "minimum"]


class FeeRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One fee of a table or room (T10). Never discounted.

    ``per_head``: amount × guests (餐位费). ``per_time``: amount for every started ``period_minutes`` after the free
    ones (包间费). ``service``: a share of the dishes (服务费). ``minimum``: the shortfall to an amount (低消).

    Args:
        amount_fen: of one head, one period, or the minimum; a minimum ``each`` is per guest.
        permille: of a service fee: 100 is 10 %.
        base: of a service fee: the dishes after all discounts, or before them.
        waived_from_fen: no such fee when the dishes come to this much (免服务费); 0: always a fee.
        starts, ends: local times between which guests must be seated for it (lunch, dinner); empty: always.
        guests_from: from how many guests on.
    """

    rule_id: Id
    kind: FeeKind
    name: Name
    name_en: NameOrNone = ""
    amount_fen: PriceFen = 0
    permille: Permille = 0
    base: Literal["after_discounts", "before_discounts"] = "after_discounts"
    each: bool = False
    period_minutes: Annotated[int, Meta(ge=1, le=1_440)] = 60
    free_minutes: Minutes = 0
    waived_from_fen: PriceFen = 0
    starts: TimeOfDay | Literal[""] = ""
    ends: TimeOfDay | Literal[""] = ""
    guests_from: Annotated[int, Meta(ge=0, le=1_000)] = 0


class BillTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a bill is charged by beside its dishes. Part of a table's terms, or of a channel's.

    Args:
        box_per_order_fen: packing of an order as a whole, beside the boxes of its dishes (T19).
    """

    fees: Annotated[tuple[FeeRule, ...], Meta(max_length=FEE_RULES_MAX)] = ()
    rounding: Rounding = "none"
    box_per_order_fen: PriceFen = 0


class LineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of one line, with the price frozen for its round.

    Args:
        quantity: what is charged: ordered − cancelled − refunded − comped.
        comped: so many are 赠菜: they cost 0 and count to no threshold (O3).
        amount_fen: of the quantity together, before any discount.
        box_fen: packing of one.
        provisional: weight or price is open: nothing is charged for it yet (D5); ``amount_fen`` is then 0.
        weight_milli: what was weighed, in thousandths of the dish's unit; 0: it was not.
    """

    line_id: str
    name: str
    name_en: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    comped: int = 0
    box_fen: int = 0
    provisional: bool = False
    weight_milli: int = 0


class Discount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """人工优惠: somebody takes an amount or a share off a line or the bill (M7). One of the two is not 0.

    Args:
        line_id: empty for the whole bill. reason: from the shop's list. account: who gave it.
        most_fen: what it came to when it was given; a bill that grows later gets no more of it. None: no such bound.
    """

    discount_id: str
    reason: str
    line_id: str = ""
    amount_fen: int = 0
    permille: int = 0
    most_fen: int | None = None
    account: str = ""


class BillFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a bill follows from.

    Args:
        guests: head count. minutes: since they were seated. seated_minute: local time of day then, since midnight.
        packed: the dishes leave the house: boxes are charged (T19).
        delivery_fen: what bringing it was quoted at (T12).
        forgiven_fen: what refunds would have asked for on top, because a threshold was missed: not asked (O4).
    """

    lines: tuple[LineFacts, ...]
    terms: BillTerms = BillTerms()
    discounts: tuple[Discount, ...] = ()
    guests: int = 0
    minutes: int = 0
    seated_minute: int = 0
    packed: bool = False
    delivery_fen: int = 0
    forgiven_fen: int = 0
