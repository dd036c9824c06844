"""Cart ops as phones send them, and how the menu turns them into what a session decides (T2–T4, D2).

A session knows no menu: what an ``add`` chose is looked up here, in the menu that the silo has in memory, and goes to
the session with its name and its price, or with the reason why it cannot be had.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.cart_words import why_not, why_out
from api.menus import Board
from pricing.items import ItemProblem, PricedItem, price_item
from pricing.menu import Id
from pricing.selection import Chosen, Options, Selection
from store_runtime.store.menu.telling import SCARCE
from store_runtime.store.orders.commands import Note
from store_runtime.table_session.commands import (
    OPS_MAX,
    Add,
    CartOp,
    OpId,
    Quote,
    Reassign,
    Remove,
    Seq,
    SetNote,
    SetQuantity,
)
from store_runtime.table_session.known_ops import content_of
from store_runtime.texts import ONE_LINE

AnyQuantity = Annotated[int, Meta(ge=-(2**31), le=2**31)]
"""What does not fit a line is refused by the session, op by op."""

LineId = Annotated[str, Meta(max_length=128)]
GuestId = Annotated[str, Meta(max_length=64)]
OneLineNote = Annotated[Note, Meta(pattern=ONE_LINE)]
Price = Any

PRICES = ("price_fen", "unit_price_fen", "amount_fen")


class OpBody(msgspec.Struct, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """``op_id``: the client's own, new for every change; sent again it is answered and not done again."""

    op_id: OpId


class AddBody(OpBody, kw_only=True, tag="add"):
    """More of a dish. A price that is sent counts for nothing: the menu has it."""

    dish_id: Id
    quantity: AnyQuantity = 1
    options: Options = ()
    choices: Annotated[tuple[Chosen, ...], Meta(max_length=50)] = ()
    note: OneLineNote = ""
    price_fen: Price | UnsetType = UNSET
    unit_price_fen: Price | UnsetType = UNSET
    amount_fen: Price | UnsetType = UNSET


class SetQuantityBody(OpBody, kw_only=True, tag="set_quantity"):
    """The line shall have ``quantity``; ``based_on`` is its revision, or the seq of the view, when that was said."""

    line_id: LineId
    quantity: AnyQuantity
    based_on: Seq


class RemoveBody(OpBody, kw_only=True, tag="remove"):
    """What you have on the line goes; of host and staff the whole line."""

    line_id: LineId


class NoteBody(OpBody, kw_only=True, tag="note"):
    """The line's note to the kitchen."""

    line_id: LineId
    note: OneLineNote


class ReassignBody(OpBody, kw_only=True, tag="reassign"):
    """「不是我点的」: what ``guest_id`` (or you) has on the line is ``to``'s; all of it, or ``quantity``."""

    line_id: LineId
    to: GuestId
    guest_id: GuestId = ""
    quantity: AnyQuantity = 0


OneOp = AddBody | SetQuantityBody | RemoveBody | NoteBody | ReassignBody


class CartOpsBody(msgspec.Struct, forbid_unknown_fields=True):
    """Ops in their order. ``seen_seq``: the seq that the phone shows, for the record."""

    ops: Annotated[tuple[OneOp, ...], Meta(min_length=1, max_length=OPS_MAX)]
    seen_seq: Seq = 0


def need_menu(body: CartOpsBody) -> bool:
    """Whether one of them chooses a dish."""
    return any(type(op) is AddBody for op in body.ops)


def resolved(body: CartOpsBody, board: Board | None, weekday: int, minute: int) -> tuple[CartOp, ...]:
    """The ops as the session takes them; ``board`` is there when one of them needs it."""
    return tuple(_resolved(op, board, weekday, minute) for op in body.ops)


def ignored(body: CartOpsBody) -> list[list[str] | None]:
    """Per op, which of its fields count for nothing."""
    return [
        [name for name in PRICES if getattr(op, name) is not UNSET] or None if type(op) is AddBody else None
        for op in body.ops
    ]


def _resolved(op: OneOp, board: Board | None, weekday: int, minute: int) -> CartOp:
    match op:
        case AddBody():
            assert board is not None, "need_menu() has said so"
            return _add(op, board, weekday, minute)
        case SetQuantityBody():
            return SetQuantity(
                op_id=op.op_id,
                content=_content(op),
                line_id=op.line_id,
                quantity=op.quantity,
                based_on=op.based_on,
            )
        case RemoveBody():
            return Remove(op_id=op.op_id, content=_content(op), line_id=op.line_id)
        case NoteBody():
            return SetNote(op_id=op.op_id, content=_content(op), line_id=op.line_id, note=op.note)
        case ReassignBody():
            return Reassign(
                op_id=op.op_id,
                content=_content(op),
                line_id=op.line_id,
                to=op.to,
                guest_id=op.guest_id,
                quantity=op.quantity,
            )


def _add(op: AddBody, board: Board, weekday: int, minute: int) -> Add:
    wanted = Selection(dish_id=op.dish_id, options=op.options, choices=op.choices)
    item = price_item(board.index, wanted, weekday, minute)
    if isinstance(item, ItemProblem):
        code = "dish_gone" if item.problem == "gone" else item.problem
        return _refused(op, wanted, code, why_not(board.index, wanted, item))
    if out := _sold_out(item, board):
        return _refused(op, wanted, "sold_out", why_out(board.index, out, board.stock[out].left or 0))
    # As the menu orders its options: the same choice in another order is the same line.
    selection = Selection(dish_id=op.dish_id, options=item.options, choices=op.choices)
    quote = Quote(
        name=item.name,
        unit_price_fen=item.unit_price_fen,
        menu_version=board.index.version,
        name_en=item.name_en if item.name_en != item.name else "",
        options_text=item.options_text,
        allergens=item.allergens,
        provisional=item.provisional,
    )
    return Add(
        op_id=op.op_id,
        content=_content(op),
        selection=selection,
        quantity=op.quantity,
        note=op.note,
        quote=quote,
        left=_scarce(item, board),
    )


def _refused(op: AddBody, wanted: Selection, code: str, detail: str) -> Add:
    # With its content: it may have been done already, and the dish is gone since.
    return Add(
        op_id=op.op_id,
        content=_content(op),
        selection=wanted,
        quantity=op.quantity,
        problem=code,
        detail=detail,
    )


def _content(op: OneOp) -> int:
    """What it says, in short; prices that are sent say nothing."""
    if isinstance(op, AddBody):
        said: Any = ("add", op.dish_id, op.quantity, op.options, op.choices, op.note)
    else:
        said = op
    return content_of(msgspec.msgpack.encode(said))


def _scarce(item: PricedItem, board: Board) -> dict[str, int]:
    """Of what it needs and little is left, how many there are."""
    known = ((key, board.stock.get(key)) for key, _ in item.stock)
    return {
        key: availability.left
        for key, availability in known
        if availability is not None and availability.left is not None and availability.left <= SCARCE
    }


def _sold_out(item: PricedItem, board: Board) -> str:
    """The stock key of which too little is left for one of it, as far as this silo knows (D4); empty: none.

    A cart holds nothing, so the store decides at last.
    """
    for key, needed in item.stock:
        availability = board.stock.get(key)
        if availability is None:
            continue
        if availability.state == "out" or (availability.left is not None and availability.left < needed):
            return key
    return ""
