"""Delivery of sends: at least once, after the commit that owes them, until the receiver has answered.

A send is stored with its sender's events. Accepted → acknowledged in the sender's journal. Rejected → the named
compensation is executed by the sender, then acknowledged; the receiver has recorded that no, so no late copy is
accepted afterwards. No answer → sent again with back-off, also after a
restart (guarantee 6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog

from actors.activation import Activation, Pending, Phase
from actors.codec import SendRecord, Unreadable, decode_word, digest
from actors.entity import kind_of
from actors.turn import derived_id
from actors.words import Accepted, Command, Query, Rejected, Reply

if TYPE_CHECKING:
    from actors.host import EntityHost

DELIVERY_DEADLINE_S = 5.0
BACK_OFF_S = 0.2
BACK_OFF_MAX_S = 5.0
REJECTED = "rejected"
"""The step of a compensation: its command id follows from the send's."""

LINGER_S = 0.05
"""Acknowledgements are collected for so long, or until the entity's next commit."""

log = structlog.get_logger("kaifan.courier")


class Submit(Protocol):
    """The router's way to an entity (``Router.submit``)."""

    def __call__(
        self,
        entity: str,
        word: Command | Query,
        *,
        command_id: bytes,
        deadline: float,
        callback: Callable[[Reply], None],
        final_no: bool = False,
    ) -> None: ...


class Courier:
    """Delivers what entities of this silo owe to others. ``submit`` is the router's; set by the silo."""

    def __init__(self, host: EntityHost) -> None:
        self._host = host
        self.submit: Submit | None = None

    def committed(self, activation: Activation, sends: list[SendRecord]) -> None:
        """These sends are durable: deliver them."""
        for record in sends:
            self._deliver(activation, record)

    def resume(self, activation: Activation) -> None:
        """After loading: all that is still owed is sent again."""
        for owed in list(activation.memory.sends.values()):
            self._deliver(activation, owed.record)

    def _deliver(self, activation: Activation, record: SendRecord) -> None:
        if self.submit is None or activation.phase is Phase.GONE or record.id not in activation.memory.sends:
            return
        if record.id in activation.acknowledgements or record.id in activation.courier:
            return
        if derived_id(record.id, REJECTED) in activation.memory.remembered:
            # It was rejected and compensated, only the acknowledgement got lost.
            self._acknowledge(activation, record)
            return
        entity_type = self._host.types.get(kind_of(record.to))
        if entity_type is None:
            self._park(activation, record, f"no entity kind for {record.to}")
            return
        try:
            word = decode_word(record.type, record.payload, entity_type)
        except Unreadable as error:
            self._park(activation, record, str(error))
            return
        activation.courier[record.id] = BACK_OFF_S
        self._send(activation, record, word)

    def _send(self, activation: Activation, record: SendRecord, word: Command | Query) -> None:
        assert self.submit is not None
        deadline = self._host.clock.monotonic() + DELIVERY_DEADLINE_S
        self.submit(
            record.to,
            word,
            command_id=record.id,
            deadline=deadline,
            callback=lambda reply: self._answered(activation, record, word, reply),
            final_no=bool(record.rejected_type),
        )

    def _answered(
        self, activation: Activation, record: SendRecord, word: Command | Query, reply: Reply
    ) -> None:
        if activation.phase is Phase.GONE:
            return
        match reply:
            case Accepted():
                self._host.meter.sends_delivered += 1
                self._acknowledge(activation, record)
            case Rejected(code=code):
                self._compensate(activation, record, code)
            case _:
                self._again(activation, record, lambda: self._send(activation, record, word))

    def _again(self, activation: Activation, record: SendRecord, action: Callable[[], None]) -> None:
        owed = activation.memory.sends.get(record.id)
        if owed is None:
            return
        age_s = (self._host.clock.now_ms() - owed.at) / 1000
        if age_s > self._host.settings.sends_retried_s:
            self._park(activation, record, f"no answer for {age_s:.0f} s")
            return
        back_off = activation.courier.get(record.id, BACK_OFF_S)
        activation.courier[record.id] = min(back_off * 2, BACK_OFF_MAX_S)

        def act() -> None:
            if activation.phase is not Phase.GONE:
                action()

        asyncio.get_running_loop().call_later(back_off, act)

    def _park(self, activation: Activation, record: SendRecord, reason: str) -> None:
        """Not tried again before the entity is loaded the next time; somebody must look."""
        self._host.meter.sends_parked += 1
        activation.courier.pop(record.id, None)
        log.error("send_parked", entity=activation.key, to=record.to, type=record.type, reason=reason)

    # --- what comes of it ----------------------------------------------------------------------------------

    def _compensate(self, activation: Activation, record: SendRecord, code: str) -> None:
        if not record.rejected_type:
            # The sender said that a rejection needs no answer; it is still worth a line.
            log.warning("send_rejected", entity=activation.key, to=record.to, type=record.type, code=code)
            self._acknowledge(activation, record)
            return
        try:
            command = decode_word(record.rejected_type, record.rejected_payload, activation.type)
        except Unreadable as error:
            self._park(activation, record, str(error))
            return
        self._host.meter.compensations += 1
        deadline = self._host.clock.monotonic() + DELIVERY_DEADLINE_S
        self._host.submit(
            activation.key,
            Pending(
                command,
                derived_id(record.id, REJECTED),
                digest(command),
                deadline,
                lambda reply: self._compensated(activation, record, code, reply),
            ),
        )

    def _compensated(self, activation: Activation, record: SendRecord, code: str, reply: Reply) -> None:
        if activation.phase is Phase.GONE:
            return
        match reply:
            case Accepted():
                self._acknowledge(activation, record)
            case Rejected(code=again):
                self._park(activation, record, f"rejected ({code}), and its compensation too ({again})")
            case _:
                self._again(activation, record, lambda: self._compensate(activation, record, code))

    def _acknowledge(self, activation: Activation, record: SendRecord) -> None:
        activation.courier.pop(record.id, None)
        if record.id not in activation.memory.sends or record.id in activation.acknowledgements:
            return
        activation.acknowledgements.append(record.id)
        if len(activation.acknowledgements) == 1:
            asyncio.get_running_loop().call_later(LINGER_S, self._flush, activation)

    def _flush(self, activation: Activation) -> None:
        if activation.phase is not Phase.GONE and activation.acknowledgements:
            self._host.committer.enqueue(activation)
