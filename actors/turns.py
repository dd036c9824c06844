"""One turn: decide to a full list of events, then evolve, then react. Synchronous; the only writer of state."""

from __future__ import annotations

import enum
from typing import Any

import msgspec
import structlog

from actors.activation import COMMAND_OVERHEAD_BYTES, RECORD_OVERHEAD_BYTES, Activation, Pending
from actors.codec import CommandRecord, EventRecord, Handled, SendRecord, encode, record_event
from actors.entity_memory import EntityMemory
from actors.turn import Turn, derived_id
from actors.words import (
    Accepted,
    Command,
    Event,
    IdempotencyKeyReused,
    Query,
    Rejected,
    Rejection,
    Reply,
    Send,
    TooLarge,
    UnknownCommand,
    Unserved,
    Wake,
)

log = structlog.get_logger("kaifan.turns")

NOTHING = encode(None)


class Taken(enum.Enum):
    """How a turn can end without a reply of its own."""

    AGAIN_LATER = "again_later"
    """The open batch is full: decide again when it has taken off."""
    BROKEN = "broken"
    """Evolve or react failed: the state is not to be trusted."""


def take_turn(activation: Activation, pending: Pending, now_ms: int, bytes_max: int) -> Reply | Taken:
    """Answer a query or decide a command on the activation's memory, into its open batch.

    The reply is not yet sent: it depends on ``activation.memory.seq``.
    """
    memory = activation.memory
    at = memory.last_at if memory.last_at > now_ms else now_ms
    word = pending.word
    if isinstance(word, Query):
        return _answer(memory, word, at)
    if pending.command_id and (known := memory.remembered.get(pending.command_id)) is not None:
        # A send's id cannot be used for another body; releases may differ in how they digest it.
        if known.digest != pending.digest and not pending.final_no:
            return rejected(IdempotencyKeyReused(), memory.seq)
        return known.reply(memory.seq)
    return _decide(activation, pending, word, at, bytes_max)


def _answer(memory: EntityMemory, query: Query, at: int) -> Reply:
    answerer = memory.type.answerers.get(type(query))
    if answerer is None:
        return _unknown(memory, query)
    try:
        return Accepted(encode(answerer(memory.entity, memory.state, query, at)), memory.seq)
    except Rejection as rejection:
        return rejected(rejection, memory.seq)
    except Exception as error:
        return _bug(memory, query, error)


def _decide(
    activation: Activation, pending: Pending, command: Command, at: int, bytes_max: int
) -> Reply | Taken:
    memory = activation.memory
    decider = memory.type.deciders.get(type(command))
    if decider is None:
        return Accepted(NOTHING, memory.seq) if isinstance(command, Wake) else _unknown(memory, command)
    # Wake has no id of its own; what it decides is tied to where in the history it is decided.
    cause = pending.command_id or derived_id(memory.key.encode(), f"wake@{memory.seq}")
    turn = Turn(at, cause, memory.key)
    events: list[Event] = []
    try:
        answer = _run(decider(memory.entity, memory.state, command, turn), events)
        if not events and pending.command_id:
            events.append(Handled())
        records = [record_event(event, at) for event in events]
        encoded = NOTHING if answer is None else encode(answer)
    except Rejection as rejection:
        return _refuse(activation, pending, turn, rejected(rejection, memory.seq), bytes_max)
    except Exception as error:
        return _bug(memory, command, error)
    size = len(encoded) + COMMAND_OVERHEAD_BYTES
    for record in records:
        size += len(record.payload) + RECORD_OVERHEAD_BYTES
    if size > bytes_max:
        too_large = rejected(TooLarge(size_bytes=size, size_bytes_max=bytes_max), memory.seq)
        return _refuse(activation, pending, turn, too_large, bytes_max)
    if not _has_room(activation, size, bytes_max):
        return Taken.AGAIN_LATER
    if not events:
        return Accepted(encoded, memory.seq)
    if not _happen(activation, pending, turn, events, records, size):
        return Taken.BROKEN
    _remember(activation, pending, turn, len(events), encoded)
    return Accepted(encoded, memory.seq)


