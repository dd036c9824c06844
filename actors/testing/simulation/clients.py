"""Clients that insist: the same command id again after every outage, through any silo; and what they must be told."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from actors.silo import Silo
from actors.testing.simulation.world import Seat, World
from actors.words import Accepted, Command, Query, Rejected, Reply, Unserved

DEADLINE_S = 1.5
PATIENCE_S = DEADLINE_S + 0.7
"""A client's own time-out; a silo that lives and runs must have answered by then."""

ATTEMPTS_MAX = 100
"""More than fit between the last fault and the end: who has no answer by then was forgotten."""

HASTY = 0.08
"""Share of requests that are sent twice at once in every second seed: a double click, a proxy that repeats."""

Done = Callable[[Reply], None]

AT_THE_DOOR = 2**62
"""Sequence of a no that an ingress gave without asking the entity. It may be older than what was acknowledged since,
but it must not meet a command that the journal holds."""


class Ingress(Protocol):
    """The way into a silo; a room with an ingress of its own puts it in place of the router."""

    def __call__(
        self,
        silo: Silo,
        entity: str,
        word: Command | Query,
        *,
        command_id: bytes,
        deadline: float,
        callback: Done,
    ) -> None: ...


def straight(
    silo: Silo, entity: str, word: Command | Query, *, command_id: bytes, deadline: float, callback: Done
) -> None:
    """Through the router and nothing else."""
    silo.router.submit(entity, word, command_id=command_id, deadline=deadline, callback=callback)


class Attempt:
    """One try of a request at one silo."""

    __slots__ = ("answered", "floor", "loop", "over", "seat", "sent_at")

    def __init__(self, world: World, seat: Seat, floor: int) -> None:
        self.seat = seat
        self.loop = seat.loop
        self.sent_at = world.now
        self.floor = floor
        self.answered = 0
        self.over = False
        """Answered, or given up by the client."""


class Request:
    """A command or query and all that was heard of it."""

    __slots__ = ("again", "attempts", "command_id", "done", "entity", "reply", "word")

    def __init__(self, entity: str, word: Command | Query, command_id: bytes, done: Done | None) -> None:
        self.entity = entity
        self.word = word
        self.command_id = command_id
        self.done = done
        self.attempts: list[Attempt] = []
        self.reply: Reply | None = None
        self.again = False
        """The next try is on its way."""


