"""What a store remembers of its kitchen."""

from __future__ import annotations

import msgspec

from store_runtime.store.deadlines import Deadlines
from store_runtime.store.kitchen.terms import KitchenTerms
from store_runtime.store.kitchen.words import BEGUN, CLOSED, Cooking, LineState


class Counted(msgspec.Struct, frozen=True):
    """Where a line is work: its station, and the minutes that wait there, 0 while it is cooking."""

    station: str
    minutes: int


class StationWork(msgspec.Struct, kw_only=True):
    """What a station has to do, counted as it comes and goes: an order must not cost what the kitchen is behind."""

    lines: int = 0
    queued_minutes: int = 0
    cooking: dict[str, None] = {}


class KitchenLine(msgspec.Struct, kw_only=True):
    """One line on a kitchen screen. Moments are ms, 0 where there was none.

    Args:
        before: where a line stood whose cancellation is asked for.
        remade: how often it was made again.
        counted: as what its station's work has it.
        steps: how many steps it has made: the next one has the number after.
        splits: how many lines were split off it: the next one is named after that.
    """

    cooking: Cooking
    order: str
    batch: int
    label: str
    channel: str
    number: str
    quantity: int
    station: str
    state: LineState
    added_at: int
    fire_at: int = 0
    promised_at: int = 0
    before: LineState = "queued"
    reason: str = ""
    fired_at: int = 0
    started_at: int = 0
    ready_at: int = 0
    served_at: int = 0
    rushed_at: int = 0
    rushes: int = 0
    reply: str = ""
    remade: int = 0
    comped: bool = False
    steps: int = 1
    splits: int = 0
    counted: Counted | None = None

    @property
    def begun(self) -> bool:
        """Cooking has begun: what is cancelled now is waste."""
        return (self.before if self.state == "cancel_requested" else self.state) in BEGUN

    @property
    def closed(self) -> bool:
        """Nothing more is made of it."""
        return self.state in CLOSED


class Kitchen(msgspec.Struct, kw_only=True):
    """``lines`` by id; ``active`` those that are neither served nor cancelled, in the order they came;
    ``timed`` those that the clock fires. ``work``: by station.

    ``moved`` counts the kitchen's events. ``course_fired_at``: by order, when one of its courses was last fired.
    """

    terms: KitchenTerms = msgspec.field(default_factory=KitchenTerms)
    lines: dict[str, KitchenLine] = {}
    active: dict[str, None] = {}
    timed: Deadlines = msgspec.field(default_factory=Deadlines)
    work: dict[str, StationWork] = {}
    moved: int = 0
    course_fired_at: dict[str, int] = {}

    def deadline(self) -> int:
        """When the clock fires the next line; 0: none."""
        return self.timed.first()