def _has_room(activation: Activation, size: int, bytes_max: int) -> bool:
    return activation.open is None or activation.open.size_bytes + size <= bytes_max


def _refuse(
    activation: Activation, pending: Pending, turn: Turn, no: Rejected, bytes_max: int
) -> Reply | Taken:
    """A no leaves no trace, except a final one: it must stay a no when a late copy meets another state."""
    if not (pending.final_no and pending.command_id):
        return no
    answer = encode(no)
    size = len(answer) + COMMAND_OVERHEAD_BYTES + RECORD_OVERHEAD_BYTES
    if not _has_room(activation, size, bytes_max):
        return Taken.AGAIN_LATER
    handled = Handled()
    _happen(activation, pending, turn, [handled], [record_event(handled, turn.at)], size)
    _remember(activation, pending, turn, 1, answer, refused=True)
    return msgspec.structs.replace(no, seq=activation.memory.seq)


def _run(decision: Any, events: list[Event]) -> Any:
    try:
        while True:
            events.append(next(decision))
    except StopIteration as end:
        return end.value


def _happen(
    activation: Activation,
    pending: Pending,
    turn: Turn,
    events: list[Event],
    records: list[EventRecord],
    size: int,
) -> bool:
    """Evolve and react, into the open batch; False: the state is not to be trusted any more."""
    memory = activation.memory
    batch = activation.batch()
    try:
        for event in events:
            memory.apply(event, turn.at)
        sends = _react(memory, events, turn)
    except Exception as error:
        log.error("turn_broken", entity=memory.key, word=type(pending.word).__name__, exc_info=error)
        return False
    batch.events += records
    batch.size_bytes += size
    for event in events:
        if event.outward:
            batch.types.add(type(event).__name__)
    for send in sends:
        batch.size_bytes += len(send.payload) + len(send.rejected_payload) + RECORD_OVERHEAD_BYTES
        batch.sends.append(send)
        memory.owe(send, turn.at)
    return True


def _remember(
    activation: Activation, pending: Pending, turn: Turn, count: int, answer: bytes, refused: bool = False
) -> None:
    """The command's answer, with its last ``count`` events of the open batch."""
    if pending.command_id:
        batch, memory = activation.batch(), activation.memory
        first_event = len(batch.events) - count
        record = CommandRecord(pending.command_id, pending.digest, first_event, answer, refused)
        batch.commands.append(record)
        memory.remember(record, turn.at, memory.seq)


def _react(memory: EntityMemory, events: list[Event], turn: Turn) -> list[SendRecord]:
    sends: dict[bytes, SendRecord] = {}
    reactors = memory.type.reactors
    for event in events:
        if type(event) not in reactors:
            continue
        for reactor in reactors[type(event)]:
            for send in reactor(memory.entity, memory.state, event, turn):
                record = send_record(send, turn.command_id)
                assert record.id not in sends, f"{memory.key}: two sends of one turn share step {send.step!r}"
                sends[record.id] = record
    return list(sends.values())


def send_record(send: Send, cause: bytes) -> SendRecord:
    """A send as stored; its id is that of the command the receiver sees."""
    rejected_command = send.if_rejected
    return SendRecord(
        derived_id(cause, send.step),
        send.to,
        type(send.command).__name__,
        encode(send.command),
        type(rejected_command).__name__ if rejected_command is not None else "",
        encode(rejected_command) if rejected_command is not None else b"",
    )


def rejected(rejection: Rejection, seq: int) -> Rejected:
    """A rejection as a reply."""
    kind = type(rejection)
    return Rejected(kind.code, kind.status, kind.sentence(), kind.hint, rejection.facts(), seq)


def _unknown(memory: EntityMemory, word: Command | Query) -> Rejected:
    return rejected(UnknownCommand(kind=memory.type.kind, command=type(word).__name__), memory.seq)


def _bug(memory: EntityMemory, word: Command | Query, error: Exception) -> Unserved:
    """A decision failed by a mistake of ours: no event happened, the state is as it was."""
    log.error("decision_failed", entity=memory.key, word=type(word).__name__, exc_info=error)
    return Unserved("internal_error", "The command failed by a mistake of ours; nothing was recorded.", 5_000)
