"""Why an address, or a zone, is not taken."""

from __future__ import annotations

from typing import ClassVar, Literal

from actors.words import Rejection

OutOfRangeReason = Literal["outside", "too_far"]


class DeliveryNotOffered(Rejection):
    """This store does not deliver now."""

    hint: ClassVar[str] = "Order for pickup."


class OutOfRange(Rejection):
    """The address is out of the store's delivery range.

    ``reason``: outside of all zones, or too_far for the tiers of the one it lies in. ``nearest_m`` is how far the
    range is from it, ``distance_m`` how far the store is.
    """

    hint: ClassVar[str] = "Choose an address that is nearest_m closer, or order for pickup."

    reason: OutOfRangeReason
    distance_m: int
    nearest_m: int


class ZoneInvalid(Rejection):
    """A delivery zone cannot be used as it is drawn; nothing was changed.

    ``problem`` says what is wrong and, for a line that crosses itself, ``at`` where (lat, lng).
    """

    status: ClassVar[int] = 422
    hint: ClassVar[str] = "Correct the zone that zone_id names and send all zones again."

    zone_id: str
    problem: str
    at: list[float] | None = None


class QuoteInvalid(Rejection):
    """The delivery quote is forged, of another diner, store or address, or its ten minutes are over.

    ``problem``: forged, expired, other_address.
    """

    hint: ClassVar[str] = "Get a new one from POST /api/v1/stores/{store}/delivery/quotes."

    problem: str
