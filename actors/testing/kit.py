"""Given / when / then for entities, in microseconds and without a runtime.

``after(entity, events…)`` is a visit up to now; ``.when(command)`` runs one turn as the host does (decide
to the full list of events, then evolve, then react) and goes on from there. Every turn is also checked
for what the runtime relies on:

* ``decide`` and answers change nothing, and the same turn decided again decides alike;
* events, commands, answers and sends survive being stored;
* the state replayed from the stored events, and the state restored from a snapshot, are the state itself;
* a Wake that is due makes progress (else the runtime would wake the entity for ever).

A room's test then reads::

    sale = after(FlashSaleItem("s1"), sale_opened(stock=10, per_user_limit=2))
    outcome = sale.when(Claim(user_id="guest-1", quantity=3))
    assert outcome.rejection == LimitReached(limit=2, taken=0)
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Generator
from typing import Any, Generic, TypeVar

import msgspec

from actors import codec
from actors.entity import Entity, EntityType
from actors.turn import ID_BYTES, Turn, derived_id
from actors.words import Command, Event, Query, Rejection, Send, Wake

S = TypeVar("S", bound=msgspec.Struct)

NOON = 1_795_492_800_000
"""2026-11-24 12:00 in Shanghai: when a test does not say when."""

WAKES_MAX = 10_000

_sorted = msgspec.msgpack.Encoder(order="deterministic").encode


class Outcome(msgspec.Struct, frozen=True):
    """What one turn came to. ``rejection`` is None when it was accepted; then ``reply`` is its answer."""

    reply: Any
    rejection: Rejection | None
    events: list[Event]
    sends: list[Send]
    command_id: bytes
    at: int

    @property
    def accepted(self) -> bool:
        return self.rejection is None


class Given(Generic[S]):
    """An entity and what has happened to it. Each accepted ``when`` becomes part of what is given."""

    def __init__(self, entity: Entity[S], at: int = NOON, *, thorough: bool = True) -> None:
        self.entity = entity
        self.at = at
        self.history: list[tuple[Event, int]] = []
        self._thorough = thorough
        self._type: EntityType[S] = type(entity).type
        self._state = entity.blank()
        self._replayed = entity.blank()
        self._restored = entity.blank()
        self._commands = 0

    @property
    def state(self) -> S:
        return self._state

    @property
    def key(self) -> str:
        return self._type.key(self.entity.id)

    @property
    def deadline(self) -> int | None:
        """When the entity wants to be woken; None: not at all."""
        waker = self._type.waker
        return None if waker is None else waker(self.entity, self._state)

    def then(self, event: Event, at: int | None = None) -> Given[S]:
        """This happened too; no decision is asked."""
        self._move_to(at)
        self._apply([event])
        return self

    def when(self, command: Command, at: int | None = None, command_id: bytes | None = None) -> Outcome:
        """One turn. ``command_id`` defaults to a new one; give the same one to see what a retry decides."""
        self._move_to(at)
        due = self.deadline
        command_id = command_id or self._next_id()
        turn = Turn(self.at, command_id, self.key)
        before = self._seen()
        try:
            events, reply = self._decide(command, turn)
        except Rejection as rejection:
            self._unchanged(before, command)
            return Outcome(None, rejection, [], [], command_id, self.at)
        self._unchanged(before, command)
        self._decides_alike(command, command_id, events, reply)
        self._survives(command)
        self._apply(events)
        sends = self._react(events, turn)
        self._check_words(reply, sends)
        if isinstance(command, Wake) and due is not None and due <= self.at:
            assert events, (
                f"{self.key}: woken at {self.at} for {due}, nothing happened, and it would be woken for ever"
            )
        return Outcome(reply, None, events, sends, command_id, self.at)

    def then_wake(self, at: int | None = None) -> Outcome:
        """The runtime's reminder, at its deadline unless told otherwise (it may come late, never early)."""
        if at is None:
            at = self.deadline
            assert at is not None, f"{self.key} has no deadline to be woken at"
        return self.when(Wake(), max(at, self.at))

    def wakes_until(self, at: int) -> list[Outcome]:
        """Every reminder that is due up to ``at``, each at its deadline; then the time is ``at``."""
        outcomes: list[Outcome] = []
        while (due := self.deadline) is not None and due <= at:
            assert len(outcomes) < WAKES_MAX, f"{self.key} is still woken after {WAKES_MAX} times, for {due}"
            outcomes.append(self.then_wake())
        self._move_to(at)
        return outcomes

    def ask(self, query: Query, at: int | None = None) -> Any:
        """The answer to a query; raises the Rejection it is refused with."""
        self._move_to(at)
        before = self._seen()
        view = self._type.answerers[type(query)](self.entity, self._state, query, self.at)
        self._unchanged(before, query)
        if self._thorough and isinstance(view, msgspec.Struct):
            _same_when_stored(view)
        return view

    # --- one turn, as the host runs it -------------------------------------------------------------------

    def _decide(self, command: Command, turn: Turn) -> tuple[list[Event], Any]:
        decider = self._type.deciders.get(type(command))
        assert decider is not None, f"{self._type.kind} does not decide {type(command).__name__}"
        decision: Generator[Event, None, Any] = decider(self.entity, self._state, command, turn)
        events: list[Event] = []
        while True:
            try:
                events.append(next(decision))
            except StopIteration as end:
                return events, end.value

    def _apply(self, events: list[Event]) -> None:
        for event in events:
            evolver = self._type.evolvers.get(type(event))
            assert evolver is not None, f"{self._type.kind} does not evolve {type(event).__name__}"
            evolver(self.entity, self._state, event, self.at)
            self.history.append((event, self.at))
        if self._thorough:
            self._replays(events)

    def _react(self, events: list[Event], turn: Turn) -> list[Send]:
        return [
            send
            for event in events
            for reactor in self._type.reactors.get(type(event), ())
            for send in reactor(self.entity, self._state, event, turn)
        ]

    def _move_to(self, at: int | None) -> None:
        if at is not None:
            assert at >= self.at, f"time goes back from {self.at} to {at}"
            self.at = at

    def _next_id(self) -> bytes:
        self._commands += 1
        return hashlib.blake2b(f"{self.key}#{self._commands}".encode(), digest_size=ID_BYTES).digest()

    # --- what the runtime relies on ----------------------------------------------------------------------

    def _seen(self) -> bytes:
        return codec.encode(self._state) if self._thorough else b""

    def _unchanged(self, before: bytes, word: Command | Query) -> None:
        assert self._seen() == before, f"{type(word).__name__} changed the state outside evolve"

    def _decides_alike(self, command: Command, command_id: bytes, events: list[Event], reply: Any) -> None:
        if not self._thorough:
            return
        again, answer = self._decide(command, Turn(self.at, command_id, self.key))
        assert (again, answer) == (events, reply), f"{type(command).__name__} decides otherwise again"

    def _survives(self, command: Command) -> None:
        if self._thorough:
            name = type(command).__name__
            read = codec.decode_word(name, codec.encode_payload(command), self._type)
            assert read == command, f"{name} is not the same when it is stored and read"

    def _check_words(self, reply: Any, sends: list[Send]) -> None:
        steps = [send.step for send in sends]
        assert len(steps) == len(set(steps)), f"two sends of one turn share a step: {steps}"
        if not self._thorough:
            return
        if isinstance(reply, msgspec.Struct):
            _same_when_stored(reply)
        for send in sends:
            _same_when_stored(send.command)
            if send.if_rejected is not None:
                self._survives(send.if_rejected)

    def _replays(self, events: list[Event]) -> None:
        """Replay of the stored form, and a snapshot taken before each turn, lead to the same state."""
        stored = [codec.record_event(event, self.at) for event in events]
        self._restored = _same_when_stored(self._restored)
        for event, record in zip(events, stored, strict=True):
            read = codec.decode_event(record, self._type)
            assert read == event, f"{type(event).__name__} is not the same when it is stored and read"
            for state in (self._replayed, self._restored):
                self._type.evolvers[type(read)](self.entity, state, read, record.at)
        _assert_same(self._replayed, self._state, f"{self.key}: replay leads to another state")
        _assert_same(self._restored, self._state, f"{self.key}: a restored snapshot leads to another state")


