"""Slots, days and reservation ids between addresses and entities (T14).

A slot's public id is ``<yyyymmdd>.<slot>``, a reservation's ``<store>.<yyyymmdd>.r…``: day, book and code can be read
from them.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

import msgspec

from api.addressed import Person
from api.call import Call
from api.menus import Board
from api.moments import MomentText, maybe_rfc3339, rfc3339, to_ms
from api.sealed import Seal
from api.views import PaymentShown, Shown
from pricing.items import ItemProblem, PricedItem, price_item
from pricing.selection import Selection
from store_runtime.reservations.commands import GetPlan, PreorderedLine, SlotTerms
from store_runtime.reservations.projections import PlanView, ReservationView, SlotView
from store_runtime.reservations.rejections import ReservationNotFound, SlotNotFound
from store_runtime.store.orders.commands import Note
from store_runtime.store.orders.rejections import CartStale, LineProblem
from store_runtime.table_session.commands import Quote

_SLOT = re.compile(r"(\d{8})\.([A-Za-z0-9_-]{1,32})")
_RESERVATION = re.compile(r"(.+\.\d{8})\.(r[a-z2-7]{16})")


class SlotShown(msgspec.Struct, frozen=True, kw_only=True):
    """A slot that can be booked, and what is left of it."""

    slot_id: str
    starts_at: MomentText
    seats_left: int
    kitchen_minutes_left: int
    party_max: int

    @classmethod
    def of(cls, day: str, view: SlotView) -> Self:
        """The slot's view."""
        return cls(
            slot_id=f"{day}.{view.slot_id}",
            starts_at=rfc3339(view.starts_at),
            seats_left=view.seats_left,
            kitchen_minutes_left=view.kitchen_minutes_left,
            party_max=view.party_max,
        )


class PreorderShown(Shown, frozen=True, kw_only=True):
    """A dish that was ordered before; it costs what the menu says on the day."""

    dish_id: str
    name: str
    quantity: int
    unit_price_fen: int
    options_text: str | None = None
    note: str | None = None


class ReservationShown(Shown, frozen=True, kw_only=True):
    """``status``: held (until the deposit is paid), booked, arrived, cancelled, no_show.

    ``deposit``: none, open, kept, refunded, forfeited. ``preorder``: none, noted, asked, held, refused, seated, off.
    ``free_until``: a diner who cancels later loses the deposit.
    """

    reservation_id: str
    store_id: str
    slot_id: str
    starts_at: MomentText
    party_size: int
    status: str
    deposit: str
    deposit_fen: int
    preorder: str
    lines: list[PreorderShown]
    seq: int
    free_until: MomentText
    payment: PaymentShown | None = None
    reason: str | None = None
    session_id: str | None = None
    person: Person | None = None
    note: str | None = None

    @classmethod
    def of(cls, view: ReservationView, seal: Seal | None = None) -> Self:
        """The reservation's view; ``seal`` opens the person, where the caller may see them."""
        day = view.reservation_id.rpartition(".")[0].rpartition(".")[2]
        return cls(
            reservation_id=view.reservation_id,
            store_id=view.store_id,
            slot_id=f"{day}.{view.slot_id}",
            starts_at=rfc3339(view.starts_at),
            party_size=view.party_size,
            status=view.status,
            deposit=view.deposit,
            deposit_fen=view.deposit_fen,
            preorder=view.preorder,
            lines=[preordered(line) for line in view.lines],
            seq=view.seq,
            free_until=maybe_rfc3339(view.free_until) or "",
            payment=PaymentShown.of(view.payment) if view.payment is not None else None,
            reason=view.reason or None,
            session_id=view.session_id or None,
            person=seal.open(view.person, Person) if seal is not None else None,
            note=view.note or None,
        )


