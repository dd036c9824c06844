"""Sales to test with: one line says what matters, the rest is a small open sale."""

from __future__ import annotations

from typing import Any

from actors.testing.kit import NOON, Given, Outcome, after
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import Checkout, Claim, ConfirmSale, OpenSale
from flash_sale.events import SaleRefused
from flash_sale.invariants import cheap_violations, violations
from flash_sale.state import Sale
from store_runtime.takeout.commands import RefundPayment

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
HOLD = 5 * MINUTE
GRACE = 30 * SECOND


def opening(**terms: Any) -> OpenSale:
    """A sale of ten crabs that opens now and ends in an hour."""
    plain: dict[str, Any] = {
        "store_id": "store-1",
        "dish_id": "crab",
        "dish_name": "清蒸大闸蟹",
        "title": "Crab at noon",
        "price_fen": 3_900,
        "stock": 10,
        "per_user_limit": 5,
        "starts_at": NOON,
        "ends_at": NOON + HOUR,
        "hold_seconds": HOLD // SECOND,
        "grace_ms": GRACE,
    }
    return OpenSale(**(plain | terms))


def sale(thorough: bool = True, **terms: Any) -> Given[Sale]:
    """An opened sale."""
    given = after(FlashSaleItem("f1"), thorough=thorough)
    outcome = given.when(opening(**terms))
    assert outcome.accepted, outcome.rejection
    return given


def draw_sale(window_ms: int = 10 * SECOND, **terms: Any) -> Given[Sale]:
    """A sale whose first ``window_ms`` are drawn."""
    return sale(policy="draw", draw_window_ms=window_ms, **terms)


def claim(
    given: Given[Sale], user_id: str, quantity: int = 1, *, wait: bool = False, at: int | None = None
) -> str:
    """An accepted claim; its id."""
    outcome = given.when(Claim(user_id=user_id, quantity=quantity, wait=wait), at)
    assert outcome.accepted, outcome.rejection
    sound(given)
    claim_id: str = outcome.reply.claim_id
    return claim_id


def checkout(given: Given[Sale], claim_id: str, at: int | None = None) -> str:
    """An accepted checkout; the order's id."""
    user_id = given.state.claims[claim_id].user_id
    outcome = given.when(Checkout(claim_id=claim_id, user_id=user_id), at)
    assert outcome.accepted, outcome.rejection
    sound(given)
    order_id: str = outcome.reply.order_id
    return order_id


def confirm(given: Given[Sale], claim_id: str, order_id: str, at: int | None = None) -> Outcome:
    """The order says that it is paid."""
    outcome = given.when(ConfirmSale(claim_id=claim_id, order_id=order_id, payment_id=f"{order_id}.p1"), at)
    sound(given)
    return outcome


def refusal(outcome: Outcome) -> str:
    """Why the sale refused what was paid; empty when it did not."""
    refused = [event.reason for event in outcome.events if isinstance(event, SaleRefused)]
    if not refused:
        return ""
    (refund,) = outcome.sends
    assert isinstance(refund.command, RefundPayment)
    return refused[0]


def states(given: Given[Sale], *claim_ids: str) -> list[str]:
    """Where these claims stand."""
    return [given.state.claims[claim_id].state.value for claim_id in claim_ids]


def names(outcome: Outcome) -> list[str]:
    """The events of a turn by name."""
    return [type(event).__name__ for event in outcome.events]


def sound(given: Given[Sale]) -> None:
    """All invariants hold."""
    assert violations(given.state) == []
    assert cheap_violations(given.state) == []
