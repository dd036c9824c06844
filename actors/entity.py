"""What a room writes to get an actor: decide, evolve, react, answer, wake.

A subclass of :class:`Entity` marks its methods with the decorators below; the class is read once into an
:class:`EntityType`, the table the host works from. Entities hold no state of their own but their ``id``: state
comes in as an argument and changes only in ``evolve``.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from actors.turn import Turn
from actors.words import Command, Event, Query, Send, Wake

S = TypeVar("S", bound=msgspec.Struct)
A = TypeVar("A")
F = TypeVar("F", bound=Callable[..., Any])

Instant = int
"""A moment in ms since the epoch (UTC)."""

Decision = Generator[Event, None, A]
"""Yields events, returns the answer."""

Decider = Callable[[Any, Any, Any, Turn], Generator[Event, None, Any]]
Evolver = Callable[[Any, Any, Any, Instant], None]
Answerer = Callable[[Any, Any, Any, Instant], Any]
Reactor = Callable[[Any, Any, Any, Turn], Iterator[Send]]
Waker = Callable[[Any, Any], Instant | None]
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


def _mark(role: str, *what: Any) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        marks = getattr(function, "_kaifan_marks", ())
        function._kaifan_marks = (*marks, (role, *what))  # type: ignore[attr-defined]
        return function

    return decorate


def decides(command: type[Command]) -> Callable[[F], F]:
    """``(self, state, cmd, turn) -> Decision[Answer]``: refuse with a Rejection, or yield events and return."""
    return _mark("decides", command)


def evolves(event: type[Event]) -> Callable[[F], F]:
    """``(self, state, e, at) -> None``: apply the event to the state; the only place where state changes."""
    return _mark("evolves", event)


def answers(query: type[Query]) -> Callable[[F], F]:
    """``(self, state, query, at) -> View``: a read; leaves only after what it saw is committed."""
    return _mark("answers", query)


def reacts(event: type[Event]) -> Callable[[F], F]:
    """``(self, state, e, turn) -> Iterator[Send]``: runs in the turn after evolve, never on replay."""
    return _mark("reacts", event)


def wakes(function: F) -> F:
    """``(self, state) -> Instant | None``: the earliest deadline; the runtime sends Wake when it has come."""
    return _mark("wakes")(function)


def upcasts(event: type[Event], version: int) -> Callable[[F], F]:
    """``(fields) -> fields`` (a staticmethod): reads ``event`` as written at ``version`` as ``version + 1``."""
    return _mark("upcasts", event, version)


def upcasts_state(version: int) -> Callable[[F], F]:
    """``(fields) -> fields`` (a staticmethod): reads a snapshot written at ``version`` as ``version + 1``."""
    return _mark("upcasts_state", version)


class EntityType(Generic[S]):
    """The table of one kind of entity: what it decides, evolves, answers, reacts to, and when it wakes."""

    def __init__(self, cls: type[Entity[S]], state: type[S]) -> None:
        self.cls = cls
        self.kind = cls.kind
        self.state = state
        self.deciders: dict[type[Command], Decider] = {}
        self.evolvers: dict[type[Event], Evolver] = {}
        self.answerers: dict[type[Query], Answerer] = {}
        self.reactors: dict[type[Event], list[Reactor]] = {}
        self.waker: Waker | None = None
        self.upcasters: dict[tuple[str, int], Upcaster] = {}
        self.state_upcasters: dict[int, Upcaster] = {}
        for name in dir(cls):
            raw = getattr(cls, name, None)
            # A mark on a staticmethod sits on the descriptor, not on the function it gives.
            marked = raw if hasattr(raw, "_kaifan_marks") else inspect.getattr_static(cls, name)
            for role, *what in getattr(marked, "_kaifan_marks", ()):
                self._enter(role, what, raw)
        self.words: dict[str, type[Command] | type[Query]] = {
            **{word.__name__: word for word in self.deciders},
            **{word.__name__: word for word in self.answerers},
        }
        self.events: dict[str, type[Event]] = {event.__name__: event for event in self.evolvers}
        unread = [event.__name__ for event in self.reactors if event not in self.evolvers]
        assert not unread, f"{self.kind} reacts to events it does not evolve: {unread}"

    def _enter(self, role: str, what: list[Any], function: Any) -> None:
        match role:
            case "decides":
                self._once(self.deciders, what[0], function)
            case "evolves":
                self._once(self.evolvers, what[0], function)
            case "answers":
                self._once(self.answerers, what[0], function)
            case "reacts":
                self.reactors.setdefault(what[0], []).append(function)
            case "wakes":
                assert self.waker is None, f"{self.kind} has two @wakes"
                self.waker = function
            case "upcasts":
                self._once(self.upcasters, (what[0].__name__, what[1]), function)
            case "upcasts_state":
                self._once(self.state_upcasters, what[0], function)

    def _once(self, table: dict[Any, Any], key: Any, function: Any) -> None:
        assert key not in table, f"{self.kind} handles {key} twice"
        table[key] = function

    def key(self, entity_id: str) -> str:
        """``kind/id``: the entity's address and the stem of its documents' ``_id``."""
        return f"{self.kind}/{entity_id}"


class Entity(Generic[S]):
    """Base of all actors. Subclasses set ``kind`` and write :meth:`blank` and the marked methods."""

    kind: ClassVar[str] = ""
    state_version: ClassVar[int] = 1
    type: ClassVar[EntityType[Any]]

    def __init__(self, entity_id: str) -> None:
        self.id = entity_id

    def blank(self) -> S:
        """The state before the first event."""
        raise NotImplementedError(f"{type(self).__name__} must say what its state is before the first event")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        state = next(
            (
                typing.get_args(base)[0]
                for base in getattr(cls, "__orig_bases__", ())
                if typing.get_origin(base) is Entity
            ),
            None,
        )
        if cls.kind and state is not None:
            cls.type = EntityType(cls, state)


def kind_of(key: str) -> str:
    """The kind in ``kind/id``."""
    return key.partition("/")[0]


__all__ = [
    "Decision",
    "Entity",
    "EntityType",
    "Instant",
    "Wake",
    "answers",
    "decides",
    "evolves",
    "kind_of",
    "reacts",
    "upcasts",
    "upcasts_state",
    "wakes",
]
