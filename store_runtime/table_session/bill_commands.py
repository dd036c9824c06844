"""What can be asked of the bill of a table's session. Amounts are fen, moments ms.

Whoever acts is a guest (``user_id``) or staff (``by``). Of what staff give away, ``allowed_fen`` is the most that
they may, or their second person (C3), together with what they gave on this bill by the same action before; None: any
amount. Prices never come from outside (D2).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Query
from pricing.facts import Rounding
from pricing.selection import LineQuantity
from store_runtime.bill.splitting import Parts, SplitMode
from store_runtime.by import By
from store_runtime.texts import ONE_LINE

AMOUNT_FEN_MAX = 100_000_000

AmountFen = Annotated[int, Meta(ge=0, le=AMOUNT_FEN_MAX)]
Permille = Annotated[int, Meta(ge=0, le=1_000)]
Why = Annotated[str, Meta(min_length=1, max_length=100, pattern=ONE_LINE)]
WhyOrNot = Annotated[str, Meta(max_length=100, pattern=ONE_LINE)]
Ref = Annotated[str, Meta(max_length=100, pattern=ONE_LINE)]
WeightMilli = Annotated[int, Meta(ge=0, le=10_000_000)]


class SplitBill(Command, frozen=True, kw_only=True):
    """分账: split what is still due (T7). Answered with a BillView."""

    mode: SplitMode
    parts: Parts = ()
    user_id: str = ""
    by: By | None = None


class PayBill(Command, frozen=True, kw_only=True):
    """Pay a share, an amount, or all that is due. Answered with a TenderView.

    ``tendered_fen``: cash that was put down; ``reference``: what the payer calls it, for the record.
    """

    channel: str
    share_id: Ref = ""
    amount_fen: AmountFen = 0
    tendered_fen: AmountFen = 0
    reference: Ref = ""
    user_id: str = ""
    by: By | None = None


class TakeDeposit(Command, frozen=True, kw_only=True):
    """押金: money before there is a bill for it (T18). Answered with a TenderView."""

    channel: str
    amount_fen: Annotated[int, Meta(ge=1, le=AMOUNT_FEN_MAX)]
    by: By


class EndDeposit(Command, frozen=True, kw_only=True):
    """A deposit goes back, or stays with the house (T18). Answered with a TenderView."""

    payment_id: Ref
    how: Literal["refund", "forfeit"]
    reason: Why
    by: By


class LockBill(Command, frozen=True, kw_only=True):
    """锁单 or unlock (T6). Locking also closes a bill that was reopened. Answered with a BillView."""

    locked: bool
    by: By
    reason: WhyOrNot = ""


class DiscountBill(Command, frozen=True, kw_only=True):
    """人工优惠 on a line, or on the bill where ``line_id`` is empty (M7). Answered with a BillView."""

    reason: Why
    by: By
    line_id: Ref = ""
    amount_fen: AmountFen = 0
    permille: Permille = 0
    allowed_fen: int | None = None


class WithdrawDiscount(Command, frozen=True, kw_only=True):
    """What was taken off is charged again. Answered with a BillView."""

    discount_id: Ref
    by: By


class RoundBill(Command, frozen=True, kw_only=True):
    """抹零 (M7). Answered with a BillView."""

    rounding: Rounding
    by: By
    allowed_fen: int | None = None


class ReopenBill(Command, frozen=True, kw_only=True):
    """反结账 (O5). Answered with a BillView."""

    reason: Why
    by: By


class CancelOrdered(Command, frozen=True, kw_only=True):
    """退菜 (O3): the kitchen is asked; its word comes as a note. Answered with a BillView.

    ``allowed_back_fen``: of money that was paid, so much may go back.
    """

    line_id: Ref
    quantity: LineQuantity
    reason: Why
    by: By
    allowed_fen: int | None = None
    allowed_back_fen: int | None = None


class CompOrdered(Command, frozen=True, kw_only=True):
    """赠菜 (O3). Answered with a BillView."""

    line_id: Ref
    quantity: LineQuantity
    reason: Why
    by: By
    allowed_fen: int | None = None


class RefundOrdered(Command, frozen=True, kw_only=True):
    """So many of a paid line are taken back (O4). Answered with a BillView."""

    line_id: Ref
    quantity: LineQuantity
    reason: Why
    by: By
    allowed_fen: int | None = None


class WeighOrdered(Command, frozen=True, kw_only=True):
    """The weight, or the price, of a line is known (D5). Answered with a BillView."""

    line_id: Ref
    by: By
    weight_milli: WeightMilli = 0
    unit_price_fen: AmountFen = 0
    allowed_fen: int | None = None


Giving = Literal["discount", "rounding", "comp", "refund", "cancel", "reopen", "write_off", "weigh"]


class GetGiveaway(Query, frozen=True, kw_only=True):
    """What an act of staff would give away now, for whoever asks whether they may (C3): Giveaway."""

    act: Giving
    account: str = ""
    line_id: str = ""
    quantity: int = 1
    amount_fen: int = 0
    permille: int = 0
    rounding: Rounding = "none"
    weight_milli: int = 0
    unit_price_fen: int = 0


class GetBill(Query, frozen=True, kw_only=True):
    """The bill at this moment: BillView. ``user_id``: a guest of the table; empty: staff."""

    user_id: str = ""
