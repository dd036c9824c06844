"""What a queue remembers."""

from __future__ import annotations

import enum

import msgspec

from store_runtime.live import LiveLog
from store_runtime.waiting_queue.commands import QueueTerms, TakeTicket


class TicketState(enum.StrEnum):
    """Where a ticket stands."""

    WAITING = "waiting"
    CALLED = "called"
    PASSED = "passed"
    SEATED = "seated"
    LEFT = "left"


ACTIVE = (TicketState.WAITING, TicketState.CALLED)


class Ticket(msgspec.Struct, kw_only=True):
    """One party. ``rejoins``: how often it came back after it was passed."""

    taken: TakeTicket
    prefix: str
    serial: int
    taken_at: int
    state: TicketState = TicketState.WAITING
    calls: int = 0
    called_at: int = 0
    rejoins: int = 0
    session_id: str = ""

    @property
    def number(self) -> str:
        """As it is called out."""
        return f"{self.prefix}{self.serial:03d}"


class Queue(msgspec.Struct, kw_only=True):
    """``order``: per band, the codes of who waits or was called, first come first. ``last``: number given last, per
    band, today.
    """

    terms: QueueTerms = QueueTerms()
    day: int = 0
    tickets: dict[str, Ticket] = {}
    order: dict[str, list[str]] = {}
    last: dict[str, int] = {}
    live: LiveLog = msgspec.field(default_factory=LiveLog)

    def ahead(self, code: str) -> int:
        """How many parties of its band are before it."""
        ticket = self.tickets[code]
        line = self.order.get(ticket.prefix, [])
        return line.index(code) if code in line else 0
