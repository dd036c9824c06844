"""What is true of an order, in the order it happened."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from store_runtime.by import By
from store_runtime.store.orders.commands import LineNote
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.takeout.commands import ChannelTerms, RefundedLine


class OrderPlaced(Event, frozen=True, kw_only=True):
    """The order of a claim exists, and its payment is created."""

    outward: ClassVar[bool] = True

    store_id: str
    user_id: str
    flash_sale_id: str
    claim_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    fulfilment: str
    payment_id: str
    payment_channel: str
    pay_by: int


class OrderAccepted(Event, frozen=True, kw_only=True):
    """The sale confirmed: the goods are this diner's."""

    outward: ClassVar[bool] = True


class OrderRejected(Event, frozen=True, kw_only=True):
    """The sale could not confirm what was paid; the refund is part of the same decision (O2)."""

    outward: ClassVar[bool] = True

    reason: str


class OrderCancelled(Event, frozen=True, kw_only=True):
    """Unpaid and over. ``reason``: by_diner, payment_failed, hold_expired, released."""

    outward: ClassVar[bool] = True

    reason: str


class CloseRemembered(Event, frozen=True, kw_only=True):
    """The sale asked to close an order that had not arrived yet; it will arrive closed."""

    flash_sale_id: str
    claim_id: str
    reason: str


class PaymentOpened(Event, frozen=True, kw_only=True):
    """The channel knows the payment; the diner can pay."""


class PaymentPaid(Event, frozen=True, kw_only=True):
    """The channel reported it paid in time."""

    transaction_id: str


class PaymentFailed(Event, frozen=True, kw_only=True):
    """The channel reported that it failed."""


class LateNoted(Event, frozen=True, kw_only=True):
    """The channel will report it paid once it is closed (simulated channel)."""

    transaction_id: str


class CloseAwaited(Event, frozen=True, kw_only=True):
    """The channel refuses to close yet; asked again at ``close_at``."""

    close_at: int


class PaymentClosed(Event, frozen=True, kw_only=True):
    """The channel confirmed: it can no longer be paid."""


class PaidLate(Event, frozen=True, kw_only=True):
    """The channel reported it paid after it had failed or been closed.

    ``ask_sale``: the sale decides (F6: re-hold, else refund); false when the diner had cancelled.
    """

    outward: ClassVar[bool] = True

    transaction_id: str
    ask_sale: bool


class RefundStarted(Event, frozen=True, kw_only=True):
    """The whole amount is going back."""

    reason: str


class PaymentRefunded(Event, frozen=True, kw_only=True):
    """The channel confirmed the refund."""

    outward: ClassVar[bool] = True


# --- orders of the channels --------------------------------------------------------------------------------------


class OrderOpened(Event, frozen=True, kw_only=True):
    """A channel's order exists and asks its store for its lines."""

    terms: ChannelTerms


class LinesHeld(Event, frozen=True, kw_only=True):
    """The store keeps the lines, and this is what they cost: the payment is created."""

    outward: ClassVar[bool] = True

    placed: PlacedLines
    payment_id: str
    pay_by: int


class LinesFired(Event, frozen=True, kw_only=True):
    """The lines are in the kitchen; the number is given (T13)."""

    number: str


class LinesNoted(Event, frozen=True, kw_only=True):
    """How these lines stand in the kitchen now."""

    lines: tuple[LineNote, ...]


class NumberGiven(Event, frozen=True, kw_only=True):
    """The store gave the order its number before it fired (T13)."""

    number: str


class NumberCalled(Event, frozen=True, kw_only=True):
    """The number was called at the counter."""

    outward: ClassVar[bool] = True

    by: By | None = None


class OrderFulfilled(Event, frozen=True, kw_only=True):
    """The guest has the food."""

    outward: ClassVar[bool] = True

    by: By | None = None


class RiderMoved(Event, frozen=True, kw_only=True):
    """The delivery is assigned, picked_up, delivered or failed (T12)."""

    outward: ClassVar[bool] = True

    to: str
    rider: str = ""
    reason: str = ""
    by: By | None = None


class LinesRefunded(Event, frozen=True, kw_only=True):
    """Nothing is owed for these any more, and ``amount_fen`` went back (O4)."""

    outward: ClassVar[bool] = True

    lines: tuple[RefundedLine, ...]
    amount_fen: int
    reason: str
    request: bytes = b""
    by: By | None = None
