"""What can be asked of a table's session (kind ``table-session``, id ``ts…``).

Whoever acts is a guest (``user_id``) or staff (``by``); a command with neither comes from the house. Amounts are fen,
moments ms since the epoch. ``line_id`` is ``<session_id>.l<n>``.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from pricing.menu import Allergen, Name, PriceFen
from pricing.selection import LineQuantity, Selection
from store_runtime.by import By
from store_runtime.store.kitchen.terms import StationName
from store_runtime.store.orders.commands import Note
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.table.commands import Nickname, PartySize
from store_runtime.table.terms import TableTerms

GUESTS_MAX = 50
CART_LINES_MAX = 100
OPS_MAX = 50
OPEN_CALLS_MAX = 10

OpId = Annotated[str, Meta(min_length=1, max_length=64)]
Content = Annotated[int, Meta(ge=0, lt=2**15)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
CallKind = Annotated[str, Meta(pattern=r"^[a-z_]{1,20}$(?!\n)")]
Reason = Annotated[str, Meta(max_length=200)]


class OpenSession(Command, frozen=True, kw_only=True):
    """A table opens it, with its first guest or by staff. Answered with a Joined."""

    store_id: str
    table_id: str
    letter: str
    label: str
    terms: TableTerms
    party_size: PartySize = 0
    user_id: str = ""
    nickname: Nickname = ""
    by: By | None = None


class JoinSession(Command, frozen=True, kw_only=True):
    """A guest whom the table let in is there; again changes nothing. Answered with a Joined."""

    user_id: str
    nickname: Nickname = ""


class LeaveSession(Command, frozen=True, kw_only=True):
    """A guest goes; what they ordered stays. The next guest is host (T3)."""

    user_id: str


class ChangeParty(Command, frozen=True, kw_only=True):
    """How many people sit at the table (T10). Answered with a SessionView."""

    party_size: PartySize
    user_id: str = ""
    by: By | None = None


class SetHost(Command, frozen=True, kw_only=True):
    """Staff, or the host, make another guest the host (T3). Answered with a SessionView."""

    guest_id: str
    user_id: str = ""
    by: By | None = None


class DeclareAllergens(Command, frozen=True, kw_only=True):
    """A guest says privately what they must not eat (D7); it replaces what they said before."""

    user_id: str
    allergens: Annotated[tuple[Allergen, ...], Meta(max_length=11)]


# --- the cart --------------------------------------------------------------------------------------------------


class Quote(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the menu said of a selection when it was put into the cart: shown, not charged (D2)."""

    name: str
    unit_price_fen: int
    menu_version: int
    name_en: str = ""
    options_text: str = ""
    allergens: tuple[str, ...] = ()
    provisional: bool = False


class Op(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """One change of the cart. ``op_id`` is the client's: the same one again is answered, not done again.

    ``content``: what the client said, in short (``known_ops.content_of``), so that an id that comes again with
    something else is told from a repeat; 0: nobody knows.
    """

    op_id: OpId
    content: Content = 0


class Add(Op, frozen=True, kw_only=True, omit_defaults=True, tag="add"):
    """``quantity`` more of a selection.

    ``problem`` is why the ingress says that it cannot be had, ``detail`` the same in words;
    ``left``: of what it needs and little is left, stock key → how many.
    """

    selection: Selection
    quantity: int = 1
    note: Note = ""
    quote: Quote | None = None
    problem: str = ""
    detail: str = ""
    left: dict[str, int] = {}


class SetQuantity(Op, frozen=True, kw_only=True, omit_defaults=True, tag="set_quantity"):
    """The line shall have ``quantity``, as it was seen at ``based_on`` (the line's revision, or the view's seq)."""

    line_id: str
    quantity: int
    based_on: Seq


class Remove(Op, frozen=True, kw_only=True, omit_defaults=True, tag="remove"):
    """What this guest put on the line goes; of host and staff the whole line."""

    line_id: str


class SetNote(Op, frozen=True, kw_only=True, omit_defaults=True, tag="note"):
    """The line's note to the kitchen."""

    line_id: str
    note: Note


class Reassign(Op, frozen=True, kw_only=True, omit_defaults=True, tag="reassign"):
    """「不是我点的」: what ``guest_id`` has on the line is ``to``'s; without it: what the sender has."""

    line_id: str
    to: str
    guest_id: str = ""
    quantity: int = 0


CartOp = Add | SetQuantity | Remove | SetNote | Reassign


class EditCart(Command, frozen=True, kw_only=True):
    """All ops of one request, in their order. Answered with a CartAnswer."""

    ops: Annotated[tuple[CartOp, ...], Meta(max_length=OPS_MAX)]
    user_id: str = ""
    by: By | None = None


# --- rounds ----------------------------------------------------------------------------------------------------


class SubmitRound(Command, frozen=True, kw_only=True):
    """Order what stood in the cart at ``seen_seq``, each with its quantity then or now, whichever is less (T4, T5).

    ``on_hold``: 叫起, the kitchen waits until it is fired by hand. Answered with a RoundAnswer.
    """

    seen_seq: Seq
    on_hold: bool = False
    user_id: str = ""
    by: By | None = None


class AddUnlisted(Command, frozen=True, kw_only=True):
    """临时菜 (D8): staff order a dish that is on no menu, as a round of its own. Answered with an UnlistedAnswer."""

    name: Name
    unit_price_fen: PriceFen
    quantity: LineQuantity
    by: By
    station: StationName = ""


class RoundRefused(Command, frozen=True, kw_only=True):
    """The store did not take the round: its lines are back in the cart, with what stands against them.

    A dish that is on no menu was never in the cart: it is gone.
    """

    round_no: int
    problems: tuple[LineProblem, ...] = ()


# --- calls and the end -----------------------------------------------------------------------------------------


class CallStaff(Command, frozen=True, kw_only=True):
    """A guest calls: water, bill, clean … (T9). Answered with a CallView."""

    kind: CallKind
    user_id: str


class AcknowledgeCall(Command, frozen=True, kw_only=True):
    """Staff have seen it. Answered with a CallView."""

    call_id: str
    by: By


class ClearSession(Command, frozen=True, kw_only=True):
    """清台: the party has gone (T11). What is unpaid needs a reason, and is written off. Answered with a SessionView.

    Args:
        reason: 免单, 跑单 …; may_write_off_fen: how much this account may write off here; None: any amount.
    """

    by: By
    reason: Reason = ""
    may_write_off_fen: int | None = 0


class NoteOthers(Command, frozen=True, kw_only=True):
    """The store says who else has scarce dishes in the cart: stock key → table → how many. ``change`` grows."""

    change: int
    others: dict[str, dict[str, int]]


# --- questions -------------------------------------------------------------------------------------------------


class GetSession(Query, frozen=True, kw_only=True):
    """The whole view: SessionView. ``user_id``: as this guest sees it; empty: as staff do."""

    user_id: str = ""


class WhereIsSession(Query, frozen=True, kw_only=True):
    """Which store and table it belongs to, for whoever must know before asking more: SessionPlace."""
