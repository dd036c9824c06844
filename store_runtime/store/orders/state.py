"""What a store remembers of orders: their batches, their lines, and the numbers it gave today."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable

import msgspec

from store_runtime.store.deadlines import Deadlines
from store_runtime.store.kitchen.words import CLOSED, Cooking
from store_runtime.store.orders.commands import LineNote, LineStatus
from store_runtime.store.orders.projections import PlacedLine

KEPT_MS = 24 * 3_600_000
"""A batch that is over is remembered for as long as an answer may be asked for again (§ 0)."""

KEPT_OPEN_MS = 72 * 3_600_000
"""Nobody may have told the screen that a dish was served; so long after nothing is cooking any more."""


class BatchState(enum.Enum):
    """``held``: stock is kept for it. ``waiting``: it is to be accepted (O2). ``lapsed``: its hold ran out."""

    HELD = "held"
    WAITING = "waiting"
    FIRED = "fired"
    RELEASED = "released"
    REJECTED = "rejected"
    LAPSED = "lapsed"

    @property
    def holds(self) -> bool:
        """Its stock is held: neither sold nor back."""
        return self in (BatchState.HELD, BatchState.WAITING)


class OrderLine(msgspec.Struct, kw_only=True):
    """One line of an order. What the kitchen makes for it are kitchen lines, one per part.

    Args:
        order: whose it is now; placed_in: the order that placed it, in its ``batch``.
        takes: (stock key, count) of one.
        cooked_as: ids of its kitchen lines.
        seq: of the last note; changed_by: number of the kitchen's event that led to it.
        cancelled_held: how many were off before it was fired. refused: how many the kitchen has refused to take off.
        comped: how many are on the house.
        moves: how often it has changed its order, as the newest word about that says (T8).
    """

    order: str
    placed_in: str
    batch: int
    dish_id: str
    quantity: int
    takes: tuple[tuple[str, int], ...] = ()
    cooked_as: list[str] = []
    status: LineStatus = "held"
    cancelled: int = 0
    cancelled_held: int = 0
    refused: int = 0
    comped: int = 0
    promised_at: int = 0
    reply: str = ""
    seq: int = 0
    changed_by: int = 0
    moves: int = 0

    @property
    def left(self) -> int:
        """How many of it are still wanted."""
        return self.quantity - self.cancelled


class Batch(msgspec.Struct, kw_only=True):
    """What an order placed at once. ``fingerprint`` tells a repeated PlaceLines from another one.

    ``cooking`` waits here until the batch is fired. ``moves``: which word about its label was the newest (T8).
    Moments are ms; 0 is none.
    """

    order: str
    batch: int
    state: BatchState
    label: str = ""
    channel: str = "dine_in"
    menu_version: int = 0
    fingerprint: bytes = b""
    lines: tuple[PlacedLine, ...] = ()
    cooking: tuple[Cooking, ...] = ()
    number: str = ""
    number_day: str = ""
    number_wanted: bool = False
    hold_until: int = 0
    accept_by: int = 0
    escalated: bool = False
    reason: str = ""
    placed_at: int = 0
    changed_at: int = 0
    moves: int = 0

    @property
    def deadline(self) -> int:
        """When something happens to it by itself."""
        if self.state is BatchState.HELD:
            return self.hold_until
        return self.accept_by if self.state is BatchState.WAITING and not self.escalated else 0


class Numbers(msgspec.Struct, kw_only=True):
    """The daily sequence (T13): the last number that was given on business day ``day``."""

    day: str = ""
    last: int = 0


class Orders(msgspec.Struct, kw_only=True):
    """``batches`` by ``<order>#<batch>``, ``lines`` by the order's own line ids.

    ``open``: keys of the batches whose stock is held; ``deadlines``: when something happens to them by itself.
    ``day_ends_at``: when the business day is over and what is
    done with may be forgotten; 0 while there is nothing to forget.
    """

    batches: dict[str, Batch] = {}
    lines: dict[str, OrderLine] = {}
    open: dict[str, None] = {}
    deadlines: Deadlines = msgspec.field(default_factory=Deadlines)
    numbers: Numbers = msgspec.field(default_factory=Numbers)
    day_ends_at: int = 0

    def batch(self, order: str, batch: int) -> Batch | None:
        """A batch, if the store knows it."""
        return self.batches.get(batch_key(order, batch))

    def deadline(self) -> int:
        """The first moment at which something happens by itself; 0: none."""
        return min(filter(None, (self.deadlines.first(), self.day_ends_at)), default=0)

    def takes(self, batch: Batch) -> Counter[str]:
        """What a batch takes of each stock key, without what was cancelled."""
        needed: Counter[str] = Counter()
        for placed in batch.lines:
            line = self.lines[placed.line_id]
            for key, count in line.takes:
                needed[key] += count * line.left
        return +needed


def batch_key(order: str, batch: int) -> str:
    """Where a batch stands in the books."""
    return f"{order}#{batch}"


def is_over(orders: Orders, batch: Batch, at: int) -> bool:
    """Whether a batch may be forgotten when the business day turns: nothing is held, and nothing more will happen."""
    if batch.state.holds:
        return False
    # The kitchen moves lines without touching their batch, so what counts is when it was placed.
    age = at - max(batch.changed_at, batch.placed_at)
    over = batch.state is not BatchState.FIRED or all(
        orders.lines[placed.line_id].status in CLOSED for placed in batch.lines
    )
    return age >= (KEPT_MS if over else KEPT_OPEN_MS)


def notes_of(orders: Orders, line_ids: Iterable[str], no: int) -> dict[str, tuple[LineNote, ...]]:
    """Order → what it has to know of these lines since the kitchen's event ``no``."""
    notes: dict[str, list[LineNote]] = {}
    for line_id in line_ids:
        line = orders.lines[line_id]
        if line.changed_by == no:
            notes.setdefault(line.order, []).append(line_note(line_id, line))
    return {order: tuple(lines) for order, lines in notes.items()}


def line_note(line_id: str, line: OrderLine) -> LineNote:
    """What an order is told of a line."""
    return LineNote(
        line_id=line_id,
        seq=line.seq,
        status=line.status,
        quantity=line.quantity,
        cancelled=line.cancelled,
        refused=line.refused,
        promised_at=line.promised_at,
        reply=line.reply,
    )
