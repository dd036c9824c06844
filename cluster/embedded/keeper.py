"""Brings an embedded server back that ended without being asked: killed, out of memory, crashed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from actors.tasks import end_tasks
from cluster.embedded.failure import EmbeddedFailure
from cluster.embedded.processes import process_end

AGAIN_S = 0.5
AGAIN_MAX_S = 10.0

log = structlog.get_logger("kaifan.keeper")


class Kept(Protocol):
    """A server that can start again where its clients look for it."""

    @property
    def pid(self) -> int: ...

    async def restart(self) -> None:
        """Start again on the same port. Raises EmbeddedFailure."""
        ...


class Keeper:
    """Watches one server from :meth:`start` to :meth:`stop`; ``tell`` gets a line for each end of it.

    Stop it before the server: what is asked to end must not come back.
    """

    def __init__(self, name: str, server: Kept, tell: Callable[[str], None]) -> None:
        self._name = name
        self._server = server
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def stop(self) -> None:
        if self._task is not None:
            await end_tasks(self._task)
            self._task = None

    async def _keep(self) -> None:
        while True:
            pid = self._server.pid
            await process_end(pid)
            log.error("server_ended", server=self._name, pid=pid)
            self._tell(f"{self._name} ended by itself; starting it again.")
            await self._bring_back()
            log.warning("server_is_back", server=self._name, pid=self._server.pid)

    async def _bring_back(self) -> None:
        """For ever: a full disk may be emptied, and without its servers the system only waits."""
        pause_s = AGAIN_S
        while True:
            try:
                await self._server.restart()
                return
            except EmbeddedFailure as failure:
                log.error("server_not_back", server=self._name, what=failure.what, how=failure.how)
                self._tell(f"{failure.what} {failure.how}")
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, AGAIN_MAX_S)
