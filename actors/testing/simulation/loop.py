"""An asyncio loop on virtual time whose callbacks the world runs one at a time."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actors.testing.simulation.world import World


class SimTask(asyncio.Task[Any]):
    """A task that hashes by its number: sets of tasks then iterate alike in every run of a seed."""

    _number = 0

    def __hash__(self) -> int:
        return self._number


class SimLoop(asyncio.AbstractEventLoop):
    """One silo's loop. It never runs by itself: :meth:`World.step` pops from ``ready``."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.ready: deque[asyncio.Handle] = deque()
        self.tasks: list[SimTask] = []
        self.dead = False
        self.paused_until = 0.0
        self.strike_in = 0
        self._strike: Callable[[], object] | None = None

    # --- what the world asks of a loop -----------------------------------------------------------------------

    def strike_after(self, callbacks: int, strike: Callable[[], object]) -> None:
        """Let a fault hit between two callbacks: after so many more of them. A later fault replaces an earlier."""
        self.strike_in, self._strike = callbacks, strike

    def count_down(self) -> None:
        self.strike_in -= 1
        if self.strike_in == 0 and self._strike is not None:
            self._strike()

    # --- what asyncio asks of a loop -------------------------------------------------------------------------

    def time(self) -> float:
        return self.world.now

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        self.world.note_ready(self)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.world.at(when, lambda: self._due(handle))
        return handle

    def _due(self, handle: asyncio.TimerHandle) -> None:
        if not handle.cancelled() and not self.dead:
            self.ready.append(handle)
            self.world.note_ready(self)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asked by TimerHandle.cancel; a cancelled timer is passed over when it is due."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> SimTask:
        task = SimTask(coro, loop=self, name=name or "task", context=context)
        task._number = self.world.next_number()
        self.tasks.append(task)
        if len(self.tasks) > 500:
            self.tasks = [kept for kept in self.tasks if not kept.done()]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self.dead

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.world.violate(f"{self.name}: {context.get('message')}: {context.get('exception')!r}")

    # --- the end of a seed -----------------------------------------------------------------------------------

    def bury(self) -> None:
        """Close what never came to its end, silently; a killed process runs no ``finally`` either."""
        self.dead = True
        self.ready.clear()
        for task in self.tasks:
            if not task.done():
                task._log_destroy_pending = False
                try:
                    task.get_coro().close()
                except (RuntimeError, AttributeError):
                    continue
        self.tasks.clear()