def after(entity: Entity[S], *happened: Event | tuple[Event, int], thorough: bool = True) -> Given[S]:
    """What is given: ``entity``, and what happened to it. An event alone happens at the moment of the one
    before it, the first at noon; a pair is an event and its moment.

    ``thorough=False`` leaves out the checks whose cost grows with the state; for loops over thousands of
    turns.
    """
    given = Given(
        entity, min([NOON, *(entry[1] for entry in happened if isinstance(entry, tuple))]), thorough=thorough
    )
    for entry in happened:
        if isinstance(entry, tuple):
            given.then(*entry)
        else:
            given.then(entry)
    return given


def _same_when_stored(value: Any) -> Any:
    """``value`` read back from its stored form, which must be the same."""
    read = msgspec.msgpack.decode(codec.encode(value), type=type(value))
    _assert_same(read, value, f"{type(value).__name__} is not the same when it is stored and read")
    return read


def _assert_same(one: Any, other: Any, otherwise: str) -> None:
    if codec.encode(one) != codec.encode(other):
        assert _sorted(one) != _sorted(other), (
            f"{otherwise}: in the order of a dict, or a set, which keeps none"
        )
        raise AssertionError(otherwise)


class InFlight(msgspec.Struct, frozen=True):
    """A send on its way: to whom, under which id, and what the sender gets if it is rejected."""

    sender: str
    id: bytes
    send: Send


