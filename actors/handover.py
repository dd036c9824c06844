"""Giving shards away: draining what moves, and holding answers when ownership itself is in doubt.

Nothing in flight is dropped: what was decided commits and is answered, what was not is bounced to the next owner
(pitfall 7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from actors.activation import Activation, Phase

if TYPE_CHECKING:
    from actors.host import EntityHost


class Handover:
    """Which shards of this silo are moving or suspect, and what that means for their entities."""

    def __init__(self, host: EntityHost) -> None:
        self._host = host
        self.suspects: set[int] = set()
        """Shards in which another writer took our place; no answers for them until the placement has spoken."""
        self.draining: set[int] = set()
        """Shards for which nothing new is decided here."""
        self._waits: list[tuple[set[int], asyncio.Future[None]]] = []

    # --- doubt about ownership (a duplicate key by another writer) ------------------------------------------

    def suspect(self, shard: int) -> None:
        """The shard may be lost: hold its answers until the placement document says whose it is."""
        if shard not in self.suspects:
            self.suspects.add(shard)
            self._host.keep(asyncio.get_running_loop().create_task(self._ask_placement(shard)))

    async def _ask_placement(self, shard: int) -> None:
        ours = await self._host.ownership.confirm(shard)
        self.suspects.discard(shard)
        for activation in [a for a in self._host.activations.values() if a.shard == shard]:
            if ours:
                self._host.release(activation)
                self._host.activator.retry(activation)
            else:
                self._lose(activation)

    def _lose(self, activation: Activation) -> None:
        """Another silo owns it: what is durable is answered, the rest is sent on."""
        self._host.release(activation)
        self._host.abandon(activation)

    def lose_shards(self, shards: Iterable[int]) -> None:
        """The placement says these are another's (we were too slow to drain)."""
        lost = set(shards)
        for activation in [a for a in self._host.activations.values() if a.shard in lost]:
            self._lose(activation)

    # --- draining ------------------------------------------------------------------------------------------

    async def drain(self, shards: Iterable[int]) -> None:
        """Stop deciding for these shards, commit and answer what was decided, forget the entities.

        Returns when nothing of them is left in this silo. New arrivals are bounced from the first moment on.
        """
        lot = set(shards)
        self.draining |= lot
        for activation in [a for a in self._host.activations.values() if a.shard in lot]:
            self._drain_one(activation)
        if self._left_in(lot):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waits.append((lot, done))
            await done
        self._host.meter.handovers += len(lot)

    def undrain(self, shards: Iterable[int]) -> None:
        """The shards are ours (again): decide for them."""
        self.draining.difference_update(shards)
        for activation in [a for a in self._host.activations.values() if a.phase is Phase.DRAINING]:
            if activation.shard not in self.draining:
                activation.phase = Phase.ACTIVE

    def _drain_one(self, activation: Activation) -> None:
        for pending in activation.mailbox:
            self._host.bounce(pending)
        activation.mailbox.clear()
        if activation.phase is Phase.ACTIVE:
            activation.phase = Phase.DRAINING
            if activation.acknowledgements:
                self._host.committer.enqueue(activation)
        self.notice_drained(activation)

    def notice_drained(self, activation: Activation) -> None:
        if activation.shard not in self.draining:
            return
        if activation.phase is Phase.DRAINING and activation.quiet:
            self._host.forget(activation)
        for entry in [e for e in self._waits if activation.shard in e[0]]:
            lot, done = entry
            if not self._left_in(lot):
                self._waits.remove(entry)
                if not done.done():
                    done.set_result(None)

    def _left_in(self, lot: set[int]) -> bool:
        return any(activation.shard in lot for activation in self._host.activations.values())

    def give_up(self) -> None:
        """The silo stops: nobody waits for a drain any more."""
        for _, done in self._waits:
            if not done.done():
                done.set_result(None)
        self._waits.clear()
