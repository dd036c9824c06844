"""What travels between silos: batches of msgpack messages, acknowledged on receipt, answered in the other lane.

A transport carries bytes: Ray calls (``on_ray``), a direct stream with calls behind it (``on_stream``), the
simulator's network.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec

from actors.words import Reply

LANE_MESSAGES_MAX = 10_000
LANE_BYTES_MAX = 16_000_000
BATCH_MESSAGES_MAX = 2_000
BATCH_BYTES_MAX = 2_000_000
"""Where a batch is cut; one message that is larger by itself travels alone."""
MESSAGE_OVERHEAD_BYTES = 64


class Request(msgspec.Struct, tag=0, array_like=True, gc=False):
    """A command or query on its way to its owner; ``final_no`` as in ``Pending``. The deadline is remaining time."""

    number: int
    entity: str
    word: str
    payload: bytes
    command_id: bytes
    remaining_ms: int
    final_no: bool = False


class Answer(msgspec.Struct, tag=1, array_like=True, gc=False):
    """The reply to request ``number`` of the receiving silo."""

    number: int
    reply: Reply


class Batch(msgspec.Struct, array_like=True, gc=False):
    """``sender`` and ``receiver`` are addresses (name#incarnation); a batch for an earlier incarnation is refused."""

    sender: str
    receiver: str
    placement_version: int
    messages: list[Request | Answer]


def message_bytes(message: Request | Answer) -> int:
    """About what it takes on the way."""
    if isinstance(message, Request):
        return len(message.payload) + MESSAGE_OVERHEAD_BYTES
    return len(getattr(message.reply, "answer", b"")) + MESSAGE_OVERHEAD_BYTES


class Lane:
    """What waits to go to one silo: requests of ours, answers to its own. Bounded by count and bytes."""

    __slots__ = ("departing", "flights", "queue", "receiver", "size_bytes")

    def __init__(self, receiver: str) -> None:
        self.receiver = receiver
        self.queue: deque[Request | Answer] = deque()
        self.size_bytes = 0
        self.flights = 0
        self.departing = False

    @property
    def full(self) -> bool:
        return len(self.queue) >= LANE_MESSAGES_MAX or self.size_bytes >= LANE_BYTES_MAX

    def put(self, message: Request | Answer) -> None:
        self.queue.append(message)
        self.size_bytes += message_bytes(message)

    def next_batch(self) -> list[Request | Answer]:
        """The oldest messages, up to BATCH_MESSAGES_MAX and BATCH_BYTES_MAX; at least one."""
        messages: list[Request | Answer] = []
        batch_bytes = 0
        while self.queue and len(messages) < BATCH_MESSAGES_MAX:
            size = message_bytes(self.queue[0])
            if messages and batch_bytes + size > BATCH_BYTES_MAX:
                break
            messages.append(self.queue.popleft())
            batch_bytes += size
        self.size_bytes -= batch_bytes
        return messages


class LaneDown(Exception):
    """The batch was not received, or nobody knows whether it was; commands carry ids, so it may be sent again."""


Landed = Callable[[LaneDown | None], None]
"""What became of a batch: None when it was received (not when it was worked on)."""


class LaneTransport(Protocol):
    """Carries bytes to silos. A callback and not a coroutine: a batch must not cost a task."""

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        """Calls ``landed`` exactly once, within seconds, and never before this returns."""
        ...

    def forget(self, receiver: str) -> None:
        """That incarnation has ended: nothing is sent to it any more."""
        ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


def encode_batch(batch: Batch) -> bytes:
    return _encode(batch)


def decode_batch(raw: bytes) -> Batch:
    return _decode(raw)
