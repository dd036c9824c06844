"""One claim: where it stands, why, and what can be done from there."""

from __future__ import annotations

import enum


class ClaimState(enum.StrEnum):
    """Where a claim stands (F4)."""

    ENTERED = "entered"
    NOT_DRAWN = "not_drawn"
    WAITING = "waiting"
    HELD = "held"
    PAYING = "paying"
    SOLD = "sold"
    EXPIRED = "expired"
    RELEASED = "released"


class Reason(enum.StrEnum):
    """Why a claim stands where it stands (F12)."""

    IN_ORDER = "in_order"
    NOTHING_LEFT = "nothing_left"
    IN_DRAW = "in_draw"
    DRAWN = "drawn"
    NOT_DRAWN = "not_drawn"
    FROM_WAITLIST = "from_waitlist"
    AT_CHECKOUT = "at_checkout"
    PAYMENT_FAILED = "payment_failed"
    PAID = "paid"
    PAID_LATE = "paid_late"
    HOLD_OVER = "hold_over"
    GIVEN_BACK = "given_back"
    SALE_ENDED = "sale_ended"
    TOO_FEW_LEFT = "too_few_left"


GONE_STATES = (ClaimState.EXPIRED, ClaimState.RELEASED)
"""Had a hold or a place, and has it no more."""

ALLOWED: dict[ClaimState, list[str]] = {
    ClaimState.ENTERED: ["release"],
    ClaimState.NOT_DRAWN: [],
    ClaimState.WAITING: ["release"],
    ClaimState.HELD: ["checkout", "release"],
    ClaimState.PAYING: ["pay", "release"],
    ClaimState.SOLD: [],
    ClaimState.EXPIRED: [],
    ClaimState.RELEASED: [],
}
"""What a diner can do from each state; an IllegalTransition lists it."""
