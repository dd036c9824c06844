"""The silo as a Ray actor. Ray places it, finds it by name and starts it again; it serves by itself.

``async def __init__`` does everything, because after a restart nothing else runs. Host, router and HTTP live on the
loop of the default group; the methods of group ``control`` run on another thread and only post to that loop.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import ray

CONTROL_TIMEOUT_S = 5.0
DEMO_TIMEOUT_S = 60.0


class SiloActor:
    """Made remote by :func:`start_silo`."""

    async def __init__(self, plan: bytes) -> None:  # type: ignore[misc]  # Ray awaits it
        from cluster.plan import SiloPlan
        from cluster.silo_process import SiloProcess

        self._loop = asyncio.get_running_loop()
        self._process = SiloProcess(msgspec.msgpack.decode(plan, type=SiloPlan))
        await self._process.start()

    async def receive(self, batch: bytes) -> bool:
        """A lane's batch has come in; returning is the acknowledgement of its receipt."""
        return self._process.receive(batch)

    @ray.method(concurrency_group="control")
    async def status(self) -> dict[str, Any]:
        """The silo's counts, read on its own loop."""
        return dict(await self._on_loop(self._status()))

    async def _status(self) -> dict[str, Any]:
        meter = self._process.silo.meter
        status = self._process.status()
        batch = meter.commit_commands
        status["drift_ms"] = round(self._process.drift_ms())
        status["commands"] = sum(meter.commands.values())
        status["commands_per_commit"] = round(batch.sum / batch.count, 1) if batch.count else 0
        status["commit_ms"] = (
            round(meter.commit_seconds.sum / meter.commit_seconds.count * 1000, 2) if batch.count else 0
        )
        return status

    @ray.method(concurrency_group="control")
    async def poke(self) -> None:
        """Look at membership and placement now."""
        self._loop.call_soon_threadsafe(self._process.silo.poke)

    @ray.method(concurrency_group="control")
    async def demo(self, passwords: dict[str, str], known_sales: list[str]) -> list[str]:
        """Make the demo restaurant; the ids of sales one can claim from."""
        return list(await self._on_loop(self._process.demo(passwords, known_sales), DEMO_TIMEOUT_S))

    @ray.method(concurrency_group="control")
    async def leave(self, timeout_s: float) -> None:
        """Drain and stop; the actor can be killed after it."""
        await self._on_loop(self._process.leave(timeout_s), timeout_s + CONTROL_TIMEOUT_S)

    async def _on_loop(self, work: Any, timeout_s: float = CONTROL_TIMEOUT_S) -> Any:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        return await asyncio.wait_for(asyncio.wrap_future(future), timeout_s)


def start_silo(name: str, namespace: str, plan: bytes) -> Any:
    """Start a silo; the handle returns at once, the actor serves when its ``__init__`` is through."""
    remote: Any = ray.remote(  # type: ignore[call-overload]  # its stubs know the options of functions only
        num_cpus=0,
        max_restarts=-1,
        max_task_retries=0,
        max_concurrency=1_000,
        concurrency_groups={"control": 8},
    )(SiloActor)
    return remote.options(name=name, namespace=namespace, get_if_exists=False).remote(plan)