class Stage:
    """Several entities and the sends between them, which a test delivers in any order, also twice.

    It does what the runtime promises of sends: they arrive at least once, a second delivery is answered
    and not executed, and a rejected one comes back to its sender as ``if_rejected``.
    """

    def __init__(self, *given: Given[Any]) -> None:
        self._given = {one.key: one for one in given}
        self._handled: set[tuple[str, bytes]] = set()
        self.in_flight: deque[InFlight] = deque()
        self.delivered: list[InFlight] = []
        self.at = max((one.at for one in given), default=NOON)

    def add(self, given: Given[Any]) -> None:
        self._given[given.key] = given

    def summon(self, key: str) -> Given[Any]:
        """An entity that nobody added and somebody writes to. Override it: virtual actors always exist."""
        raise AssertionError(f"{key} is not on the stage")

    def everybody(self) -> list[str]:
        """Everybody on the stage."""
        return list(self._given)

    def __getitem__(self, key: str) -> Given[Any]:
        if key not in self._given:
            self._given[key] = self.summon(key)
        return self._given[key]

    def when(self, key: str, command: Command, command_id: bytes | None = None) -> Outcome:
        """A command to ``key`` at the stage's time; what it sends is in flight afterwards."""
        given = self[key]
        outcome = given.when(command, max(self.at, given.at), command_id)
        if outcome.accepted:
            self._handled.add((key, outcome.command_id))
        self.in_flight.extend(
            InFlight(key, derived_id(outcome.command_id, send.step), send) for send in outcome.sends
        )
        return outcome

    def deliver(self, index: int = 0, *, twice: bool = False) -> Outcome | None:
        """Deliver one send of those in flight; None when the receiver had handled it before."""
        flight = self.in_flight[index]
        del self.in_flight[index]
        if twice:
            self.in_flight.append(flight)
        self.delivered.append(flight)
        send = flight.send
        if (send.to, flight.id) in self._handled:
            return None
        outcome = self.when(send.to, send.command, flight.id)
        if outcome.rejection is not None and send.if_rejected is not None:
            # A no that its sender undoes is final: a late copy hears it again.
            self._handled.add((send.to, flight.id))
            back = Send(to=flight.sender, command=send.if_rejected, step="rejected")
            self.in_flight.append(InFlight(send.to, derived_id(flight.id, "rejected"), back))
        return outcome

    def settle(self, deliveries_max: int = 10_000) -> None:
        """Deliver until nothing is in flight."""
        for _ in range(deliveries_max):
            if not self.in_flight:
                return
            self.deliver()
        raise AssertionError(f"still {len(self.in_flight)} sends in flight after {deliveries_max} deliveries")

    def pass_until(self, at: int) -> None:
        """Let time pass: reminders fire at their deadlines, earliest first, and sends arrive at once."""
        for _ in range(WAKES_MAX):
            due = [(one.deadline, key) for key, one in self._given.items() if one.deadline is not None]
            first = min(due, default=None)
            if first is None or first[0] > at:
                self.at = max(self.at, at)
                return
            self.at = max(self.at, first[0])
            self.when(first[1], Wake())
            self.settle()
        raise AssertionError(f"still woken after {WAKES_MAX} reminders")
