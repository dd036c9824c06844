"""Deadlines of those who wait: nobody is left without an answer, however long a commit or a load takes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from actors.activation import Activation, Phase

if TYPE_CHECKING:
    from actors.host import EntityHost

SWEEP_EVERY_S = 0.25


class Sweeper:
    """Looks at the waiting every 250 ms, and only while somebody waits: no timer per command."""

    def __init__(self, host: EntityHost) -> None:
        self._host = host
        self._sweeping = False

    def wake(self) -> None:
        """Somebody waits."""
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP_EVERY_S, self._sweep)

    def _sweep(self) -> None:
        now = self._host.clock.monotonic()
        for activation in list(self._host.activations.values()):
            if activation.mailbox or activation.gated:
                self._sweep_one(activation, now)
        self._sweeping = False
        if self._host.pending_count > 0:
            self.wake()

    def _sweep_one(self, activation: Activation, now: float) -> None:
        overdue = [pending for pending in activation.mailbox if pending.deadline <= now]
        if overdue:
            activation.mailbox = deque(p for p in activation.mailbox if p.deadline > now)
        code = "in_doubt" if activation.phase is Phase.PARKED else "unavailable"
        for pending in overdue:
            self._host.refuse(pending, code, "The entity could not take its turn in time.")
        for gate in activation.gated:
            if gate.pending.deadline <= now and gate.pending.callback is not None:
                # Decided, perhaps durable: not a no. The same key learns the outcome (guarantee 3).
                self._host.refuse(gate.pending, "in_doubt", "The commit's outcome is not known yet.")
