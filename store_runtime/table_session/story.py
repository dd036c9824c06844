"""A session's history as people tell it: who did what, and which rule priced it (★1).

A line is told with the state *before* its event. What has no sentence of its own is told by its fields, so that no
event is left out of a history because nobody wrote a sentence for it.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from actors.words import Event
from store_runtime.by import By
from store_runtime.store.orders.projections import PlacedLine
from store_runtime.table_session import events as e
from store_runtime.table_session.commands import Quote
from store_runtime.table_session.state import STAFF, Session

SAID_MAX = 400
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Told(msgspec.Struct, frozen=True):
    """``who``: a guest with their name, a staff account, or empty where the house did it."""

    who: str
    said: str


def tell(session: Session, event: Event) -> Told:
    """One event in words."""
    told = _guests(session, event) or _cart(session, event) or _rounds(session, event)
    told = told or _staff(event) or _by_its_fields(session, event)
    return told if len(told.said) <= SAID_MAX else Told(told.who, told.said[:SAID_MAX] + "…")


def _guests(session: Session, event: Event) -> Told | None:
    match event:
        case e.SessionBegan(opening=opening):
            who = _account(opening.by) if opening.by is not None else opening.nickname or "a guest"
            terms = f"{opening.terms.pay_mode}, {opening.party_size} people"
            return Told(who, f"opens table {opening.label or opening.table_id} ({terms})")
        case e.GuestJoined(guest_id=guest, nickname=name):
            return Told(f"{name or guest} ({guest})", "sits down")
        case e.GuestLeft(guest_id=guest):
            return Told(_author(session, guest), "leaves")
        case e.HostSet(guest_id=guest, by=by):
            return Told(_author(session, by), f"makes {_author(session, guest)} the host")
        case e.PartyChanged(party_size=size, by=by):
            return Told(_author(session, by), f"counts {size} people")
        case e.AllergensDeclared(allergens=allergens):
            # Nobody is told whose they are (D7); the kitchen is told of the dish.
            return Told("", f"a guest names what they must not eat ({len(allergens)})")
    return None


def _cart(session: Session, event: Event) -> Told | None:
    match event:
        case e.LineAdded(by=by, line=line, quantity=quantity, quote=quote, note=note):
            said = f"adds line {line}: {_quoted(quote)} × {quantity} at {_priced(quote)}"
            return Told(_author(session, by), said + (f", note {note!r}" if note else ""))
        case e.QuantityChanged(by=by, line=line, change=change, how=how, quote=quote):
            kept = session.cart.lines.get(line)
            name = _quoted(kept.quote) if kept is not None else "?"
            parts = ", ".join(f"{_author(session, guest)} {count:+d}" for guest, count in change.items())
            priced = f"; now {_priced(quote)}" if quote is not None else ""
            return Told(_author(session, by), f"line {line} ({name}), {how}: {parts}{priced}")
        case e.LineNoted(by=by, line=line, note=note):
            return Told(_author(session, by), f"line {line}: note {note!r}")
        case e.OrderedLineReassigned(by=by, line_id=line_id, change=change):
            parts = ", ".join(f"{_author(session, guest)} {count:+d}" for guest, count in change.items())
            return Told(_author(session, by), f"{line_id} is shared anew: {parts}")
    return None


def _rounds(session: Session, event: Event) -> Told | None:
    match event:
        case e.RoundSubmitted(round_no=number, by=by, taken=taken):
            return Told(_author(session, by), f"submits round {number} with {len(taken)} lines")
        case e.UnlistedSubmitted(round_no=number, by=staff, place=place):
            priced = f"{place.name} × {place.quantity} at {yuan(place.unit_price_fen)}"
            return Told(_account(staff), f"submits round {number}, on no menu: {priced}")
        case e.RoundTaken(placed=placed):
            lines = "; ".join(_placed(line) for line in placed.lines)
            held = ", waits for the staff" if placed.waits else ""
            return Told(
                "", f"round {placed.batch} is priced by menu version {placed.menu_version}{held}: {lines}"
            )
        case e.RoundReturned(round_no=number):
            return Told("", f"round {number} is back in the cart")
        case e.RoundFired(round_no=number):
            return Told("", f"round {number} is paid and goes to the kitchen")
        case e.RoundAccepted(round_no=number, number=pickup):
            return Told("", f"the kitchen has round {number}" + (f", number {pickup}" if pickup else ""))
        case e.RoundRejected(round_no=number, reason=reason, by=by):
            who = _account(by) if by is not None else ""
            return Told(who, f"rejects round {number}: {reason}")
        case e.RoundReleased(round_no=number, reason=reason):
            return Told("", f"round {number} is given up: {reason}")
        case e.LinesStand(notes=notes):
            stand = ", ".join(f"{note.line_id} {note.status}" for note in notes)
            return Told("", f"in the kitchen: {stand}")
    return None


def _staff(event: Event) -> Told | None:
    match event:
        case e.CallAcknowledged(call_id=call, by=by):
            return Told(_account(by), f"comes to call {call}")
        case e.SessionCleared(by=by, reason=reason):
            return Told(_account(by), "clears the table" + (f": {reason}" if reason else ""))
    return None


def _by_its_fields(session: Session, event: Event) -> Told:
    fields: dict[str, Any] = msgspec.to_builtins(event)
    by = fields.pop("by", "")
    who = by.get("account", "") if isinstance(by, dict) else _author(session, str(by or ""))
    said = " ".join(f"{name}={value}" for name, value in fields.items() if value not in ("", None, [], {}))
    return Told(
        who, f"{_WORDS.sub(' ', type(event).__name__).lower()}: {said}" if said else type(event).__name__
    )


def _author(session: Session, author: str) -> str:
    if author.startswith(STAFF):
        return author.removeprefix(STAFF)
    guest = session.guests.get(author)
    return f"{guest.name} ({author})" if guest is not None and guest.name != author else author


def _account(by: By) -> str:
    return by.account + (f", with {by.approved_by}" if by.approved_by else "")


def _quoted(quote: Quote) -> str:
    return quote.name + (f" ({quote.options_text})" if quote.options_text else "")


def _priced(quote: Quote) -> str:
    open_ = ", not weighed yet" if quote.provisional else ""
    return f"{yuan(quote.unit_price_fen)} (menu version {quote.menu_version}{open_})"


def _placed(line: PlacedLine) -> str:
    parts = " + ".join(f"{part.name} {yuan(part.amount_fen)}" for part in line.parts)
    box = f", box {yuan(line.box_fen)}" if line.box_fen else ""
    options = f" ({line.options_text})" if line.options_text else ""
    shares = f" = {parts}" if parts else ""
    return f"{line.name}{options} × {line.quantity} at {yuan(line.unit_price_fen)}{shares}{box}"


def yuan(fen: int) -> str:
    """An amount as it is printed.

    >>> yuan(8_805), yuan(-50)
    ('¥88.05', '-¥0.50')
    """
    sign, whole = "-" if fen < 0 else "", abs(fen)
    return f"{sign}¥{whole // 100}.{whole % 100:02d}"
