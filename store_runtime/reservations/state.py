"""What a day's book remembers."""

from __future__ import annotations

import enum

import msgspec

from store_runtime.bill.payment import Payment
from store_runtime.reservations.commands import Book, SlotTerms

MINUTE_MS = 60_000


class BookingState(enum.StrEnum):
    """Where a reservation stands."""

    HELD = "held"
    BOOKED = "booked"
    ARRIVED = "arrived"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


TAKING = (BookingState.HELD, BookingState.BOOKED, BookingState.ARRIVED)
"""Seats and kitchen minutes are taken."""


class DepositState(enum.StrEnum):
    """What became of a deposit (T18)."""

    NONE = "none"
    OPEN = "open"
    KEPT = "kept"
    REFUNDED = "refunded"
    FORFEITED = "forfeited"


class PreorderState(enum.StrEnum):
    """How the dishes of a pre-order stand."""

    NONE = "none"
    NOTED = "noted"
    ASKED = "asked"
    HELD = "held"
    REFUSED = "refused"
    SEATED = "seated"
    OFF = "off"


class Booking(msgspec.Struct, kw_only=True):
    """One reservation. ``made`` is how it was made; ``minutes`` the cooking it brings."""

    made: Book
    made_at: int
    minutes: int
    state: BookingState = BookingState.HELD
    deposit: DepositState = DepositState.NONE
    payment: Payment | None = None
    preorder: PreorderState = PreorderState.NONE
    batch: int = 0
    session_id: str = ""
    reason: str = ""
    seq: int = 0

    @property
    def taking(self) -> bool:
        return self.state in TAKING

    @property
    def starts_at(self) -> int:
        return self.made.slot.starts_at

    @property
    def hold_from(self) -> int:
        """T−x."""
        return self.starts_at - self.made.policy.hold_minutes_before * MINUTE_MS

    @property
    def missed_at(self) -> int:
        """Whoever has not come by then does not come."""
        return self.starts_at + self.made.policy.late_minutes * MINUTE_MS

    @property
    def free_until(self) -> int:
        """Until then a diner cancels without losing the deposit."""
        return self.starts_at - self.made.policy.cancel_minutes_before * MINUTE_MS

    @property
    def deadline(self) -> int:
        """The next thing that the clock does to it; 0: none."""
        payment = self.payment
        if payment is not None and payment.payable:
            unpaid = payment.close_at or payment.expires_at + self.made.grace_ms
            if self.state is not BookingState.BOOKED or payment.close_at:
                return unpaid
        if self.state is not BookingState.BOOKED:
            return 0
        return self.hold_from if self.preorder is PreorderState.NOTED else self.missed_at


class DayBook(msgspec.Struct, kw_only=True):
    """One day of one store. ``slots`` are those that were booked, with the newest terms they were booked by."""

    slots: dict[str, SlotTerms] = {}
    bookings: dict[str, Booking] = {}
    batches: int = 0

    def taken(self, slot_id: str) -> tuple[int, int]:
        """Seats and kitchen minutes that are taken of a slot."""
        bookings = [b for b in self.bookings.values() if b.made.slot.slot_id == slot_id and b.taking]
        return sum(b.made.party_size for b in bookings), sum(b.minutes for b in bookings)

    def newest(self, slot: SlotTerms) -> SlotTerms:
        """The terms that count: those of the newest plan."""
        known = self.slots.get(slot.slot_id)
        return known if known is not None and known.version > slot.version else slot
