"""What a table's session remembers."""

from __future__ import annotations

from typing import Literal

import msgspec

from store_runtime.bill.state import Bill
from store_runtime.by import By
from store_runtime.live import LiveLog
from store_runtime.sharing import shared_id
from store_runtime.table.commands import SessionState
from store_runtime.table.state import NO_TERMS
from store_runtime.table.terms import TableTerms
from store_runtime.table_session.cart import Cart
from store_runtime.table_session.moving.parcels import Forward, Parcel
from store_runtime.table_session.parts import Guest, OrderedLine, Round, StaffCall

STANDING = frozenset({"placing", "held", "waiting", "fired", "moved"})
"""Rounds that make a session one that is ordering."""

NOBODY = By(account="")

STAFF = "staff:"
"""Before a staff account where a guest's id could stand too."""


class Session(msgspec.Struct, kw_only=True):
    """One party's visit. ``live.seq`` counts what its view shows; ``ordered`` has lines by their id, which is another
    session's where they were moved from there (T8).

    ``cleared_at``: 0 until the party has gone.

    Of moves (T8): ``moving`` is what it waits for (the table or session ``moving_to``); ``moved_to`` the session that
    it was merged into; ``outgoing`` parcels on their way; ``forwards`` where notes about lines that went go;
    ``received`` which lines came with which merged session; ``combined`` who sits together with it.

    ``wishes`` is what the cart wants of what is scarce, ``others`` who else does (stock key → table → how many).
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
    bill: Bill = msgspec.field(default_factory=Bill)
    cleared_at: int = 0
    cleared_by: str = ""
    moving: Literal["", "transfer", "merge", "return"] = ""
    moving_to: str = ""
    moving_by: By = NOBODY
    moved_to: str = ""
    outgoing: dict[str, Parcel] = {}
    parcels: int = 0
    forwards: dict[str, tuple[Forward, ...]] = {}
    received: dict[str, tuple[str, ...]] = {}
    combined: dict[str, str] = {}
    wishes: dict[str, int] = {}
    wishes_told: int = 0
    others: dict[str, dict[str, int]] = {}
    others_change: int = 0
    live: LiveLog = msgspec.field(default_factory=LiveLog)

    def __post_init__(self) -> None:
        self.ordered = {shared_id(line_id): line for line_id, line in self.ordered.items()}

    def stand(self) -> None:
        """It waits for nothing any more. Used by evolve only."""
        self.moving, self.moving_to, self.moving_by = "", "", NOBODY

    @property
    def exists(self) -> bool:
        """It was opened."""
        return bool(self.store_id)

    @property
    def closed(self) -> bool:
        """It can be read, and no longer changed."""
        return self.cleared_at > 0

    @property
    def money_moved(self) -> bool:
        """Something is paid, or may be any moment."""
        return self.bill.money_moved

    @property
    def locked(self) -> bool:
        """锁单: guests neither order nor pay."""
        return bool(self.bill.locked_by)

    @property
    def settled(self) -> bool:
        """Something was ordered, and nothing is due. Time that is charged stands still once somebody pays."""
        return self.bill.settled(self.bill.stopped_at or self.opened_at)

    def count_heads(self) -> None:
        """The bill hears how many they are: as was said, or as have joined (T10). Used by evolve only."""
        if not self.settled:
            self.bill.guests = self.party_size or self.heads

    @property
    def heads(self) -> int:
        """So many guests have joined and not left."""
        return sum(1 for guest in self.guests.values() if not guest.left)

    @property
    def status(self) -> SessionState:
        """Where the visit stands (§ 0); derived, never set."""
        if self.closed:
            return "closed"
        if self.moved_to:
            return "moved"
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


__all__ = ["STAFF", "Guest", "OrderedLine", "Round", "Session", "StaffCall"]
