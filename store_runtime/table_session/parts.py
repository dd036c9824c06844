"""What a session is made of: guests, ordered lines, rounds, calls."""

from __future__ import annotations

from typing import Literal

import msgspec

from pricing.selection import Selection
from store_runtime.sharing import shared, shared_counts, shared_id
from store_runtime.store.orders.commands import LineStatus
from store_runtime.store.orders.projections import PlacedLine
from store_runtime.table_session.commands import Quote


class Guest(msgspec.Struct, kw_only=True):
    """Somebody with a phone. ``allergens`` are theirs alone to know (D7)."""

    user_id: str
    name: str
    joined_at: int
    left: bool = False
    allergens: tuple[str, ...] = ()


class OrderedLine(msgspec.Struct, kw_only=True, gc=False):
    """A line of a round. ``placed`` has its frozen prices, once the store took it (T5).

    ``status`` is the kitchen's word (``placing`` before it); ``note_seq`` says which note that was; ``cancelled`` of
    ``quantity`` are off, ``refused`` cancellations the kitchen has refused; ``parted``: how often some of it went to
    another session; ``moves``: how often all of it did; ``part``: it is some of a line, and the store knows only that
    one; ``unlisted``: it is on no menu (D8), and its selection says nothing.
    """

    round_no: int
    selection: Selection
    quote: Quote
    counts: dict[str, int]
    quantity: int
    added_by: str
    added_at: int
    note: str = ""
    allergy: bool = False
    placed: PlacedLine | None = None
    status: LineStatus | Literal["placing"] = "placing"
    note_seq: int = 0
    cancelled: int = 0
    refused: int = 0
    promised_at: int = 0
    parted: int = 0
    part: bool = False
    moves: int = 0
    unlisted: bool = False

    def __post_init__(self) -> None:
        self.selection, self.quote = shared(self.selection), shared(self.quote)
        self.counts = shared_counts(self.counts)
        self.added_by = shared_id(self.added_by)
        if self.placed is not None and self.promised_at == self.placed.promised_at:
            self.promised_at = self.placed.promised_at


class Round(msgspec.Struct, kw_only=True):
    """加菜批次 (T5). ``state``: placing → fired (pay-later), held (pay-first, until it is paid), waiting (until staff
    accept it), or returned, ``back`` on which lines of the cart; held → fired | waiting | released;
    waiting → fired | rejected. ``moved``: its lines came from another session (T8).
    """

    state: Literal["placing", "held", "waiting", "fired", "released", "returned", "rejected", "moved"]
    by: str
    at: int
    lines: tuple[str, ...]
    menu_version: int = 0
    hold_until: int = 0
    number: str = ""
    back: dict[str, int] = {}

    def __post_init__(self) -> None:
        self.lines = tuple(map(shared_id, self.lines))


class StaffCall(msgspec.Struct, kw_only=True):
    """A call and what became of it (T9)."""

    call_id: str
    kind: str
    by: str
    at: int
    escalate_at: int
    escalated: bool = False
    acknowledged_by: str = ""
    answered_at: int = 0
