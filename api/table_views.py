"""What the ingress answers about tables and their sessions: the rooms' views, with moments as RFC 3339."""

from __future__ import annotations

from typing import Any, Self

import msgspec

from api.bill_views import BillShown
from api.moments import MomentText, rfc3339
from api.views import Shown
from pricing.selection import Chosen
from store_runtime.live import Delta, LiveEvent
from store_runtime.store.floor.projections import FloorTableView, FloorView
from store_runtime.store.orders.projections import PlacedLines
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.table.projections import TableView
from store_runtime.table_session.projections import CallView, GuestView, OpResult, SessionView

_MOMENTS = frozenset({"at", "hold_until"})


def timed(value: Any) -> Any:
    """Plain values with every moment in ms as RFC 3339: fields ``at``, ``…_at`` and ``hold_until``."""
    if isinstance(value, dict):
        return {name: _field(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [timed(inner) for inner in value]
    return value


def _field(name: str, value: Any) -> Any:
    if type(value) is int and (name in _MOMENTS or name.endswith("_at")):
        return rfc3339(value) if value else None
    return timed(value)


class TableJoined(Shown, frozen=True, kw_only=True):
    """A guest sits at a table. ``guest_id`` is who they are there; ``seq`` is where to follow from."""

    session_id: str
    seq: int
    store_id: str
    table_id: str
    guest_id: str | None = None
    label: str | None = None


class CartLineShown(Shown, frozen=True, kw_only=True):
    """A line of the cart. ``counts``: guest → how many; ``revision``: what set_quantity is based on.

    The price is the menu's of ``menu_version``; the store prices a round when it is submitted. ``left``: so few can
    be had of what it needs (0: none); null: enough.
    """

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    menu_version: int
    revision: int
    added_by: str
    added_at: MomentText
    counts: dict[str, int]
    options: list[str] = []
    options_text: str = ""
    choices: list[Chosen] = []
    name_en: str = ""
    note: str = ""
    edited_by: str = ""
    edited_at: MomentText | None = None
    provisional: bool = False
    allergens: list[str] = []
    problem: LineProblem | None = None
    left: int | None = None


class OrderedLineShown(Shown, frozen=True, kw_only=True):
    """A line of a round, at its frozen price; ``status`` is the kitchen's word."""

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    status: str
    counts: dict[str, int]
    options: list[str] = []
    options_text: str = ""
    name_en: str = ""
    note: str = ""
    provisional: bool = False
    cancelled: int = 0
    refused: int = 0
    promised_at: MomentText | None = None


class RoundShown(Shown, frozen=True, kw_only=True):
    """A round. ``state``: placing, held (until paid), fired, released, returned."""

    round_no: int
    state: str
    by: str
    at: MomentText
    lines: list[OrderedLineShown]
    menu_version: int = 0
    hold_until: MomentText | None = None
    number: str = ""


class CallShown(Shown, frozen=True, kw_only=True):
    """A call for the staff."""

    call_id: str
    kind: str
    by: str
    at: MomentText
    escalated: bool = False
    acknowledged_by: str = ""

    @classmethod
    def of(cls, view: CallView) -> Self:
        """The call's view."""
        return msgspec.convert(timed(msgspec.to_builtins(view)), cls)


class SessionShown(Shown, frozen=True, kw_only=True):
    """A session as its guests and the staff see it. ``state``: seated, ordering, settled, closed.

    ``you`` is the guest who asks; ``allergens`` what this guest alone has declared. ``moved_to``: the session that
    this one was merged into; ``combined``: who sits together with it, session → label. ``others``: of
    dishes of which little is left, who else has them in the cart: stock key → table → how many.
    """

    session_id: str
    store_id: str
    table_id: str
    label: str
    state: str
    pay_mode: str
    seq: int
    party_size: int
    host: str
    opened_at: MomentText
    guests: list[GuestView]
    cart: list[CartLineShown]
    cart_total_fen: int
    rounds: list[RoundShown]
    calls: list[CallShown] = []
    you: str = ""
    allergens: list[str] = []
    locked: bool = False
    moved_to: str = ""
    combined: dict[str, str] = {}
    bill: BillShown | None = None
    others: dict[str, dict[str, int]] = {}

    @classmethod
    def of(cls, view: SessionView) -> Self:
        """The session's view."""
        return msgspec.convert(timed(msgspec.to_builtins(view)), cls)


class LiveEventShown(Shown, frozen=True, kw_only=True):
    """One thing that happened; ``data`` has the fields of the view that it changes."""

    seq: int
    type: str
    at: MomentText
    data: dict[str, Any]

    @classmethod
    def of(cls, event: LiveEvent) -> Self:
        """The event, with its moments."""
        return cls(seq=event.seq, type=event.type, at=rfc3339(event.at), data=timed(event.data))


class DeltaShown(Shown, frozen=True, kw_only=True):
    """What happened after ``since``, gap-free up to ``seq``; with ``reset`` it is no longer kept: read the view."""

    seq: int
    events: list[LiveEventShown]
    reset: bool = False

    @classmethod
    def of(cls, delta: Delta) -> Self:
        """The delta's events."""
        return cls(seq=delta.seq, events=[LiveEventShown.of(one) for one in delta.events], reset=delta.reset)


class OpShown(Shown, frozen=True, kw_only=True):
    """What came of one op.

    Args:
        status: accepted; merged (``yours`` and ``theirs`` became ``quantity``); rejected (``code`` says why).
        clashes: allergens of the dish that somebody at the table must not eat.
        ignored: fields that were sent and count for nothing, as a price.
    """

    op_id: str
    status: str
    line_id: str | None = None
    quantity: int | None = None
    code: str | None = None
    detail: str | None = None
    yours: int | None = None
    theirs: int | None = None
    clashes: tuple[str, ...] | None = None
    ignored: list[str] | None = None

    @classmethod
    def of(cls, result: OpResult, ignored: list[str] | None) -> Self:
        """The op's result."""
        return cls(
            op_id=result.op_id,
            status=result.status,
            line_id=result.line_id or None,
            quantity=result.quantity,
            code=result.code or None,
            detail=result.detail or None,
            yours=result.yours,
            theirs=result.theirs,
            clashes=result.clashes or None,
            ignored=ignored,
        )


class CartShown(Shown, frozen=True, kw_only=True):
    """``seq`` after all ops; one result each, in their order."""

    seq: int
    results: list[OpShown]


class RoundLineShown(Shown, frozen=True, kw_only=True):
    """A line as it was ordered."""

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    provisional: bool = False
    promised_at: MomentText | None = None


class RoundSubmittedShown(Shown, frozen=True, kw_only=True):
    """The store has taken the round, at these prices. ``hold_until``: pay by then (pay-first)."""

    round_no: int
    seq: int
    menu_version: int
    lines: list[RoundLineShown]
    total_fen: int
    hold_until: MomentText | None = None
    number: str = ""

    @classmethod
    def of(cls, placed: PlacedLines, seq: int, pay_by: int) -> Self:
        """What the store answered."""
        lines = [
            RoundLineShown(
                line_id=line.line_id,
                dish_id=line.dish_id,
                name=line.name,
                quantity=line.quantity,
                unit_price_fen=line.unit_price_fen,
                amount_fen=line.unit_price_fen * line.quantity,
                provisional=line.provisional,
                promised_at=rfc3339(line.promised_at) if line.promised_at else None,
            )
            for line in placed.lines
        ]
        return cls(
            round_no=placed.batch,
            seq=seq,
            menu_version=placed.menu_version,
            lines=lines,
            total_fen=sum(line.amount_fen for line in lines),
            hold_until=rfc3339(pay_by) if pay_by else None,
            number=placed.number,
        )


class SittingShown(Shown, frozen=True, kw_only=True):
    """A party at a table."""

    session_id: str
    label: str
    state: str
    party_size: int
    guests: int
    opened_at: MomentText
    due_fen: int = 0
    calls: list[str] = []


class FloorTableShown(Shown, frozen=True, kw_only=True):
    """A table of the floor. ``waiting``: guests who scanned its code and wait for staff to open it."""

    table_id: str
    name: str
    seats: int
    phase: str
    join_policy: str
    pay_mode: str
    area: str = ""
    room: bool = False
    shared: bool = False
    waiting: int = 0
    sessions: list[SittingShown] = []

    @classmethod
    def of(cls, view: FloorTableView) -> Self:
        """The table's row."""
        return msgspec.convert(timed(msgspec.to_builtins(view)), cls)


class FloorShown(Shown, frozen=True, kw_only=True):
    """All tables of a store."""

    items: list[FloorTableShown]
    next_cursor: str | None = None

    @classmethod
    def of(cls, view: FloorView) -> Self:
        """The whole floor."""
        return cls(items=[FloorTableShown.of(one) for one in view.items])


class TableShown(Shown, frozen=True, kw_only=True):
    """A table as staff see it: with the token of its printed code, and the PIN that lets guests in."""

    store_id: str
    table_id: str
    name: str
    area: str
    seats: int
    phase: str
    rotation: int
    token: str = ""
    shared: bool = False
    room: bool = False
    pin: str = ""
    waiting: int = 0
    sessions: list[SittingShown] = []

    @classmethod
    def of(cls, view: TableView, token: str) -> Self:
        """The table's view, and its token."""
        return msgspec.convert({**timed(msgspec.to_builtins(view)), "token": token}, cls)