def preordered(line: PreorderedLine) -> PreorderShown:
    """One dish as it was ordered."""
    return PreorderShown(
        dish_id=line.selection.dish_id,
        name=line.quote.name,
        quantity=line.quantity,
        unit_price_fen=line.quote.unit_price_fen,
        options_text=line.quote.options_text or None,
        note=line.note or None,
    )


def book_of(reservation_id: str) -> tuple[str, str]:
    """The book's address and the code in it. Raises ReservationNotFound."""
    found = _RESERVATION.fullmatch(reservation_id)
    if found is None:
        raise ReservationNotFound()
    return f"reservation-book/{found[1]}", found[2]


async def plan_of(call: Call, store_id: str) -> PlanView:
    """What can be reserved there."""
    return await call.ask(f"reservation-plan/{store_id}", GetPlan(), PlanView)


def slots_of(plan: PlanView, day: date, zone: ZoneInfo) -> tuple[SlotTerms, ...]:
    """The slots of a day, by the store's clock."""
    return tuple(
        SlotTerms(
            slot_id=slot.slot_id,
            starts_at=to_ms(datetime.fromisoformat(f"{day.isoformat()}T{slot.starts}").replace(tzinfo=zone)),
            seats=slot.seats,
            kitchen_minutes=slot.kitchen_minutes,
            party_max=slot.party_max,
            version=plan.version,
        )
        for slot in plan.slots
        if day.isoweekday() in slot.weekdays
    )


def slot_of(plan: PlanView, slot_id: str, zone: ZoneInfo, now: int) -> tuple[str, SlotTerms]:
    """Day (yyyymmdd) and terms of a slot that can be booked now. Raises SlotNotFound."""
    found = _SLOT.fullmatch(slot_id)
    day = _day(found[1]) if found is not None else None
    if found is None or day is None:
        raise SlotNotFound()
    today = datetime.fromtimestamp(now / 1_000, zone).date()
    if not today <= day <= today + timedelta(days=plan.days_ahead):
        raise SlotNotFound()
    for slot in slots_of(plan, day, zone):
        if slot.slot_id == found[2] and slot.starts_at > now:
            return found[1], slot
    raise SlotNotFound()


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


class Wanted(msgspec.Struct, frozen=True):
    """One dish of a pre-order, as a body names it."""

    selection: Selection
    quantity: int
    note: Note


def preorder(board: Board, wanted: list[Wanted], starts_at: int) -> tuple[tuple[PreorderedLine, ...], int]:
    """The dishes as the menu has them at the time of the slot, and how many kitchen minutes they bring.

    Raises CartStale with all that cannot be had.
    """
    local = datetime.fromtimestamp(starts_at / 1_000, ZoneInfo(board.time_zone))
    weekday, minute = local.isoweekday(), local.hour * 60 + local.minute
    lines: list[PreorderedLine] = []
    problems: list[LineProblem] = []
    minutes = 0
    for number, one in enumerate(wanted, 1):
        item = price_item(board.index, one.selection, weekday, minute)
        if isinstance(item, ItemProblem):
            problems.append(
                LineProblem(
                    line_id=f"l{number}",
                    dish_id=one.selection.dish_id,
                    problem=item.problem,
                    detail=item.detail,
                )
            )
            continue
        minutes += one.quantity * sum(part.quantity * part.make_minutes for part in item.cooked)
        quote = _quote(item, board.index.version)
        lines.append(
            PreorderedLine(selection=one.selection, quantity=one.quantity, quote=quote, note=one.note)
        )
    if problems:
        raise CartStale(lines=problems, menu_version=board.index.version)
    return tuple(lines), minutes


def _quote(item: PricedItem, version: int) -> Quote:
    facts: dict[str, Any] = {} if item.name_en == item.name else {"name_en": item.name_en}
    return Quote(
        name=item.name,
        unit_price_fen=item.unit_price_fen,
        menu_version=version,
        options_text=item.options_text,
        allergens=item.allergens,
        provisional=item.provisional,
        **facts,
    )
