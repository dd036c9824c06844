"""Waking entities whose durable reminder is due: past-due first, only those we own, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from actors.host import EntityHost
from actors.membership import StoreUnreachable
from actors.reminders import Reminder, ReminderStore
from actors.words import Accepted, Rejected, Reply

AGAIN_S = 0.02

log = structlog.get_logger("kaifan.reminding")


class Reminding:
    """One silo's look at the reminder rows. ``mine`` gives the shards it may wake now."""

    def __init__(
        self,
        host: EntityHost,
        store: ReminderStore,
        mine: Callable[[], list[int]],
        random: Callable[[int], bytes],
    ) -> None:
        self._host = host
        self._store = store
        self._mine = mine
        self._random = random
        self._waking: set[str] = set()

    async def run(self) -> None:
        """Look for ever; the task is cancelled when the silo stops."""
        while True:
            try:
                more = await self._look()
            except StoreUnreachable as outage:
                more = False
                log.warning("cannot_remind", silo=self._host.address, reason=str(outage))
            await asyncio.sleep(AGAIN_S if more else self._host.settings.look_for_reminders_s)

    async def _look(self) -> bool:
        """Wake what is due; True if there is probably more."""
        mine = self._mine()
        limit = self._host.settings.due_per_look
        due = await self._store.due(self._host.clock.now_ms(), mine, limit) if mine else []
        fresh = [reminder for reminder in due if reminder.entity not in self._waking]
        for reminder in fresh:
            self._waking.add(reminder.entity)
            self._host.keep(asyncio.get_running_loop().create_task(self._wake(reminder)))
        return len(due) == limit and bool(fresh)

    async def _wake(self, reminder: Reminder) -> None:
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        def answered(reply: Reply) -> None:
            if not future.done():
                future.set_result(reply)

        try:
            self._host.wake(reminder.entity, answered)
            if isinstance(await future, Accepted | Rejected):
                await self._settle(reminder)
        except StoreUnreachable as outage:
            log.warning("reminder_not_settled", entity=reminder.entity, reason=str(outage))
        finally:
            self._waking.discard(reminder.entity)

    async def _settle(self, reminder: Reminder) -> None:
        """The Wake is committed: the row moves to the next deadline.

        Only of committed state: what is decided and not committed may be lost, and with it a deadline that would
        then be too late. What is decided from here on and needs an earlier row writes it itself, because
        ``reminder_at`` already says the later moment. A row that stays is due again at the next look.
        """
        activation = self._host.activations.get(reminder.entity)
        if activation is None or activation.memory.seq != activation.committed:
            return
        next_at = self._host.committer.deadline(activation)
        activation.reminder_at = next_at
        stamp = f"{self._host.address}:{self._random(6).hex()}"
        await self._store.settle(reminder, next_at, stamp)
