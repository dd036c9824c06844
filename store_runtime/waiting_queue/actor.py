"""WaitingQueue: tickets are taken, called, passed, seated, in their order (T15)."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import msgspec

from actors.entity import Decision, Entity, answers, decides, evolves, reacts, wakes
from actors.turn import Turn
from actors.words import Event, IdempotencyKeyReused, Send, Wake
from store_runtime.audit_log.acts import Audited, act_done
from store_runtime.live import Delta, GetDelta
from store_runtime.rejections import IllegalTransition, InvalidField
from store_runtime.reservations.commands import SeatReservation
from store_runtime.waiting_queue.commands import (
    TICKETS_MAX,
    Band,
    CallTicket,
    ChangeQueue,
    GetQueue,
    GetTicket,
    ListTickets,
    MoveTicket,
    PreorderWaiting,
    SeatTicket,
    TakeTicket,
    TicketSeatRefused,
)
from store_runtime.waiting_queue.events import (
    DayBegan,
    QueueChanged,
    TicketCalled,
    TicketLeft,
    TicketPassed,
    TicketRejoined,
    TicketSeated,
    TicketTaken,
    TicketUnseated,
    WaitingPreordered,
)
from store_runtime.waiting_queue.projections import (
    QueueView,
    SeatedAnswer,
    TicketList,
    TicketView,
    queue_view,
    ticket_view,
)
from store_runtime.waiting_queue.rejections import (
    AlreadyWaiting,
    NoBand,
    NobodyWaiting,
    QueueClosed,
    QueueFull,
    TicketNotFound,
)
from store_runtime.waiting_queue.state import ACTIVE, Queue, Ticket, TicketState

PASSES_MAX = 100
ALLOWED = {
    TicketState.WAITING: ["call", "seat", "leave"],
    TicketState.CALLED: ["call", "seat", "pass", "leave"],
    TicketState.PASSED: ["rejoin", "seat"],
    TicketState.SEATED: [],
    TicketState.LEFT: [],
}


class WaitingQueue(Audited, Entity[Queue]):
    """The queue of one store."""

    kind = "waiting-queue"

    def blank(self) -> Queue:
        return Queue()

    # --- decisions -------------------------------------------------------------------------------------

    @decides(ChangeQueue)
    def change(self, queue: Queue, cmd: ChangeQueue, turn: Turn) -> Decision[QueueView]:
        """Bands may not share a prefix."""
        InvalidField.check(cmd)
        prefixes = [band.prefix for band in cmd.terms.bands]
        if len(set(prefixes)) < len(prefixes):
            raise InvalidField(path="$.bands", problem="each prefix once")
        events: list[Event] = [QueueChanged(terms=cmd.terms, by=cmd.by)]
        yield from events
        subject = f"waiting-queue/{self.id}"
        yield from act_done(
            self.id,
            turn,
            cmd.by,
            "store.settings",
            subject,
            after={"open": cmd.terms.open, "bands": prefixes},
        )
        return queue_view(self._after(queue, events, turn.at), (), turn.at)

    @decides(TakeTicket)
    def take(self, queue: Queue, cmd: TakeTicket, turn: Turn) -> Decision[TicketView]:
        """The next number of the party's band; never one that was given today."""
        if cmd.code in queue.tickets:
            return ticket_view(queue, cmd.code, (), turn.at)
        InvalidField.check(cmd)
        if not queue.terms.open:
            raise QueueClosed()
        events: list[Event] = [DayBegan(day=cmd.day)] if cmd.day > queue.day else []
        today = self._after(queue, events, turn.at) if events else queue
        band = self._band(queue, cmd.party_size)
        self._must_be_new(today, cmd)
        serial = today.last.get(band.prefix, 0) + 1
        events.append(TicketTaken(ticket=cmd, prefix=band.prefix, serial=serial))
        yield from events
        return ticket_view(self._after(queue, events, turn.at), cmd.code, (), turn.at)

    def _band(self, queue: Queue, party_size: int) -> Band:
        for band in queue.terms.bands:
            if band.party_from <= party_size <= band.party_to:
                return band
        raise NoBand()

    def _must_be_new(self, queue: Queue, cmd: TakeTicket) -> None:
        if len(queue.tickets) >= TICKETS_MAX:
            raise QueueFull(tickets_max=TICKETS_MAX)
        for ticket in queue.tickets.values():
            if cmd.user_id and ticket.taken.user_id == cmd.user_id and ticket.state in ACTIVE:
                raise AlreadyWaiting(number=ticket.number)

    @decides(PreorderWaiting)
    def preorder(self, queue: Queue, cmd: PreorderWaiting, turn: Turn) -> Decision[TicketView]:
        """What they want when they sit down."""
        ticket = self._ticket(queue, cmd.code, cmd.user_id)
        InvalidField.check(cmd)
        if ticket.state not in (*ACTIVE, TicketState.PASSED):
            raise IllegalTransition(state=ticket.state.value, allowed=[])
        return (
            yield from self._told(queue, cmd.code, [WaitingPreordered(code=cmd.code, lines=cmd.lines)], turn)
        )

    @decides(CallTicket)
    def call(self, queue: Queue, cmd: CallTicket, turn: Turn) -> Decision[TicketView]:
        """The one who waits longest, unless staff name another; called again as often as it takes."""
        code = cmd.code or self._next(queue, cmd.prefix)
        ticket = self._ticket(queue, code)
        self._must_be(ticket, *ACTIVE)
        return (yield from self._told(queue, code, [TicketCalled(code=code, by=cmd.by)], turn))

    def _next(self, queue: Queue, prefix: str) -> str:
        for code in queue.order.get(prefix, []):
            if queue.tickets[code].state is TicketState.WAITING:
                return code
        raise NobodyWaiting()

    @decides(MoveTicket)
    def move(self, queue: Queue, cmd: MoveTicket, turn: Turn) -> Decision[TicketView]:
        """过号, back again, or gone."""
        ticket = self._ticket(queue, cmd.code, cmd.user_id)
        if ticket.state.value == cmd.to:
            return ticket_view(queue, cmd.code, (), turn.at)
        event: Event
        match cmd.to:
            case "passed":
                self._must_be(ticket, TicketState.CALLED)
                event = TicketPassed(code=cmd.code, by=cmd.by)
            case "waiting":
                self._must_be(ticket, TicketState.PASSED)
                if cmd.by is None and ticket.rejoins >= queue.terms.rejoins_max:
                    raise IllegalTransition(state=ticket.state.value, allowed=["tickets"])
                behind = min(queue.terms.back_by, len(queue.order.get(ticket.prefix, [])))
                event = TicketRejoined(code=cmd.code, behind=behind, by=cmd.by)
            case "left":
                self._must_be(ticket, *ACTIVE, TicketState.PASSED)
                event = TicketLeft(code=cmd.code, by=cmd.by)
        return (yield from self._told(queue, cmd.code, [event], turn))

    @decides(SeatTicket)
    def seat(self, queue: Queue, cmd: SeatTicket, turn: Turn) -> Decision[SeatedAnswer]:
        """They sit down; what they ordered while waiting is their round 1."""
        ticket = self._ticket(queue, cmd.code)
        again = ticket.state is TicketState.SEATED and ticket.session_id == cmd.session_id
        events: list[Event] = []
        if not again:
            self._must_be(ticket, *ACTIVE, TicketState.PASSED)
            events.append(TicketSeated(code=cmd.code, session_id=cmd.session_id, by=cmd.by))
        yield from events
        seen = self._after(queue, events, turn.at)
        view = ticket_view(seen, cmd.code, (), turn.at)
        return SeatedAnswer(ticket=view, seat=self._seating(ticket, cmd))

    def _seating(self, ticket: Ticket, by: SeatTicket | TicketSeated) -> SeatReservation:
        return SeatReservation(
            reservation_id=f"{self.id}.{ticket.taken.code}",
            party_size=ticket.taken.party_size,
            lines=ticket.taken.lines,
            instead_of="",
            by=by.by,
        )

    @decides(TicketSeatRefused)
    def seat_refused(self, queue: Queue, cmd: TicketSeatRefused, turn: Turn) -> Decision[None]:
        """The session was closed by then."""
        ticket = queue.tickets.get(cmd.code)
        if ticket is not None and ticket.state is TicketState.SEATED and ticket.session_id == cmd.session_id:
            yield TicketUnseated(code=cmd.code)

    @decides(Wake)
    def wake(self, queue: Queue, cmd: Wake, turn: Turn) -> Decision[None]:
        """Who was called and has not come."""
        due = [code for code, at in self._passes(queue) if at <= turn.at]
        yield from (TicketPassed(code=code) for code in due[:PASSES_MAX])

    @wakes
    def next_deadline(self, queue: Queue) -> int | None:
        """When the first one who was called is passed."""
        return min((at for _, at in self._passes(queue)), default=None)

    def _passes(self, queue: Queue) -> list[tuple[str, int]]:
        if not queue.terms.pass_after_s:
            return []
        return [
            (code, queue.tickets[code].called_at + queue.terms.pass_after_s * 1_000)
            for line in queue.order.values()
            for code in line
            if queue.tickets[code].state is TicketState.CALLED
        ]

    def _told(self, queue: Queue, code: str, events: list[Event], turn: Turn) -> Decision[TicketView]:
        yield from events
        return ticket_view(self._after(queue, events, turn.at), code, (), turn.at)

    def _ticket(self, queue: Queue, code: str, user_id: str = "") -> Ticket:
        ticket = queue.tickets.get(code)
        if ticket is None or (user_id and ticket.taken.user_id != user_id):
            raise TicketNotFound()
        return ticket

    def _must_be(self, ticket: Ticket, *states: TicketState) -> None:
        if ticket.state not in states:
            raise IllegalTransition(state=ticket.state.value, allowed=ALLOWED[ticket.state])

    def _after(self, queue: Queue, events: list[Event], at: int) -> Queue:
        """The queue as it will be, for an answer; the queue itself is not touched."""
        seen = copy.deepcopy(queue) if events else queue
        for event in events:
            self.type.evolvers[type(event)](self, seen, event, at)
        return seen

    @reacts(TicketSeated)
    def seat_session(self, queue: Queue, e: TicketSeated, turn: Turn) -> Iterator[Send]:
        """Round 1 of their session."""
        yield Send(
            to=f"table-session/{e.session_id}",
            command=self._seating(queue.tickets[e.code], e),
            step="seat",
            if_rejected=TicketSeatRefused(code=e.code, session_id=e.session_id),
        )

    # --- questions -------------------------------------------------------------------------------------

    @answers(GetQueue)
    def show(self, queue: Queue, query: GetQueue, at: int) -> QueueView:
        """All bands."""
        return queue_view(queue, query.tables, at)

    @answers(GetTicket)
    def show_ticket(self, queue: Queue, query: GetTicket, at: int) -> TicketView:
        """One ticket."""
        ticket = self._ticket(queue, query.code, query.user_id)
        if query.request and ticket.taken.request != query.request:
            raise IdempotencyKeyReused()
        return ticket_view(queue, query.code, query.tables, at)

    @answers(ListTickets)
    def list_tickets(self, queue: Queue, query: ListTickets, at: int) -> TicketList:
        """The whole day."""
        views = [ticket_view(queue, code, query.tables, at) for code in queue.tickets]
        return TicketList(terms=queue.terms, tickets=views)

    @answers(GetDelta)
    def delta(self, queue: Queue, query: GetDelta, at: int) -> Delta:
        """What happened since (X1)."""
        return queue.live.since(query.since)

    # --- what the events do ----------------------------------------------------------------------------

    @evolves(QueueChanged)
    def on_changed(self, queue: Queue, e: QueueChanged, at: int) -> None:
        queue.terms = e.terms
        queue.live.add("queue_changed", at, open=e.terms.open)

    @evolves(DayBegan)
    def on_day(self, queue: Queue, e: DayBegan, at: int) -> None:
        queue.day = e.day
        queue.tickets, queue.order, queue.last = {}, {}, {}
        queue.live.add("queue_day", at, day=e.day)

    @evolves(TicketTaken)
    def on_taken(self, queue: Queue, e: TicketTaken, at: int) -> None:
        code = e.ticket.code
        queue.tickets[code] = Ticket(taken=e.ticket, prefix=e.prefix, serial=e.serial, taken_at=at)
        queue.order.setdefault(e.prefix, []).append(code)
        queue.last[e.prefix] = e.serial
        self._say(queue, code, at)

    @evolves(WaitingPreordered)
    def on_preordered(self, queue: Queue, e: WaitingPreordered, at: int) -> None:
        ticket = queue.tickets[e.code]
        ticket.taken = msgspec.structs.replace(ticket.taken, lines=e.lines)

    @evolves(TicketCalled)
    def on_called(self, queue: Queue, e: TicketCalled, at: int) -> None:
        ticket = queue.tickets[e.code]
        ticket.state, ticket.called_at = TicketState.CALLED, at
        ticket.calls += 1
        self._say(queue, e.code, at)

    @evolves(TicketPassed)
    def on_passed(self, queue: Queue, e: TicketPassed, at: int) -> None:
        self._out(queue, e.code, TicketState.PASSED, at)

    @evolves(TicketLeft)
    def on_left(self, queue: Queue, e: TicketLeft, at: int) -> None:
        self._out(queue, e.code, TicketState.LEFT, at)

    @evolves(TicketSeated)
    def on_seated(self, queue: Queue, e: TicketSeated, at: int) -> None:
        queue.tickets[e.code].session_id = e.session_id
        self._out(queue, e.code, TicketState.SEATED, at)

    @evolves(TicketRejoined)
    def on_rejoined(self, queue: Queue, e: TicketRejoined, at: int) -> None:
        ticket = queue.tickets[e.code]
        ticket.state = TicketState.WAITING
        ticket.rejoins += 1
        queue.order.setdefault(ticket.prefix, []).insert(e.behind, e.code)
        self._say(queue, e.code, at)

    @evolves(TicketUnseated)
    def on_unseated(self, queue: Queue, e: TicketUnseated, at: int) -> None:
        ticket = queue.tickets[e.code]
        ticket.state, ticket.session_id, ticket.called_at = TicketState.CALLED, "", at
        queue.order.setdefault(ticket.prefix, []).insert(0, e.code)
        self._say(queue, e.code, at)

    def _out(self, queue: Queue, code: str, state: TicketState, at: int) -> None:
        ticket = queue.tickets[code]
        ticket.state = state
        line = queue.order.get(ticket.prefix, [])
        if code in line:
            line.remove(code)
        self._say(queue, code, at)

    def _say(self, queue: Queue, code: str, at: int) -> None:
        ticket = queue.tickets[code]
        queue.live.add(f"ticket_{ticket.state.value}", at, number=ticket.number, calls=ticket.calls)
