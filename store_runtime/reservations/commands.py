"""What can be asked of a store's reservations. Amounts fen, moments ms since the epoch, ``_minutes`` minutes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from flash_sale.commands import PaymentChannel
from pricing.menu import TimeOfDay
from pricing.selection import LineQuantity, Selection
from store_runtime.by import By
from store_runtime.store.orders.commands import Note
from store_runtime.table_session.commands import Quote
from store_runtime.texts import END

SLOTS_MAX = 100
BOOKINGS_MAX = 1_000
PARTY_MAX = 500
PREORDER_MAX = 100

SlotId = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_-]+" + END)]
PartySize = Annotated[int, Meta(ge=1, le=PARTY_MAX)]
Seats = Annotated[int, Meta(ge=0, le=100_000)]
Minutes = Annotated[int, Meta(ge=0, le=100_000)]
DepositFen = Annotated[int, Meta(ge=0, le=10_000_000)]
Reason = Annotated[str, Meta(max_length=200)]
NoShow = Literal["forfeit", "refund"]


class SlotPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A slot of every day it names (Monday is 1).

    Args:
        starts: local time at which guests come.
        seats: for how many guests at once; kitchen_minutes: how much cooking it may bring.
        party_max: the most of one party; 0: as many as there are seats.
    """

    slot_id: SlotId
    starts: TimeOfDay
    seats: Seats
    kitchen_minutes: Minutes = 100_000
    party_max: Seats = 0
    weekdays: Annotated[tuple[Annotated[int, Meta(ge=1, le=7)], ...], Meta(max_length=7)] = (
        1,
        2,
        3,
        4,
        5,
        6,
        7,
    )


class Policy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What holds of a reservation from its first moment to its last; frozen when it is made.

    Args:
        deposit_per_guest_fen: 订金, for parties from ``deposit_from_guests`` on; 0: none.
        minutes_per_guest: cooking that a guest brings who orders nothing before.
        hold_minutes_before: x: from T−x on the pre-order's dishes are held.
        cancel_minutes_before: until then a diner who cancels has the deposit back, later it is forfeited.
        late_minutes: after so long the table is given away (no-show).
        no_show: what becomes of the deposit then.
    """

    deposit_per_guest_fen: DepositFen = 0
    deposit_from_guests: Seats = 1
    minutes_per_guest: Minutes = 0
    hold_minutes_before: Minutes = 120
    cancel_minutes_before: Minutes = 120
    late_minutes: Minutes = 30
    no_show: NoShow = "forfeit"


class ChangePlan(Command, frozen=True, kw_only=True):
    """Staff put slots and policy; reservations that were made keep theirs. Answered with a PlanView."""

    slots: Annotated[tuple[SlotPlan, ...], Meta(max_length=SLOTS_MAX)]
    policy: Policy
    days_ahead: Annotated[int, Meta(ge=0, le=365)] = 30
    by: By | None = None


class GetPlan(Query, frozen=True, kw_only=True):
    """Slots and policy: PlanView."""


class SlotTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A slot on one day. ``version`` is the plan's: of two the newer counts."""

    slot_id: str
    starts_at: int
    seats: int
    kitchen_minutes: int
    party_max: int
    version: int


class PreorderedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dish that is ordered before the guests come; ``quote`` is what the menu said of it then."""

    selection: Selection
    quantity: LineQuantity
    quote: Quote
    note: Note = ""


Preorder = Annotated[tuple[PreorderedLine, ...], Meta(max_length=PREORDER_MAX)]


class Book(Command, frozen=True, kw_only=True):
    """Somebody reserves (T14). Answered with a ReservationView.

    Args:
        code: last part of its id, made by the ingress from the request.
        kitchen_minutes: cooking that the pre-order brings.
        hold_ms, grace_ms: how long the deposit may be paid, and how much longer the seats are kept.
        person: name and telephone, sealed at the door.
        prepaid: an order that is paid by itself comes with it: no deposit.
        request: digest of what was sent, which tells a repeat from another request under its key.
    """

    code: str
    store_id: str
    slot: SlotTerms
    policy: Policy
    party_size: PartySize
    user_id: str = ""
    person: str = ""
    note: Note = ""
    lines: Preorder = ()
    kitchen_minutes: int = 0
    payment_channel: PaymentChannel = "simulated"
    hold_ms: int = 900_000
    grace_ms: int = 30_000
    prepaid: bool = False
    request: bytes = b""
    by: By | None = None


class CancelReservation(Command, frozen=True, kw_only=True):
    """A diner (``user_id``), staff (``by``) or the house gives it up. Answered with a ReservationView."""

    code: str
    user_id: str = ""
    reason: Reason = ""
    by: By | None = None


class CheckIn(Command, frozen=True, kw_only=True):
    """The guests are here and sit at ``session_id``. Answered with a CheckInAnswer."""

    code: str
    session_id: str
    by: By


class MarkNoShow(Command, frozen=True, kw_only=True):
    """Staff give the table away before its time. Answered with a ReservationView."""

    code: str
    by: By


class ReturnDeposit(Command, frozen=True, kw_only=True):
    """Staff give a deposit back that nothing was done with (T18). Answered with a ReservationView."""

    code: str
    by: By
    reason: Reason = ""


class SeatReservation(Command, frozen=True, kw_only=True):
    """The book tells the session: these guests sit with you, and this is their round 1 (T14). Step ``seat``.

    ``instead_of``: address and batch of the hold at the store, which becomes the round's in the turn that takes it.
    """

    reservation_id: str
    party_size: int
    lines: Preorder
    instead_of: str
    by: By


class SeatingRefused(Command, frozen=True, kw_only=True):
    """The session does not take them (compensation of SeatReservation): the reservation is as it was."""

    code: str
    session_id: str


class HoldRefused(Command, frozen=True, kw_only=True):
    """The store could not hold the pre-order (compensation of PlaceLines): staff see it, the seats stay."""

    code: str


class GetReservation(Query, frozen=True, kw_only=True):
    """One reservation: ReservationView. With ``user_id``, only that diner's own; with ``request``, only if it was
    made by it.
    """

    code: str
    user_id: str = ""
    request: bytes = b""


class GetBook(Query, frozen=True, kw_only=True):
    """The day: BookView. ``slots`` are the plan's of that day, also those nobody has booked yet."""

    slots: tuple[SlotTerms, ...] = ()
