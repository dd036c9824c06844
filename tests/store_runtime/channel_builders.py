"""Orders of the channels, and the words a store answers them with."""

from __future__ import annotations

from typing import Any

from actors.testing.kit import NOON, Given, Outcome, after
from pricing.facts import BillTerms
from pricing.selection import Selection
from store_runtime.delivery.projections import Fee
from store_runtime.store.orders.commands import LineNote, LinesPlaced, NoteLines, WantedLine
from store_runtime.store.orders.projections import PlacedLine, PlacedLines
from store_runtime.takeout.actor import TakeoutOrder
from store_runtime.takeout.commands import ChannelTerms, Going, OpenOrder, ReportPayment
from store_runtime.takeout.invariants import violations
from store_runtime.takeout.state import Order

HOLD_MS = 900_000
GRACE_MS = 30_000
CLOSES_AT = NOON + HOLD_MS + GRACE_MS
PAYMENT = "o1.p1"
FEE = Fee(zone_id="ring", distance_m=900, fee_fen=500, min_order_fen=2_000, free_from_fen=10_000)

NOODLES, CRAB = "o1.l1", "o1.l2"


def terms(**fields: Any) -> ChannelTerms:
    """Two noodles at 12.00 and a crab at 99.00, to be picked up."""
    plain: dict[str, Any] = {
        "store_id": "store-1",
        "user_id": "guest-1",
        "fulfilment": "pickup",
        "payment_channel": "simulated",
        "menu_version": 1,
        "lines": (
            WantedLine(line_id=NOODLES, selection=Selection(dish_id="noodles"), quantity=2, quoted_fen=1_200),
            WantedLine(line_id=CRAB, selection=Selection(dish_id="crab"), quantity=1, quoted_fen=9_900),
        ),
        "hold_ms": HOLD_MS,
        "grace_ms": GRACE_MS,
    }
    return ChannelTerms(**(plain | fields))


def delivered(fee: Fee = FEE, **fields: Any) -> ChannelTerms:
    """The same, to be brought."""
    return terms(fulfilment="delivery", delivery=Going(address="s1.sealed", fee=fee), **fields)


def placed(number: str = "", *, fired: bool = False, box_fen: int = 0, **fields: Any) -> LinesPlaced:
    """The store holds the lines, or has fired them."""
    lines = (
        PlacedLine(
            line_id=NOODLES, dish_id="noodles", name="凉面", quantity=2, unit_price_fen=1_200, box_fen=box_fen
        ),
        PlacedLine(line_id=CRAB, dish_id="crab", name="大闸蟹", quantity=1, unit_price_fen=9_900, **fields),
    )
    return LinesPlaced(placed=PlacedLines(batch=1, menu_version=1, lines=lines, number=number), fired=fired)


def order(of: ChannelTerms | None = None) -> Given[Order]:
    """An order that has just been opened."""
    given = after(TakeoutOrder("o1"))
    opened = given.when(OpenOrder(terms=of or terms()))
    assert opened.accepted, opened.rejection
    return given


def held(of: ChannelTerms | None = None, **fields: Any) -> Given[Order]:
    """Its store holds the lines; it waits for its money."""
    given = order(of)
    assert given.when(placed(**fields)).accepted
    sound(given)
    return given


def accepted(of: ChannelTerms | None = None, **fields: Any) -> Given[Order]:
    """Paid, and in the kitchen as A012."""
    given = held(of, **fields)
    report(given, "paid")
    assert given.when(placed("A012", fired=True)).accepted
    sound(given)
    return given


def report(given: Given[Order], outcome: Any, at: int | None = None) -> Outcome:
    """The channel's word."""
    reported = given.when(ReportPayment(payment_id=PAYMENT, outcome=outcome), at)
    sound(given)
    return reported


def noted(seq: int = 1, noodles: Any = "queued", crab: Any = "queued", **crabs: Any) -> NoteLines:
    """How the lines stand in the kitchen."""
    return NoteLines(
        lines=(
            LineNote(line_id=NOODLES, seq=seq, status=noodles, quantity=2),
            LineNote(line_id=CRAB, seq=seq, status=crab, quantity=1, **crabs),
        )
    )


def sent(outcome: Outcome) -> dict[str, Any]:
    """What a turn sends to the store, by step."""
    assert outcome.accepted, outcome.rejection
    return {send.step: send.command for send in outcome.sends if send.to == "store/store-1"}


def money(given: Given[Order]) -> tuple[str, str]:
    """Order and money."""
    return given.state.status.value, given.state.bill.money_status


def sound(given: Given[Order]) -> None:
    """All invariants hold."""
    broken = violations(given.state)
    assert not broken, broken


BOXED = BillTerms(box_per_order_fen=100)
