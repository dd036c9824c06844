"""What is true of a queue."""

from __future__ import annotations

from typing import ClassVar

from actors.words import Event
from store_runtime.by import By
from store_runtime.reservations.commands import Preorder
from store_runtime.waiting_queue.commands import QueueTerms, TakeTicket


class QueueChanged(Event, frozen=True, kw_only=True):
    """These terms hold from now on."""

    terms: QueueTerms
    by: By | None = None


class DayBegan(Event, frozen=True, kw_only=True):
    """A new business day: numbers begin again, and nobody of yesterday waits."""

    day: int


class TicketTaken(Event, frozen=True, kw_only=True):
    """A party waits with this number."""

    outward: ClassVar[bool] = True

    ticket: TakeTicket
    prefix: str
    serial: int


class WaitingPreordered(Event, frozen=True, kw_only=True):
    """This is what they order while they wait."""

    code: str
    lines: Preorder


class TicketCalled(Event, frozen=True, kw_only=True):
    """The number was called."""

    outward: ClassVar[bool] = True

    code: str
    by: By | None = None


class TicketPassed(Event, frozen=True, kw_only=True):
    """过号: they did not come."""

    outward: ClassVar[bool] = True

    code: str
    by: By | None = None


class TicketRejoined(Event, frozen=True, kw_only=True):
    """They are back, behind ``behind`` others of their band."""

    code: str
    behind: int
    by: By | None = None


class TicketLeft(Event, frozen=True, kw_only=True):
    """They do not wait any more."""

    code: str
    by: By | None = None


class TicketSeated(Event, frozen=True, kw_only=True):
    """They sit at this session."""

    outward: ClassVar[bool] = True

    code: str
    session_id: str
    by: By


class TicketUnseated(Event, frozen=True, kw_only=True):
    """The session did not take them."""

    code: str
