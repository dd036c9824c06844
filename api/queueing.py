"""The queue between addresses and its entity: tables as they stand, tickets as they are shown (T15)."""

from __future__ import annotations

from typing import Self

from api.addressed import Person
from api.call import Call
from api.moments import MomentText, rfc3339
from api.order_views import moment
from api.reserving import PreorderShown, preordered
from api.sealed import Seal
from api.views import Shown
from store_runtime.store.floor.commands import GetFloor
from store_runtime.store.floor.projections import FloorView
from store_runtime.waiting_queue.commands import TableNow
from store_runtime.waiting_queue.projections import TicketView


class TicketShown(Shown, frozen=True, kw_only=True):
    """``status``: waiting, called, passed, seated, left. ``ahead``: parties before it; ``eta_minutes``: how long that
    may take, by the tables as they stand.
    """

    ticket_id: str
    store_id: str
    number: str
    status: str
    party_size: int
    ahead: int
    eta_minutes: int
    taken_at: MomentText
    calls: int
    lines: list[PreorderShown]
    called_at: MomentText | None = None
    session_id: str | None = None
    person: Person | None = None
    note: str | None = None

    @classmethod
    def of(cls, view: TicketView, seal: Seal) -> Self:
        """The ticket's view, for its diner and for staff of the queue."""
        return cls(
            ticket_id=view.ticket_id,
            store_id=view.store_id,
            number=view.number,
            status=view.status,
            party_size=view.party_size,
            ahead=view.ahead,
            eta_minutes=view.eta_minutes,
            taken_at=rfc3339(view.taken_at),
            calls=view.calls,
            lines=[preordered(line) for line in view.lines],
            called_at=moment(view.called_at),
            session_id=view.session_id or None,
            person=seal.open(view.person, Person),
            note=view.note or None,
        )


async def tables_of(call: Call, store_id: str) -> tuple[TableNow, ...]:
    """The tables as they stand: what waiting times are made of."""
    floor = await call.ask(f"store/{store_id}", GetFloor(), FloorView)
    return tuple(
        TableNow(
            seats=table.seats,
            free=table.phase == "free",
            taken_at=min((sitting.opened_at for sitting in table.sessions), default=0),
        )
        for table in floor.items
    )
