"""What a table's session shows. Moments are ms since the epoch, amounts fen."""

from __future__ import annotations

from typing import Any

import msgspec

from pricing.selection import Chosen
from store_runtime.bill.projections import BillView, bill_view
from store_runtime.sharing import shared_id
from store_runtime.store.orders.commands import PlaceLines, PlaceUnlisted
from store_runtime.store.orders.rejections import LineProblem
from store_runtime.table_session.cart import CartLine
from store_runtime.table_session.state import OrderedLine, Round, Session, StaffCall


class View(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base: fields that hold their default are left out."""


class Joined(View, frozen=True, kw_only=True):
    """A guest is at the table. ``guest_id`` is empty where staff opened it."""

    session_id: str
    guest_id: str
    seq: int


class SessionPlace(View, frozen=True, kw_only=True):
    """Where a session belongs."""

    store_id: str
    table_id: str
    closed: bool = False


class GuestView(View, frozen=True, kw_only=True):
    """Somebody at the table."""

    guest_id: str
    name: str
    left: bool = False


class CartLineView(View, frozen=True, kw_only=True):
    """A line of the cart. ``counts``: guest → how many; ``revision`` is what set_quantity is based on.

    ``unit_price_fen`` is what the menu said (of menu_version); the store prices the round. ``left``: so few can be
    had of what it needs, 0 is 估清; None: enough, as far as the store has said.
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
    added_at: int
    counts: dict[str, int]
    name_en: str = ""
    options: tuple[str, ...] = ()
    options_text: str = ""
    choices: tuple[Chosen, ...] = ()
    note: str = ""
    edited_by: str = ""
    edited_at: int = 0
    provisional: bool = False
    allergens: tuple[str, ...] = ()
    problem: LineProblem | None = None
    left: int | None = None


class OrderedLineView(View, frozen=True, kw_only=True):
    """A line of a round, at its frozen price (T5). ``dish_id`` is empty for what is on no menu (D8)."""

    line_id: str
    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    amount_fen: int
    status: str
    counts: dict[str, int]
    name_en: str = ""
    options: tuple[str, ...] = ()
    options_text: str = ""
    note: str = ""
    provisional: bool = False
    cancelled: int = 0
    refused: int = 0
    promised_at: int = 0


class RoundView(View, frozen=True, kw_only=True):
    """One round. ``state``: placing, held (until it is paid), fired, released, returned."""

    round_no: int
    state: str
    by: str
    at: int
    lines: tuple[OrderedLineView, ...]
    menu_version: int = 0
    hold_until: int = 0
    number: str = ""


class CallView(View, frozen=True, kw_only=True):
    """A call for the staff. ``escalated``: nobody had come in time."""

    call_id: str
    kind: str
    by: str
    at: int
    escalated: bool = False
    acknowledged_by: str = ""


class SessionView(View, frozen=True, kw_only=True):
    """The whole view of a session. ``you`` is the guest who asks; ``allergens`` what this guest declared."""

    session_id: str
    store_id: str
    table_id: str
    label: str
    state: str
    pay_mode: str
    seq: int
    party_size: int
    host: str
    opened_at: int
    guests: tuple[GuestView, ...]
    cart: tuple[CartLineView, ...]
    cart_total_fen: int
    rounds: tuple[RoundView, ...]
    you: str = ""
    allergens: tuple[str, ...] = ()
    calls: tuple[CallView, ...] = ()
    locked: bool = False
    bill: BillView | None = None
    moved_to: str = ""
    combined: dict[str, str] = {}
    others: dict[str, dict[str, int]] = {}


class OpResult(View, frozen=True, kw_only=True):
    """What came of one op.

    Args:
        status: accepted; merged (others had changed the line: yours and theirs became quantity); rejected (code).
        clashes: allergens of the dish that somebody at the table must not eat (D7).
    """

    op_id: str
    status: str
    line_id: str = ""
    quantity: int | None = None
    code: str = ""
    detail: str = ""
    yours: int | None = None
    theirs: int | None = None
    clashes: tuple[str, ...] = ()


class CartAnswer(View, frozen=True, kw_only=True):
    """``seq`` after all ops of the request; one result each, in their order."""

    seq: int
    results: tuple[OpResult, ...]


class RoundAnswer(View, frozen=True, kw_only=True):
    """A round is on its way.

    Whoever asked can tell the store the same ``place`` as a step under ``derived_id(command_id, "place")``, and then
    the session what came of it.
    """

    round_no: int
    seq: int
    place: PlaceLines
    store_id: str


class UnlistedAnswer(View, frozen=True, kw_only=True):
    """A dish that is on no menu is on its way (D8); ``place`` is told to the store like a RoundAnswer's."""

    round_no: int
    seq: int
    place: PlaceUnlisted
    store_id: str


class RoundStands(View, frozen=True, kw_only=True):
    """The session knows that the store has taken the round. ``pay_by`` (ms): it is held for so long; 0: it is not."""

    round_no: int
    seq: int
    pay_by: int = 0


def line_id(session_id: str, number: int) -> str:
    """A line as the outside names it."""
    return shared_id(f"{session_id}.l{number}")


def line_number(session_id: str, of: str) -> int:
    """The number in a line's id; 0: not a line of this session."""
    head, _, number = of.rpartition(".l")
    return int(number) if head == session_id and number.isascii() and number.isdigit() else 0


def cart_line_view(session_id: str, number: int, line: CartLine) -> CartLineView:
    """A line of the cart."""
    quote, selection = line.quote, line.selection
    return CartLineView(
        line_id=line_id(session_id, number),
        dish_id=selection.dish_id,
        name=quote.name,
        quantity=line.quantity,
        unit_price_fen=quote.unit_price_fen,
        amount_fen=quote.unit_price_fen * line.quantity,
        menu_version=quote.menu_version,
        revision=line.revision,
        added_by=line.added_by,
        added_at=line.added_at,
        counts=line.counts,
        name_en=quote.name_en,
        options=selection.options,
        options_text=quote.options_text,
        choices=selection.choices,
        note=line.note,
        edited_by=line.edited_by,
        edited_at=line.edited_at,
        provisional=quote.provisional,
        allergens=quote.allergens,
        problem=line.problem,
        left=line.left,
    )


def ordered_line_view(line_id: str, line: OrderedLine) -> OrderedLineView:
    """A line of a round; before the store took it with the price that the cart showed."""
    placed = line.placed
    unit_price_fen = line.quote.unit_price_fen if placed is None else placed.unit_price_fen
    return OrderedLineView(
        line_id=line_id,
        dish_id="" if line.unlisted else line.selection.dish_id,
        name=line.quote.name if placed is None else placed.name,
        quantity=line.quantity,
        unit_price_fen=unit_price_fen,
        amount_fen=unit_price_fen * line.quantity,
        status=line.status,
        counts=line.counts,
        name_en=line.quote.name_en if placed is None else placed.name_en,
        options=line.selection.options,
        options_text=line.quote.options_text if placed is None else placed.options_text,
        note=line.note,
        provisional=line.quote.provisional if placed is None else placed.provisional,
        cancelled=line.cancelled,
        refused=line.refused,
        promised_at=line.promised_at,
    )


def round_view(session: Session, round_no: int, one: Round) -> RoundView:
    """A round with its lines."""
    return RoundView(
        round_no=round_no,
        state=one.state,
        by=one.by,
        at=one.at,
        lines=tuple(
            ordered_line_view(line_id, session.ordered[line_id])
            for line_id in one.lines
            # It may have gone to another session, or have come back with a later round (T8).
            if line_id in session.ordered and session.ordered[line_id].round_no == round_no
        ),
        menu_version=one.menu_version,
        hold_until=one.hold_until,
        number=one.number,
    )


def call_view(call: StaffCall) -> CallView:
    """A call."""
    return CallView(
        call_id=call.call_id,
        kind=call.kind,
        by=call.by,
        at=call.at,
        escalated=call.escalated,
        acknowledged_by=call.acknowledged_by,
    )


def session_view(session_id: str, session: Session, at: int, you: str = "") -> SessionView:
    """The whole view at this moment, as guest ``you`` sees it; empty: as staff do."""
    cart = tuple(cart_line_view(session_id, number, line) for number, line in session.cart.lines.items())
    return SessionView(
        session_id=session_id,
        store_id=session.store_id,
        table_id=session.table_id,
        label=session.label,
        state=session.status,
        pay_mode=session.terms.pay_mode,
        seq=session.live.seq,
        party_size=session.party_size,
        host=session.host,
        opened_at=session.opened_at,
        guests=tuple(
            GuestView(guest_id=guest_id, name=guest.name, left=guest.left)
            for guest_id, guest in session.guests.items()
        ),
        cart=cart,
        cart_total_fen=sum(line.amount_fen for line in cart),
        rounds=tuple(round_view(session, no, one) for no, one in session.rounds.items()),
        you=you,
        allergens=session.guests[you].allergens if you else (),
        calls=tuple(call_view(call) for call in session.calls),
        locked=session.locked,
        bill=bill_view(session.bill, at),
        moved_to=session.moved_to,
        combined=session.combined,
        others=session.others,
    )


def shown(view: msgspec.Struct) -> Any:
    """A view in the data of a live event. The log encodes it at once, so it need not be taken apart before."""
    return view
