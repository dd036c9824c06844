"""Why a reservation is not taken, or not changed."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Rejection


class ReservationNotFound(Rejection):
    """There is no such reservation of this diner."""

    status: ClassVar[int] = 404


class SlotNotFound(Rejection):
    """The store has no such slot on that day, or it is too far ahead, or it has begun."""

    status: ClassVar[int] = 404
    hint: ClassVar[str] = "GET /api/v1/stores/{store}/reservation-slots?date=… lists what can be booked."


class SlotFull(Rejection):
    """The slot has fewer seats or kitchen minutes left than the party needs (T14).

    ``seats_left`` and ``kitchen_minutes_left`` say what there is.
    """

    hint: ClassVar[str] = "Take another slot, fewer guests, or a smaller pre-order."

    seats_left: int
    kitchen_minutes_left: int


class PartyTooLarge(Rejection):
    """The slot takes no party of this size."""

    party_max: int


class BookFull(Rejection):
    """This day has as many reservations as it can keep."""

    bookings_max: int
