"""From any silo to the owner: mine → host, not mine → one micro-batch per silo over a lane.

While a lane's batches are in flight the next one fills; an idle lane sends at once. Nothing here is trusted: the
owner checks that it owns the shard, and the sender keeps every request until it is answered or its time is up.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
from collections.abc import Callable
from typing import Any

import structlog

from actors.activation import Pending
from actors.clock import Clock
from actors.codec import Unreadable, decode_word, digest, encode_payload
from actors.entity import EntityType, kind_of
from actors.host import EntityHost
from actors.lanes import (
    Answer,
    Batch,
    Lane,
    LaneDown,
    LaneTransport,
    Request,
    decode_batch,
    encode_batch,
)
from actors.metering import Meter
from actors.placement import Placement, shard_of
from actors.words import Command, Moved, Query, Rejected, Reply, Unserved

BATCHES_IN_FLIGHT_MAX = 2
TRY_AGAIN_S = 0.02
SWEEP_EVERY_S = 0.25
DEADLINE_S = 5.0

log = structlog.get_logger("kaifan.router")


class Forwarded:
    """A request that another silo is to answer."""

    __slots__ = ("callback", "command_id", "deadline", "entity", "final_no", "number", "receiver", "word")

    def __init__(
        self,
        entity: str,
        word: Command | Query,
        command_id: bytes,
        deadline: float,
        callback: Callable[[Reply], None],
        final_no: bool,
    ) -> None:
        self.entity = entity
        self.word = word
        self.command_id = command_id
        self.deadline = deadline
        self.callback = callback
        self.final_no = final_no
        self.number = 0
        self.receiver = ""


class Router:
    """Finds the owner of an entity and brings back its reply. Belongs to the silo's one loop.

    ``look`` asks the silo to read the placement anew; ``may_answer`` is the lease.
    """

    def __init__(
        self,
        *,
        address: str,
        host: EntityHost,
        transport: LaneTransport,
        clock: Clock,
        meter: Meter,
        may_answer: Callable[[], bool],
        look: Callable[[], None],
    ) -> None:
        self.address = address
        self.placement: Placement | None = None
        self._host = host
        self._transport = transport
        self._clock = clock
        self._meter = meter
        self._may_answer = may_answer
        self._look = look
        self._lanes: dict[str, Lane] = {}
        self._forwarded: dict[int, Forwarded] = {}
        self._numbers = itertools.count(1)
        self._gone: set[str] = set()
        self._sweeping = False
        self._stopped = False

    # --- the ingress ---------------------------------------------------------------------------------------

    def submit(
        self,
        entity: str,
        word: Command | Query,
        *,
        command_id: bytes,
        deadline: float,
        callback: Callable[[Reply], None],
        final_no: bool = False,
    ) -> None:
        """Bring a command (with its id) or a query (id ``b""``) to the entity's owner.

        ``entity`` is ``kind/id``, ``deadline`` in ``clock.monotonic()`` seconds. The callback gets exactly one
        reply, never ``Moved``, possibly before this returns. With ``final_no`` a rejection is recorded: the same
        command id is rejected for ever.
        """
        if self._stopped:
            callback(Unserved("unavailable", "This silo has stopped.", 1_000))
            return
        self._route(Forwarded(entity, word, command_id, deadline, callback, final_no))

    async def ask(
        self,
        entity: str,
        word: Command | Query,
        *,
        command_id: bytes = b"",
        timeout_s: float = DEADLINE_S,
    ) -> Reply:
        """The same for coroutines."""
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answered(reply: Reply) -> None:
            if not future.done():
                future.set_result(reply)

        self.submit(
            entity,
            word,
            command_id=command_id,
            deadline=self._clock.monotonic() + timeout_s,
            callback=answered,
        )
        return await future

    def _route(self, forwarded: Forwarded) -> None:
        placement = self.placement
        if placement is None:
            self._try_again(forwarded)
            return
        owner = placement.owner[shard_of(forwarded.entity)]
        if owner == self.address:
            self._route_home(forwarded)
        elif not owner or owner in self._gone:
            self._try_again(forwarded)
        else:
            self._forward(forwarded, owner)

    def _route_home(self, forwarded: Forwarded) -> None:
        if not self._may_answer():
            forwarded.callback(Unserved("unavailable", "This silo's lease is out.", 1_000))
            return
        word = forwarded.word
        pending = Pending(
            word,
            forwarded.command_id,
            digest(word) if forwarded.command_id else b"",
            forwarded.deadline,
            functools.partial(self._home_answered, forwarded),
            forwarded.final_no,
        )
        self._host.submit(forwarded.entity, pending)

    def _home_answered(self, forwarded: Forwarded, reply: Reply) -> None:
        if isinstance(reply, Moved):
            self._try_again(forwarded)
        else:
            forwarded.callback(reply)

    def _try_again(self, forwarded: Forwarded) -> None:
        """The owner is not known now: look at the placement and route again, until the deadline."""
        if self._stopped or self._clock.monotonic() + TRY_AGAIN_S >= forwarded.deadline:
            forwarded.callback(Unserved("unavailable", "The owner of this entity cannot be reached.", 1_000))
            return
        self._look()
        asyncio.get_running_loop().call_later(TRY_AGAIN_S, self._route, forwarded)

    # --- to other silos ------------------------------------------------------------------------------------

    def _forward(self, forwarded: Forwarded, owner: str) -> None:
        lane = self._lane(owner)
        if lane.full:
            forwarded.callback(Unserved("overloaded", "The way to the owner is full.", 1_000))
            return
        remaining = forwarded.deadline - self._clock.monotonic()
        if remaining <= 0:
            forwarded.callback(Unserved("unavailable", "The owner did not answer in time.", 1_000))
            return
        forwarded.number, forwarded.receiver = next(self._numbers), owner
        self._forwarded[forwarded.number] = forwarded
        self._sweep_later()
        self._push(
            lane,
            Request(
                forwarded.number,
                forwarded.entity,
                type(forwarded.word).__name__,
                encode_payload(forwarded.word),
                forwarded.command_id,
                max(1, int(remaining * 1000)),
                forwarded.final_no,
            ),
        )

    def _lane(self, receiver: str) -> Lane:
        lane = self._lanes.get(receiver)
        if lane is None:
            lane = self._lanes[receiver] = Lane(receiver)
        return lane

    def _push(self, lane: Lane, message: Request | Answer) -> None:
        lane.put(message)
        if not lane.departing and lane.flights < BATCHES_IN_FLIGHT_MAX:
            self._depart_soon(lane)

    def _depart_soon(self, lane: Lane) -> None:
        """At the end of this turn of the loop: what else it brings travels along."""
        lane.departing = True
        asyncio.get_running_loop().call_soon(self._depart, lane)

    def _depart(self, lane: Lane) -> None:
        lane.departing = False
        while lane.queue and lane.flights < BATCHES_IN_FLIGHT_MAX and not self._stopped:
            messages = lane.next_batch()
            version = self.placement.version if self.placement else 0
            batch = encode_batch(Batch(self.address, lane.receiver, version, messages))
            self._meter.lane_batches += 1
            self._meter.lane_messages += len(messages)
            lane.flights += 1
            self._transport.send(lane.receiver, batch, functools.partial(self._landed, lane, messages))

    def _landed(self, lane: Lane, messages: list[Request | Answer], down: LaneDown | None) -> None:
        lane.flights -= 1
        if down is not None:
            self._meter.lane_failures += 1
            log.warning("lane_down", to=lane.receiver, messages=len(messages), reason=str(down))
            self._not_received(messages)
        if lane.queue and not lane.departing:
            self._depart_soon(lane)

    def _not_received(self, messages: list[Request | Answer]) -> None:
        """Perhaps received, perhaps not: commands carry ids, so they may be sent again. Answers are dropped:
        whoever asked asks again."""
        for message in messages:
            if isinstance(message, Request):
                forwarded = self._forwarded.pop(message.number, None)
                if forwarded is not None:
                    self._try_again(forwarded)

    def peer_ended(self, address: str) -> None:
        """That incarnation answers no more: route again what it was asked."""
        if address in self._gone:
            return
        self._gone.add(address)
        if (lane := self._lanes.pop(address, None)) is not None:
            lane.queue.clear()
        self._transport.forget(address)
        for forwarded in [f for f in self._forwarded.values() if f.receiver == address]:
            del self._forwarded[forwarded.number]
            # Not later: the placement may name its heir by now, and that may be us.
            self._route(forwarded)

    # --- from other silos ----------------------------------------------------------------------------------

    def receive(self, raw: bytes) -> None:
        """A batch has come in. Returning is the acknowledgement of its receipt."""
        batch = decode_batch(raw)
        if batch.receiver != self.address or self._stopped:
            raise LaneDown(f"{batch.receiver} is not here; this is {self.address}")
        if self.placement is None or batch.placement_version > self.placement.version:
            self._look()
        for message in batch.messages:
            if isinstance(message, Request):
                self._asked(message, batch.sender)
            else:
                self._answered(message)

    def _answered(self, answer: Answer) -> None:
        forwarded = self._forwarded.pop(answer.number, None)
        if forwarded is None:
            return
        if isinstance(answer.reply, Moved):
            self._try_again(forwarded)
        else:
            forwarded.callback(answer.reply)

    def _asked(self, request: Request, sender: str) -> None:
        def answer(reply: Reply) -> None:
            if sender not in self._gone:
                self._push(self._lane(sender), Answer(request.number, reply))

        placement = self.placement
        if placement is None or placement.owner[shard_of(request.entity)] != self.address:
            self._look()
            answer(Moved(placement.version if placement else 0))
            return
        entity_type: EntityType[Any] | None = self._host.types.get(kind_of(request.entity))
        try:
            if entity_type is None:
                raise Unreadable(f"there is no entity {request.entity}")
            word = decode_word(request.word, request.payload, entity_type)
        except Unreadable as error:
            # A no that cannot be recorded is not told to a saga: a release that knows the word may say yes.
            answer(
                Unserved("unavailable", str(error), 5_000)
                if request.final_no
                else Rejected("unknown_command", 422, str(error), "", {}, 0)
            )
            return
        if not self._may_answer():
            answer(Unserved("unavailable", "The owner's lease is out.", 1_000))
            return
        self._host.submit(
            request.entity,
            Pending(
                word,
                request.command_id,
                digest(word) if request.command_id else b"",
                self._clock.monotonic() + request.remaining_ms / 1000,
                answer,
                request.final_no,
            ),
        )

    # --- deadlines -----------------------------------------------------------------------------------------

    def _sweep_later(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        for forwarded in [f for f in self._forwarded.values() if f.deadline <= now]:
            del self._forwarded[forwarded.number]
            code = "in_doubt" if forwarded.command_id else "unavailable"
            forwarded.callback(Unserved(code, "The owner did not answer in time.", 1_000))
        self._sweeping = False
        if self._forwarded:
            self._sweep_later()

    def stop(self) -> None:
        """Answer everybody who still waits; nothing is sent any more."""
        self._stopped = True
        waiting, self._forwarded = self._forwarded, {}
        for forwarded in waiting.values():
            forwarded.callback(Unserved("unavailable", "This silo has stopped.", 1_000))

    @property
    def depth(self) -> int:
        """Messages that wait in lanes."""
        return sum(len(lane.queue) for lane in self._lanes.values())
