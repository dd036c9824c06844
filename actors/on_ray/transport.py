"""A lane whose batch is one Ray actor call that returns on receipt."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ray
import structlog
from ray.exceptions import ActorDiedError, RayError

from actors.lanes import Landed, LaneDown
from actors.placement import silo_name

SEND_TIMEOUT_S = 2.0

log = structlog.get_logger("kaifan.lane")


class RayTransport:
    """Finds a silo's Ray actor by its name and calls ``receive`` on it. Bound to the silo's loop."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._handles: dict[str, Any] = {}
        self._flights: set[asyncio.Task[None]] = set()
        self._finder = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kaifan-lane-finder")

    def send(self, receiver: str, batch: bytes, landed: Landed) -> None:
        """As :class:`actors.lanes.LaneTransport` says; a call is a task."""
        flight = asyncio.get_running_loop().create_task(self._fly(receiver, batch, landed))
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)

    def forget(self, receiver: str) -> None:
        """The handle is the seat's, and its next process has the same one; Ray's head may be gone by then. One of an
        actor that is gone for good is found out by the next call.
        """

    async def _fly(self, receiver: str, batch: bytes, landed: Landed) -> None:
        down: LaneDown | None = None
        try:
            await self._call(receiver, batch)
        except LaneDown as error:
            down = error
        except Exception as error:
            # Whatever Ray says besides: the lane must hear of this flight, or it waits for it for ever.
            log.exception("lane_call_failed", to=receiver)
            down = LaneDown(f"{receiver}: {error!r}")
        landed(down)

    async def _call(self, receiver: str, batch: bytes) -> None:
        """Raises LaneDown when the actor is gone, restarting, of another incarnation, or silent for 2 s."""
        name = silo_name(receiver)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                received = await self._received(name, batch)
        except (RayError, ValueError, TimeoutError) as error:
            self._handles.pop(name, None)
            raise LaneDown(f"{receiver}: {type(error).__name__}") from error
        if not received:
            raise LaneDown(f"{receiver} is another incarnation by now")

    async def _received(self, name: str, batch: bytes) -> bool:
        """A seat that was given up and taken again has another actor under the same name; a batch names the
        incarnation it is for, so none is taken twice.
        """
        known = self._handles.get(name)
        if known is not None:
            try:
                return bool(await known.receive.remote(batch))
            except ActorDiedError:
                self._handles.pop(name, None)
        return bool(await (await self._find(name)).receive.remote(batch))

    async def _find(self, name: str) -> Any:
        """In a thread: a look-up waits for Ray's head, which may be gone while silos serve on (pitfall 15)."""
        loop = asyncio.get_running_loop()
        handle = await loop.run_in_executor(self._finder, self._look_up, name)
        self._handles[name] = handle
        return handle

    def _look_up(self, name: str) -> Any:
        return ray.get_actor(name, namespace=self._namespace)
