"""What is true of a store's reservations."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from store_runtime.by import By
from store_runtime.reservations.commands import Book, Policy, SlotPlan


class PlanChanged(Event, frozen=True, kw_only=True):
    """These slots and this policy hold for whoever books from now on."""

    slots: tuple[SlotPlan, ...]
    policy: Policy
    days_ahead: int
    by: By | None = None


class Reserved(Event, frozen=True, kw_only=True):
    """Seats and kitchen minutes are held; with a deposit until it is paid or ``pay_by`` has passed."""

    outward: ClassVar[bool] = True

    booking: Book
    deposit_fen: int
    pay_by: int


class ReservationConfirmed(Event, frozen=True, kw_only=True):
    """The deposit is here, or none was asked for."""

    outward: ClassVar[bool] = True

    code: str


class DepositPaid(Event, frozen=True, kw_only=True):
    """The channel reported it paid; ``late``: after it had failed or been closed."""

    outward: ClassVar[bool] = True

    code: str
    transaction_id: str
    late: bool = False


class DepositFailed(Event, frozen=True, kw_only=True):
    """The channel reported that it failed."""

    code: str


class DepositLateNoted(Event, frozen=True, kw_only=True):
    """The channel will report it paid once it is closed (simulated channel)."""

    code: str
    transaction_id: str


class DepositCloseAwaited(Event, frozen=True, kw_only=True):
    """The channel refuses to close yet; asked again at ``close_at``."""

    code: str
    close_at: int


class DepositClosed(Event, frozen=True, kw_only=True):
    """It can no longer be paid."""

    code: str


class DepositRefunded(Event, frozen=True, kw_only=True):
    """The deposit went back."""

    outward: ClassVar[bool] = True

    code: str
    amount_fen: int
    reason: str
    by: By | None = None


class DepositForfeited(Event, frozen=True, kw_only=True):
    """The deposit stays with the house, as a row of its own (T18)."""

    outward: ClassVar[bool] = True

    code: str
    amount_fen: int
    reason: str
    by: By | None = None


class ReservationCancelled(Event, frozen=True, kw_only=True):
    """Seats and minutes are free. ``reason``: by_diner, by_staff, not_paid, order_over …"""

    outward: ClassVar[bool] = True

    code: str
    reason: str
    by: By | None = None


class GuestsMissing(Event, frozen=True, kw_only=True):
    """Nobody came (no-show): the seats are free."""

    outward: ClassVar[bool] = True

    code: str
    by: By | None = None


class GuestsArrived(Event, frozen=True, kw_only=True):
    """They sit at this session."""

    outward: ClassVar[bool] = True

    code: str
    session_id: str
    by: By


class ArrivalUndone(Event, frozen=True, kw_only=True):
    """The session did not take them; the reservation is as it was."""

    code: str


class PreorderAsked(Event, frozen=True, kw_only=True):
    """T−x: the store is asked to hold the dishes, under this batch."""

    code: str
    batch: int


class PreorderHeld(Event, frozen=True, kw_only=True):
    """The store holds the dishes."""

    code: str


class PreorderRefused(Event, frozen=True, kw_only=True):
    """The store could not hold them: staff talk to the guest."""

    outward: ClassVar[bool] = True

    code: str
