"""What a table's session remembers."""

from __future__ import annotations

from typing import Literal

import msgspec

from pricing.selection import Selection
from store_runtime.live import LiveLog
from store_runtime.store.orders.commands import LineStatus
from store_runtime.store.orders.projections import PlacedLine
from store_runtime.table.commands import SessionState
from store_runtime.table.state import NO_TERMS
from store_runtime.table.terms import TableTerms
from store_runtime.table_session.cart import Cart
from store_runtime.table_session.commands import Quote

STANDING = frozenset({"placing", "held", "waiting", "fired", "moved"})
"""Rounds that make a session one that is ordering."""

STAFF = "staff:"
"""Before a staff account where a guest's id could stand too."""


class Guest(msgspec.Struct, kw_only=True):
    """Somebody with a phone. ``allergens`` are theirs alone to know (D7)."""

    user_id: str
    name: str
    joined_at: int
    left: bool = False
    allergens: tuple[str, ...] = ()


class OrderedLine(msgspec.Struct, kw_only=True):
    """A line of a round. ``placed`` has its frozen prices, once the store took it (T5).

    ``status`` is the kitchen's word (``placing`` before it); ``note_seq`` says which note that was; ``cancelled`` of
    ``quantity`` are off, ``refused`` cancellations the kitchen has refused.
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


class Session(msgspec.Struct, kw_only=True):
    """One party's visit. ``live.seq`` counts what its view shows; ``ordered`` has lines by their id, which is another
    session's where they were moved from there (T8).

    ``locked``: 锁单; ``cleared_at``: 0 until the party has gone.
    """

    store_id: str = ""
    table_id: str = ""
    letter: str = ""
    label: str = ""
    terms: TableTerms = NO_TERMS
    opened_at: int = 0
    opened_by: str = ""
    party_size: int = 0
    guests: dict[str, Guest] = {}
    host: str = ""
    cart: Cart = msgspec.field(default_factory=Cart)
    rounds: dict[int, Round] = {}
    ordered: dict[str, OrderedLine] = {}
    calls: list[StaffCall] = []
    locked: bool = False
    cleared_at: int = 0
    cleared_by: str = ""
    live: LiveLog = msgspec.field(default_factory=LiveLog)

    @property
    def exists(self) -> bool:
        """It was opened."""
        return bool(self.store_id)

    @property
    def closed(self) -> bool:
        """It can be read, and no longer changed."""
        return self.cleared_at > 0

    @property
    def settled(self) -> bool:
        """Something was ordered, and nothing is due. The bill's to say."""
        return False

    @property
    def status(self) -> SessionState:
        """Where the visit stands (§ 0); derived, never set."""
        if self.closed:
            return "closed"
        if not any(one.state in STANDING for one in self.rounds.values()):
            return "seated"
        return "settled" if self.settled else "ordering"

    def guest_of(self, user_id: str) -> str:
        """The guest id of a user; empty: none."""
        for guest_id, guest in self.guests.items():
            if guest.user_id == user_id:
                return guest_id
        return ""

    def is_boss(self, author: str) -> bool:
        """Host or staff: may change what others put into the cart (T3)."""
        return author == self.host or author.startswith(STAFF)

    def clashing(self, allergens: tuple[str, ...]) -> tuple[str, ...]:
        """Those of a dish's allergens that somebody here must not eat (D7)."""
        if not allergens:
            return ()
        declared = {one for guest in self.guests.values() if not guest.left for one in guest.allergens}
        return tuple(one for one in allergens if one in declared)