class Clients:
    """Sends requests into a world and checks every reply against what is durable and what was said before."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ingress: Ingress = straight
        self.answers = 0
        self.accepted: dict[tuple[str, bytes], bytes] = {}
        self.open = 0
        self._acknowledged: dict[str, int] = {}
        self._requests: list[Request] = []
        # Chance of its own, so that haste does not shift the faults of a seed.
        self._haste = random.Random(f"haste {world.seed}")
        self._hasty = HASTY * self._haste.randint(0, 1)

    def send(
        self, entity: str, word: Command | Query, command_id: bytes = b"", done: Done | None = None
    ) -> Request:
        """Ask until there is a definite answer; ``done`` gets it."""
        request = Request(entity, word, command_id, done)
        self._requests.append(request)
        self.open += 1
        self._try(request)
        if self._haste.random() < self._hasty:
            self.world.after(self._haste.random() * 0.03, lambda: self._try(request))
        return request

    def _try(self, request: Request) -> None:
        request.again = False
        if request.reply is not None:
            return
        if len(request.attempts) >= ATTEMPTS_MAX:
            return
        world = self.world
        seats = world.living()
        if not seats:
            world.after(0.1, lambda: self._try(request))
            return
        seat = seats[world.rng.randrange(len(seats))]
        attempt = Attempt(world, seat, self._acknowledged.get(request.entity, 0))
        request.attempts.append(attempt)
        assert attempt.loop is not None
        attempt.loop.call_soon(self._submit, request, attempt)
        world.after(PATIENCE_S, lambda: self._impatient(request, attempt))

    def _submit(self, request: Request, attempt: Attempt) -> None:
        silo = attempt.seat.silo
        assert silo is not None
        waiting = self._waiting(attempt, request.entity)
        self.ingress(
            silo,
            request.entity,
            request.word,
            command_id=request.command_id,
            deadline=silo.clock.monotonic() + DEADLINE_S,
            callback=lambda reply: self._answered(request, attempt, reply),
        )
        self.world.check_owner(request.entity)
        self.world.check_bounds()
        if self.world.settings.mailbox_max <= waiting < self._waiting(attempt, request.entity):
            # What a lost commit puts back into a mailbox does not count; what is taken in on top of it does.
            self.world.violate(f"{request.entity}: a full mailbox ({waiting}) took one more command")

    def _waiting(self, attempt: Attempt, entity: str) -> int:
        silo = attempt.seat.silo
        activation = silo.host.activations.get(entity) if silo is not None else None
        return len(activation.mailbox) if activation is not None else 0

    def _impatient(self, request: Request, attempt: Attempt) -> None:
        """No answer: a broken connection if its process died, else the silo owes one."""
        if attempt.answered:
            return
        attempt.over = True
        loop = attempt.loop
        assert loop is not None
        if not loop.dead and loop.paused_until <= attempt.sent_at:
            self.world.violate(
                f"{type(request.word).__name__} for {request.entity} got no answer at {attempt.seat.name} "
                f"within {PATIENCE_S} s"
            )
        elif not loop.dead:
            # It stood still: its answer may come when it runs again.
            self.world.after(PATIENCE_S, lambda: self._impatient(request, attempt))
        self._again(request)

    def _again(self, request: Request) -> None:
        """Try once more, unless a try is still under way."""
        if request.again or not all(attempt.over for attempt in request.attempts):
            return
        request.again = True
        self.world.after(0.05 + self.world.rng.random() * 0.4, lambda: self._try(request))

    def _answered(self, request: Request, attempt: Attempt, reply: Reply) -> None:
        attempt.answered += 1
        attempt.over = True
        if attempt.answered > 1:
            self.world.violate(f"two answers to one request for {request.entity}")
        self.answers += 1
        asked = f"{type(request.word).__name__} {request.command_id.hex()[:8]} of {request.entity}"
        heard = f"{type(reply).__name__} {getattr(reply, 'code', '')} seq {getattr(reply, 'seq', '-')}"
        self.world.say(f"{asked} at {attempt.seat.name}: {heard}")
        match reply:
            case Unserved(code=code):
                if code == "quarantined" or code == "internal_error":
                    self._finish(request, reply)
                else:
                    self._again(request)
            case Accepted() | Rejected():
                self._check(request, attempt, reply)
                self._finish(request, reply)
            case _:
                self.world.violate(f"the ingress was told {reply}")

    def _finish(self, request: Request, reply: Reply) -> None:
        if request.reply is None:
            request.reply = reply
            self.open -= 1
            if request.done is not None:
                request.done(reply)

    def unanswered(self) -> list[str]:
        """Requests without a definite answer, however long their clients insisted."""
        return [
            f"{type(request.word).__name__} for {request.entity} has no answer after "
            f"{len(request.attempts)} tries"
            for request in self._requests
            if request.reply is None
        ]

    # --- what a reply must be --------------------------------------------------------------------------------

    def _check(self, request: Request, attempt: Attempt, reply: Accepted | Rejected) -> None:
        key = (request.entity, request.command_id)
        if isinstance(reply, Accepted) and request.command_id:
            self._check_accepted(key, reply)
        else:
            self._check_fresh(request, attempt, reply)
            if isinstance(reply, Rejected) and key in self.world.stored_at:
                first_seq, _ = self.world.stored_at[key]
                if first_seq <= reply.seq:
                    self.world.violate(f"{reply.code}: a false no, the journal of {key[0]} holds the command")
        if reply.seq != AT_THE_DOOR:
            self._acknowledged[request.entity] = max(self._acknowledged.get(request.entity, 0), reply.seq)

    def _check_accepted(self, key: tuple[str, bytes], reply: Accepted) -> None:
        stored = self.world.stored_at.get(key)
        if stored is None:
            self.world.violate(f"acknowledged, but not in the journal: a command of {key[0]}")
            return
        if stored[1] != reply.answer:
            self.world.violate(f"answered otherwise than stored: a command of {key[0]}")
        before = self.accepted.setdefault(key, reply.answer)
        if before != reply.answer:
            self.world.violate(f"two answers to one command of {key[0]}")

    def _check_fresh(self, request: Request, attempt: Attempt, reply: Accepted | Rejected) -> None:
        """A read or a rejection knows all that was acknowledged before it was asked (pitfall 5)."""
        if reply.seq < attempt.floor:
            self.world.violate(
                f"stale: {request.entity} answered {type(request.word).__name__} at seq {reply.seq} after seq "
                f"{attempt.floor} had been acknowledged"
            )


def read(reply: Reply, as_type: Any = None) -> Any:
    """The answer of an accepted reply, None otherwise."""
    if not isinstance(reply, Accepted):
        return None
    return (
        msgspec.msgpack.decode(reply.answer, type=as_type)
        if as_type
        else msgspec.msgpack.decode(reply.answer)
    )
