"""What is true of a table's session, in the order it happened. Lines are named by their number."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from actors.words import Event
from pricing.selection import Selection
from store_runtime.by import By
from store_runtime.store.orders.commands import LineNote, PlaceLines, PlaceUnlisted
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.table_session.commands import OpenSession, Quote


class SessionBegan(Event, frozen=True, kw_only=True):
    """A party sits down."""

    opening: OpenSession


class GuestJoined(Event, frozen=True, kw_only=True):
    """A guest is there, or back."""

    guest_id: str
    user_id: str
    nickname: str = ""


class GuestLeft(Event, frozen=True, kw_only=True):
    """A guest has gone."""

    guest_id: str


class CartStockNoted(Event, frozen=True, kw_only=True):
    """The store said what is left of these stock keys; None: enough."""

    change: int
    left: dict[str, int | None]


class WishesChanged(Event, frozen=True, kw_only=True):
    """The cart wants this of dishes of which little is left: stock key → how many."""

    wishes: dict[str, int]


class OthersNoted(Event, frozen=True, kw_only=True):
    """Who else has them in the cart: stock key → table → how many."""

    change: int
    others: dict[str, dict[str, int]]


class HostSet(Event, frozen=True, kw_only=True):
    """This guest is the host."""

    guest_id: str
    by: str = ""


class PartyChanged(Event, frozen=True, kw_only=True):
    """So many people sit at the table."""

    party_size: int
    by: str = ""


class AllergensDeclared(Event, frozen=True, kw_only=True):
    """What a guest must not eat. Nobody else is told whose it is (D7)."""

    guest_id: str
    allergens: tuple[str, ...]


# --- the cart --------------------------------------------------------------------------------------------------
# ``content`` is the op's, in short: how its id is told from the same one with something else.


class LineAdded(Event, frozen=True, kw_only=True):
    """A new line is in the cart."""

    op_id: str
    by: str
    line: int
    selection: Selection
    quantity: int
    quote: Quote
    note: str = ""
    left: dict[str, int] = {}
    content: int = 0


class QuantityChanged(Event, frozen=True, kw_only=True):
    """A line has more or less of some authors; with nothing left it is gone. ``how``: add, set, remove, reassign.

    ``quote`` is newer than the line's: the menu has changed since.
    """

    op_id: str
    by: str
    line: int
    change: dict[str, int]
    how: str
    quote: Quote | None = None
    content: int = 0


class LineNoted(Event, frozen=True, kw_only=True):
    """A line has this note to the kitchen."""

    op_id: str
    by: str
    line: int
    note: str
    content: int = 0


class OrderedLineReassigned(Event, frozen=True, kw_only=True):
    """Of an ordered line, some is somebody else's (T3); what was ordered stays."""

    op_id: str
    by: str
    line_id: str
    change: dict[str, int]
    content: int = 0


# --- rounds ----------------------------------------------------------------------------------------------------


class TakenLine(msgspec.Struct, frozen=True, kw_only=True):
    """So much of cart line ``line``, of these authors, is line number ``ordered`` of the round."""

    line: int
    ordered: int
    counts: dict[str, int]


class RoundSubmitted(Event, frozen=True, kw_only=True):
    """A round is on its way to the store."""

    round_no: int
    by: str
    seen_seq: int
    taken: tuple[TakenLine, ...]
    place: PlaceLines


class UnlistedSubmitted(Event, frozen=True, kw_only=True):
    """A round of one dish that is on no menu, line number ``line``, is on its way to the store (D8)."""

    round_no: int
    by: By
    line: int
    place: PlaceUnlisted


class RoundTaken(Event, frozen=True, kw_only=True):
    """The store has taken the round, at these prices."""

    outward: ClassVar[bool] = True

    placed: PlacedLines


class RoundReturned(Event, frozen=True, kw_only=True):
    """The store has not taken the round: its lines are back in the cart, but for what is on no menu."""

    round_no: int


class LinesFlagged(Event, frozen=True, kw_only=True):
    """What stands against lines of a round that came back, as the store said."""

    round_no: int
    problems: tuple[LineProblem, ...]


class RoundFired(Event, frozen=True, kw_only=True):
    """A round that was held is paid: the kitchen may have it (T6)."""

    round_no: int


class RoundAccepted(Event, frozen=True, kw_only=True):
    """The kitchen has the round."""

    round_no: int
    number: str = ""


class RoundRejected(Event, frozen=True, kw_only=True):
    """拒单 (O2): the staff will not make the round; what was paid of it goes back in the same turn."""

    outward: ClassVar[bool] = True

    round_no: int
    reason: str
    by: By | None = None


class RoundReleased(Event, frozen=True, kw_only=True):
    """A round that was held was not paid in time, or given up: the store gets its dishes back (T6)."""

    round_no: int
    reason: str


class LinesStand(Event, frozen=True, kw_only=True):
    """How ordered lines stand in the kitchen."""

    notes: tuple[LineNote, ...]
    number: str = ""


class CancelAsked(Event, frozen=True, kw_only=True):
    """退菜: staff want so many of a line off; the store says what came of it (O3)."""

    outward: ClassVar[bool] = True

    line_id: str
    quantity: int
    reason: str
    by: By


# --- calls and the end -----------------------------------------------------------------------------------------


class CallMade(Event, frozen=True, kw_only=True):
    """A guest calls the staff. ``escalate_at``: unanswered until then, it is more urgent."""

    outward: ClassVar[bool] = True

    call_id: str
    kind: str
    by: str
    escalate_at: int


class CallEscalated(Event, frozen=True, kw_only=True):
    """Nobody has come."""

    outward: ClassVar[bool] = True

    call_id: str


class CallAcknowledged(Event, frozen=True, kw_only=True):
    """Staff have seen it."""

    call_id: str
    by: By


class SessionCleared(Event, frozen=True, kw_only=True):
    """The party has gone; nothing but reading is possible from now on (T11)."""

    outward: ClassVar[bool] = True

    by: By
    reason: str = ""
