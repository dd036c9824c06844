"""What is true of a store's orders, in the order it happened. Moments ms; ``batch``: the order's own number of it."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.words import Event
from store_runtime.by import By
from store_runtime.store.kitchen.words import Cooking
from store_runtime.store.orders.projections import PlacedLine


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """A pickup number (T13): as it is called, its place in the sequence, and the business day it belongs to."""

    text: str
    serial: int
    day: str


class BatchPlaced(Event, frozen=True, kw_only=True):
    """A batch stands and its stock is taken: ``state`` held, waiting (to be accepted), or fired at once.

    Args:
        takes: per line, (stock key, count) of one.
        cooking: what the kitchen makes; fired at once, each is an ADD (P1).
        no: the kitchen's count, where it is fired at once.
        day_ends_at: when the business day changes next.
    """

    outward: ClassVar[bool] = True

    order: str
    batch: int
    label: str
    channel: str
    state: str
    menu_version: int
    fingerprint: bytes
    lines: tuple[PlacedLine, ...]
    takes: tuple[tuple[tuple[str, int], ...], ...]
    cooking: tuple[Cooking, ...]
    day_ends_at: int
    hold_until: int = 0
    accept_by: int = 0
    number_wanted: bool = False
    number: Number | None = None
    no: int = 0


class BatchFired(Event, frozen=True, kw_only=True):
    """What was held is sold and goes to the kitchen: each ``cooking`` is an ADD (P1). ``by``: who accepted it."""

    outward: ClassVar[bool] = True

    order: str
    batch: int
    cooking: tuple[Cooking, ...]
    no: int
    number: Number | None = None
    by: By | None = None


class AcceptAwaited(Event, frozen=True, kw_only=True):
    """It would be fired, and waits for 接单 (O2); it is escalated at ``accept_by``."""

    outward: ClassVar[bool] = True

    order: str
    batch: int
    accept_by: int
    number: Number | None = None


class BatchEscalated(Event, frozen=True, kw_only=True):
    """Nobody has accepted it in time (O1)."""

    outward: ClassVar[bool] = True

    order: str
    batch: int


class BatchReleased(Event, frozen=True, kw_only=True):
    """Its stock is back. Of a batch that nobody knows: it will not be taken when it comes."""

    order: str
    batch: int
    reason: str


class BatchRejected(Event, frozen=True, kw_only=True):
    """拒单: its stock is back, and the order is told to refund (O2)."""

    outward: ClassVar[bool] = True

    order: str
    batch: int
    reason: str
    by: By | None = None


class HoldLapsed(Event, frozen=True, kw_only=True):
    """Its hold ran out: its stock is back, and it may be taken again as long as there is some (O6)."""

    order: str
    batch: int


class BatchRetaken(Event, frozen=True, kw_only=True):
    """It was fired after its hold had run out, and there was enough left: its stock is held again (O6)."""

    order: str
    batch: int


class HeldLineCancelled(Event, frozen=True, kw_only=True):
    """So many of a line that is not fired yet are off; their stock is back (O3)."""

    order: str
    line_id: str
    quantity: int
    reason: str
    by: By | None = None


class OrderRelabelled(Event, frozen=True, kw_only=True):
    """转台, 转菜: the order is called ``label`` now, or some of its lines belong to ``to_order`` (T8)."""

    outward: ClassVar[bool] = True

    order: str
    label: str
    to_order: str = ""
    line_ids: tuple[str, ...] = ()
    moves: tuple[int, ...] = ()


class DayTurned(Event, frozen=True, kw_only=True):
    """The business day changed: what is over is forgotten, the journal keeps it. ``ends_at``: of the new day."""

    ends_at: int
