"""What is true of a bill, in the order it happened. Amounts fen, moments ms.

They are events of whoever owns the bill; ``evolution.apply`` is their effect.
"""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from pricing.facts import BillTerms, Discount
from store_runtime.bill.state import BillLine, Share
from store_runtime.by import By


class BillTermsSet(Event, frozen=True, kw_only=True):
    """What the bill is charged by, and for how many guests since when (T10)."""

    terms: BillTerms
    guests: int = 0
    seated_at: int = 0
    seated_minute: int = 0
    packed: bool = False
    delivery_fen: int = 0


class BillGuestsCounted(Event, frozen=True, kw_only=True):
    """Another head count: the open bill is priced again (T10)."""

    guests: int


class LinesBilled(Event, frozen=True, kw_only=True):
    """A round stands on the bill, with its frozen prices; or lines came from another table (T8).

    ``share``: the round is paid by itself, before it is cooked (T5, T6).
    """

    lines: tuple[BillLine, ...]
    share: Share | None = None


class LinesUnbilled(Event, frozen=True, kw_only=True):
    """Lines went to another table (T8): so many of each are no longer on this bill."""

    quantities: dict[str, int]


class LineOff(Event, frozen=True, kw_only=True):
    """So many of a line are cancelled by now: the kitchen said yes, or it was never fired (O3)."""

    line_id: str
    cancelled: int


class LineComped(Event, frozen=True, kw_only=True):
    """赠菜: so many more of a line cost nothing (O3)."""

    outward: ClassVar[bool] = True

    line_id: str
    quantity: int
    reason: str
    by: By | None = None


class LineWeighed(Event, frozen=True, kw_only=True):
    """The weight or the price of a line is confirmed: it can be paid now (D5). ``priced_fen``: all of it together."""

    line_id: str
    unit_price_fen: int
    priced_fen: int
    weight_milli: int = 0
    by: By | None = None


class LineRefunded(Event, frozen=True, kw_only=True):
    """So many of a paid line are taken back; the bill is priced again (O4).

    ``forgiven_fen``: what that would have asked for on top, because a threshold was missed.
    """

    outward: ClassVar[bool] = True

    line_id: str
    quantity: int
    reason: str
    forgiven_fen: int = 0
    by: By | None = None


class DiscountGiven(Event, frozen=True, kw_only=True):
    """Somebody took something off by hand (M7)."""

    outward: ClassVar[bool] = True

    discount: Discount
    by: By | None = None


class DiscountWithdrawn(Event, frozen=True, kw_only=True):
    """What was taken off by hand is charged again."""

    discount_id: str
    by: By | None = None


class GivenAway(Event, frozen=True, kw_only=True):
    """Somebody of the staff gave away so much by an action: their limit is for all of it on this bill (C3)."""

    action: str
    account: str
    amount_fen: int


class RoundingSet(Event, frozen=True, kw_only=True):
    """抹零 by hand: the total goes down to ``rounding`` (M7)."""

    terms: BillTerms
    by: By | None = None


class BillLocked(Event, frozen=True, kw_only=True):
    """锁单: guests order and pay nothing until it is unlocked (T6)."""

    by: By
    reason: str = ""


class BillUnlocked(Event, frozen=True, kw_only=True):
    """Guests may order and pay again."""

    by: By
    reason: str = ""


class BillReopened(Event, frozen=True, kw_only=True):
    """反结账: what was paid stays as credit until it is closed again, at the latest at ``until`` (O5)."""

    outward: ClassVar[bool] = True

    by: By
    reason: str
    until: int


class BillReclosed(Event, frozen=True, kw_only=True):
    """The reopened bill is closed: what is over goes back."""

    by: By | None = None


class BillSplit(Event, frozen=True, kw_only=True):
    """What is still due is split like this; shares that are paid, or being paid, stay as they are (T7)."""

    mode: str
    shares: tuple[Share, ...]


class TenderOpened(Event, frozen=True, kw_only=True):
    """A payment was opened with its channel. ``share``: one that is made for it out of what nobody had."""

    payment_id: str
    channel: str
    amount_fen: int
    expires_at: int
    share_id: str = ""
    user_id: str = ""
    deposit: bool = False
    share: Share | None = None
    by: By | None = None


class TenderTaken(Event, frozen=True, kw_only=True):
    """Money that is there at once: cash, a voucher, a write-off."""

    outward: ClassVar[bool] = True

    payment_id: str
    channel: str
    amount_fen: int
    share_id: str = ""
    user_id: str = ""
    tendered_fen: int = 0
    change_fen: int = 0
    reference: str = ""
    deposit: bool = False
    share: Share | None = None
    by: By | None = None


class TenderPaid(Event, frozen=True, kw_only=True):
    """The channel reported it paid; ``late``: after it had failed or been closed (O6)."""

    outward: ClassVar[bool] = True

    payment_id: str
    transaction_id: str
    late: bool = False


class TenderFailed(Event, frozen=True, kw_only=True):
    """The channel reported that it failed."""

    payment_id: str


class TenderLateNoted(Event, frozen=True, kw_only=True):
    """The channel will report it paid once it is closed (simulated channel)."""

    payment_id: str
    transaction_id: str


class TenderCloseAwaited(Event, frozen=True, kw_only=True):
    """The channel refuses to close yet; asked again at ``close_at``."""

    payment_id: str
    close_at: int


class TenderClosed(Event, frozen=True, kw_only=True):
    """The channel confirmed: it can no longer be paid."""

    payment_id: str


class TenderReturning(Event, frozen=True, kw_only=True):
    """So much of a payment goes back."""

    outward: ClassVar[bool] = True

    refund_id: str
    payment_id: str
    amount_fen: int
    reason: str
    by: By | None = None


class TenderReturned(Event, frozen=True, kw_only=True):
    """The channel confirmed that it went back."""

    outward: ClassVar[bool] = True

    refund_id: str


class DepositUsed(Event, frozen=True, kw_only=True):
    """A deposit pays the bill: all of it, what is over goes back (T18)."""

    payment_id: str


class DepositForfeited(Event, frozen=True, kw_only=True):
    """A deposit stays with the house, as a row of its own (T18)."""

    outward: ClassVar[bool] = True

    payment_id: str
    reason: str
    by: By | None = None


BILL_EVENTS: tuple[type[Event], ...] = (
    BillTermsSet,
    BillGuestsCounted,
    LinesBilled,
    LinesUnbilled,
    LineOff,
    LineComped,
    LineWeighed,
    LineRefunded,
    DiscountGiven,
    DiscountWithdrawn,
    GivenAway,
    RoundingSet,
    BillLocked,
    BillUnlocked,
    BillReopened,
    BillReclosed,
    BillSplit,
    TenderOpened,
    TenderTaken,
    TenderPaid,
    TenderFailed,
    TenderLateNoted,
    TenderCloseAwaited,
    TenderClosed,
    TenderReturning,
    TenderReturned,
    DepositUsed,
    DepositForfeited,
)
"""All of them: who owns a bill evolves each with ``evolution.apply``."""
