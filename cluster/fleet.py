"""The silos of this machine: started, watched by pidfd, drained. Their ends are told to the living at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from actors.membership import ENDED, MemberStore, StoreUnreachable
from actors.quarantine import Quarantine, QuarantineStore
from actors.tasks import end_tasks
from cluster.embedded.processes import process_end
from cluster.plan import SiloPlan
from cluster.silo_actor import start_silo
from cluster.watchdog import slot_entity

CALL_S = 5.0
START_S = 60.0
DRAIN_S = 20.0
LOOK_AGAIN_S = 0.2

log = structlog.get_logger("kaifan.fleet")


class Fleet:
    """``plan_for`` gives a silo's plan by its name; ``members`` is the store that knows who lives.

    ``tell`` gets a line for each end of a silo that nobody asked for.
    """

    def __init__(
        self,
        plan_for: Callable[[str], SiloPlan],
        members: MemberStore,
        quarantine: QuarantineStore,
        node: str,
        tell: Callable[[str], None],
    ) -> None:
        self._plan_for = plan_for
        self._members = members
        self._quarantine = quarantine
        self._node = node
        self._tell = tell
        self._handles: dict[str, Any] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self.restarts = 0

    @property
    def names(self) -> list[str]:
        return sorted(self._handles, key=_number)

    async def start(self, count: int) -> None:
        """Bring the number of silos up to ``count``; returns when each of them serves."""
        wanted = [f"silo-{number}" for number in range(count)]
        fresh = [name for name in wanted if name not in self._handles]
        for name in fresh:
            plan = self._plan_for(name)
            self._handles[name] = start_silo(name, plan.namespace, msgspec.msgpack.encode(plan))
        await asyncio.gather(*(self._wait_until_serving(name) for name in fresh))
        for name in fresh:
            self._watches[name] = asyncio.get_running_loop().create_task(self._watch(name))

    async def shrink(self, count: int) -> None:
        """Drain and end the silos with the highest numbers until ``count`` are left."""
        surplus = self.names[count:]
        for name in reversed(surplus):
            await self._end(name)

    async def stop(self) -> None:
        """Drain all of them, the last one commits and forgets everything."""
        for name in reversed(self.names):
            await self._end(name)

    async def statuses(self) -> list[dict[str, Any]]:
        """What each silo says of itself; a silo that does not answer says so."""
        return list(await asyncio.gather(*(self._status(name) for name in self.names)))

    async def _status(self, name: str) -> dict[str, Any]:
        try:
            status: dict[str, Any] = await self._call(name, "status")
            return status
        except Exception as error:
            return {"silo": name, "state": "away", "serving": False, "reason": type(error).__name__}

    async def _call(self, name: str, method: str, *arguments: Any, timeout_s: float = CALL_S) -> Any:
        return await asyncio.wait_for(getattr(self._handles[name], method).remote(*arguments), timeout_s)

    async def _wait_until_serving(self, name: str) -> None:
        async with asyncio.timeout(START_S):
            while True:
                status = await self._call(name, "status", timeout_s=START_S)
                if status["serving"] and status["shards"] > 0:
                    return
                await asyncio.sleep(0.02)

    async def demo(self, passwords: dict[str, str], known_sales: list[str]) -> list[str]:
        """Let the first silo make the demo restaurant."""
        return list(await self._call(self.names[0], "demo", passwords, known_sales, timeout_s=START_S))

    def poke(self, but: str = "") -> None:
        """Let the silos look at membership, placement and quarantine now."""
        for name in self.names:
            if name != but:
                self._handles[name].poke.remote()

    # --- watching ------------------------------------------------------------------------------------------

    async def _watch(self, name: str) -> None:
        """For ever: wait for the end of the silo's process, tell the others, wait for its next one."""
        while name in self._handles:
            pid = await self._living_pid(name)
            if pid is None:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            await process_end(pid)
            self.restarts += 1
            log.warning("silo_process_ended", silo=name, pid=pid)
            self._tell(f"{name} (process {pid}) ended by itself; it starts again, the others take over.")
            await self._announce_end(name, pid)

    async def _living_pid(self, name: str) -> int | None:
        """The silo's process as it has registered; Ray says it seconds later. None while it starts again."""
        try:
            for member in await self._members.members():
                if member.name == name and member.node == self._node and member.state != ENDED:
                    return member.pid
        except StoreUnreachable as outage:
            log.info("silo_not_found", silo=name, reason=str(outage))
        return None

    async def _announce_end(self, name: str, pid: int) -> None:
        """A process that is gone for certain need not be waited for: mark it ended, poke the living."""
        while True:
            try:
                await self._stop_endless(name)
                for member in await self._members.members():
                    if member.node == self._node and member.pid == pid and member.state != ENDED:
                        await self._members.mark_ended(member.name, member.incarnation, None)
                break
            except StoreUnreachable:
                await asyncio.sleep(LOOK_AGAIN_S)
        self.poke(but=name)

    async def _stop_endless(self, name: str) -> None:
        """The entity whose turn ended the process is stopped before an heir may take its shard and meet the same
        command: an endless turn costs one process, once. The slot is forgotten only when that is written."""
        slot = Path(self._plan_for(name).run_folder) / f"{name}.turn"
        entity = slot_entity(slot)
        if entity is not None:
            await self._quarantine.put(Quarantine(entity=entity, reason="a turn did not end"))
            slot.unlink(missing_ok=True)
            log.error("entity_quarantined", entity=entity, reason="a turn did not end")
            self._tell(f"{entity} is stopped: its turn did not end. Decide with `kaifan entity {entity} …`.")

    # --- ending --------------------------------------------------------------------------------------------

    async def _end(self, name: str) -> None:
        import ray

        watch = self._watches.pop(name, None)
        if watch is not None:
            await end_tasks(watch)
        try:
            await self._call(name, "leave", DRAIN_S, timeout_s=DRAIN_S + 2 * CALL_S)
        except Exception as error:
            # What is committed is safe; what was not was never acknowledged.
            log.warning("silo_did_not_leave", silo=name, reason=type(error).__name__)
        pid = await self._living_pid(name)
        ray.kill(self._handles.pop(name), no_restart=True)
        if pid is not None:
            await self._announce_killed(name, pid)

    async def _announce_killed(self, name: str, pid: int) -> None:
        """It did not leave in order: without a word from us its shards would wait for its lease to run out."""
        try:
            async with asyncio.timeout(CALL_S):
                await process_end(pid)
                await self._announce_end(name, pid)
        except TimeoutError:
            log.warning("end_not_announced", silo=name, pid=pid)


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
