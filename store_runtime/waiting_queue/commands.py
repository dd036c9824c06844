"""What can be asked of a queue. Moments ms since the epoch, ``_minutes`` minutes, ``_s`` seconds."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from actors.words import Command, Query
from store_runtime.by import By
from store_runtime.reservations.commands import Preorder
from store_runtime.store.orders.commands import Note
from store_runtime.texts import END, ONE_LINE

BANDS_MAX = 10
TICKETS_MAX = 1_000
"""Tickets of a day that a queue keeps."""
PARTY_MAX = 500

Prefix = Annotated[str, Meta(pattern=r"^[A-Z]{1,2}" + END)]
PartySize = Annotated[int, Meta(ge=1, le=PARTY_MAX)]


class Band(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Parties that wait for the same tables. ``minutes``: how long such a party sits, until tables say otherwise."""

    prefix: Prefix
    name: Annotated[str, Meta(max_length=32, pattern=ONE_LINE)] = ""
    party_from: PartySize
    party_to: PartySize
    minutes: Annotated[int, Meta(ge=1, le=600)] = 60


class QueueTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """How a store queues.

    Args:
        pass_after_s: 过号: who was called and does not come for so long is passed; 0: only staff pass.
        back_by: who comes back after that waits behind so many parties of the band.
        rejoins_max: how often a ticket may come back.
    """

    open: bool = True
    bands: Annotated[tuple[Band, ...], Meta(min_length=1, max_length=BANDS_MAX)] = (
        Band(prefix="A", name="小桌", party_from=1, party_to=2, minutes=45),
        Band(prefix="B", name="中桌", party_from=3, party_to=5, minutes=60),
        Band(prefix="C", name="大桌", party_from=6, party_to=PARTY_MAX, minutes=90),
    )
    pass_after_s: Annotated[int, Meta(ge=0, le=3_600)] = 180
    back_by: Annotated[int, Meta(ge=0, le=100)] = 3
    rejoins_max: Annotated[int, Meta(ge=0, le=100)] = 1


class ChangeQueue(Command, frozen=True, kw_only=True):
    """Staff put the terms; tickets that were given stay in their band. Answered with a QueueView."""

    terms: QueueTerms
    by: By | None = None


class TakeTicket(Command, frozen=True, kw_only=True):
    """A party waits. ``day`` is the store's business day; a new one begins with number 1. Answered with a TicketView.

    Args:
        code: the ticket's id, made by the ingress from the request; ``request`` tells a repeat from another one.
        person: whom to call, sealed at the door.
        lines: what they order while they wait.
    """

    code: str
    store_id: str
    day: int
    party_size: PartySize
    user_id: str = ""
    person: str = ""
    note: Note = ""
    lines: Preorder = ()
    request: bytes = b""
    by: By | None = None


class PreorderWaiting(Command, frozen=True, kw_only=True):
    """What a party orders while it waits, in place of what it ordered before. Answered with a TicketView."""

    code: str
    lines: Preorder
    user_id: str = ""


class CallTicket(Command, frozen=True, kw_only=True):
    """叫号: the next one of a band, or this ticket, perhaps again. Answered with a TicketView."""

    prefix: str = ""
    code: str = ""
    by: By | None = None


TicketMove = Literal["passed", "waiting", "left"]


class MoveTicket(Command, frozen=True, kw_only=True):
    """A ticket is passed (过号), comes back, or leaves. Answered with a TicketView.

    With ``user_id`` it is the diner's own: who may leave, and come back.
    """

    code: str
    to: TicketMove
    user_id: str = ""
    by: By | None = None


class SeatTicket(Command, frozen=True, kw_only=True):
    """They sit at ``session_id``. Answered with a SeatedAnswer."""

    code: str
    session_id: str
    by: By


class TicketSeatRefused(Command, frozen=True, kw_only=True):
    """The session does not take them (compensation of SeatReservation): they are called, as before."""

    code: str
    session_id: str


class TableNow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A table as the floor has it: free, or since when it is taken (ms)."""

    seats: int
    free: bool
    taken_at: int = 0


class GetQueue(Query, frozen=True, kw_only=True):
    """The queue as everybody sees it: QueueView. ``tables`` as they stand, for the waiting times."""

    tables: tuple[TableNow, ...] = ()


class GetTicket(Query, frozen=True, kw_only=True):
    """One ticket: TicketView. With ``user_id`` only that diner's own, with ``request`` only if it was made by it."""

    code: str
    user_id: str = ""
    request: bytes = b""
    tables: tuple[TableNow, ...] = ()


class ListTickets(Query, frozen=True, kw_only=True):
    """All tickets of the day, for staff: TicketList."""

    tables: tuple[TableNow, ...] = ()
