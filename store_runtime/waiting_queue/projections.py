"""What a queue shows. Moments ms; 0 is none."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from store_runtime.reservations.commands import Preorder, SeatReservation
from store_runtime.waiting_queue.commands import Band, QueueTerms, TableNow
from store_runtime.waiting_queue.eta import MINUTE_MS, eta_ms
from store_runtime.waiting_queue.state import ACTIVE, Queue, TicketState


class TicketView(msgspec.Struct, frozen=True, kw_only=True):
    """``status``: waiting, called, passed, seated, left. ``ahead``: parties of its band before it; ``eta_minutes``
    how long that may take.
    """

    ticket_id: str
    store_id: str
    user_id: str
    number: str
    status: str
    party_size: int
    ahead: int
    eta_minutes: int
    taken_at: int
    calls: int
    called_at: int
    session_id: str
    lines: Preorder
    person: str
    note: str


class BandView(msgspec.Struct, frozen=True, kw_only=True):
    """``called``: numbers that are called now, the last one first. ``eta_minutes`` is of a party that comes now."""

    prefix: str
    name: str
    party_from: int
    party_to: int
    waiting: int
    called: list[str]
    eta_minutes: int


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """The queue as the screen at the door shows it. ``seq`` counts its changes without a gap."""

    open: bool
    seq: int
    bands: list[BandView]


class TicketList(msgspec.Struct, frozen=True, kw_only=True):
    """Tickets of the day, in the order in which they were taken; and the terms."""

    terms: QueueTerms
    tickets: list[TicketView]


class SeatedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The ticket, and what its session is to be told, under the id of step ``seat``."""

    ticket: TicketView
    seat: SeatReservation


def band_of(terms: QueueTerms, prefix: str) -> Band:
    """The band of a ticket; one that is no longer in the terms waits as long as any."""
    for band in terms.bands:
        if band.prefix == prefix:
            return band
    return Band(prefix=prefix, party_from=1, party_to=1)


def ticket_view(queue: Queue, code: str, tables: Sequence[TableNow], at: int) -> TicketView:
    """One ticket."""
    ticket = queue.tickets[code]
    waits = ticket.state in ACTIVE
    ahead = queue.ahead(code) if waits else 0
    eta = eta_ms(band_of(queue.terms, ticket.prefix), ahead, tables, at) if waits else 0
    return TicketView(
        ticket_id=code,
        store_id=ticket.taken.store_id,
        user_id=ticket.taken.user_id,
        number=ticket.number,
        status=ticket.state.value,
        party_size=ticket.taken.party_size,
        ahead=ahead,
        eta_minutes=-(-eta // MINUTE_MS),
        taken_at=ticket.taken_at,
        calls=ticket.calls,
        called_at=ticket.called_at,
        session_id=ticket.session_id,
        lines=ticket.taken.lines,
        person=ticket.taken.person,
        note=ticket.taken.note,
    )


def queue_view(queue: Queue, tables: Sequence[TableNow], at: int) -> QueueView:
    """All bands."""
    return QueueView(
        open=queue.terms.open,
        seq=queue.live.seq,
        bands=[_band_view(queue, band, tables, at) for band in queue.terms.bands],
    )


def _band_view(queue: Queue, band: Band, tables: Sequence[TableNow], at: int) -> BandView:
    line = queue.order.get(band.prefix, [])
    called = [queue.tickets[code] for code in line if queue.tickets[code].state is TicketState.CALLED]
    return BandView(
        prefix=band.prefix,
        name=band.name,
        party_from=band.party_from,
        party_to=band.party_to,
        waiting=len(line) - len(called),
        called=[one.number for one in sorted(called, key=lambda one: (-one.called_at, one.serial))],
        eta_minutes=-(-eta_ms(band, len(line), tables, at) // MINUTE_MS),
    )
