"""What travels between silos: batches of msgpack messages, acknowledged on receipt, answered in the other lane.

A transport carries bytes; Ray calls are one, a direct stream will be another, the simulator's network a third.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from actors.words import Reply

LANE_MESSAGES_MAX = 10_000
LANE_BYTES_MAX = 16_000_000
BATCH_MESSAGES_MAX = 2_000


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


class LaneDown(Exception):
    """The batch was not received, or nobody knows whether it was; commands carry ids, so it may be sent again."""


class LaneTransport(Protocol):
    """Carries bytes to a silo and returns when they were received (not when they were worked on)."""

    async def send(self, receiver: str, batch: bytes) -> None:
        """Raises LaneDown."""
        ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Batch).decode


def encode_batch(batch: Batch) -> bytes:
    return _encode(batch)


def decode_batch(raw: bytes) -> Batch:
    return _decode(raw)
