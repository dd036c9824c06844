"""The silos of this machine: started, watched by pidfd, drained. Their ends are told to the living at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from actors.membership import ENDED, Member, MemberStore, StoreUnreachable
from actors.quarantine import Quarantine, QuarantineStore
from actors.tasks import end_tasks
from cluster.embedded.processes import process_end
from cluster.notices import NoticeBoard
from cluster.plan import SiloPlan
from cluster.silo_actor import start_silo
from cluster.watchdog import slot_entity

CALL_S = 5.0
START_S = 60.0
DRAIN_S = 20.0
LOOK_AGAIN_S = 0.2
SPARE = "spare"

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
        board: NoticeBoard,
        tell: Callable[[str], None],
    ) -> None:
        self._plan_for = plan_for
        self._members = members
        self._quarantine = quarantine
        self._node = node
        self._board = board
        self._tell = tell
        self._handles: dict[str, Any] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self.restarts = 0

    @property
    def names(self) -> list[str]:
        """All processes, the spares last."""
        return sorted(self._handles, key=lambda name: (is_spare(name), _number(name)))

    async def seats(self) -> dict[str, str]:
        """Process → the seat that it holds; without those that are spares now. A spare that stood in for a silo holds
        that silo's seat, and the silo's own process has come back as the spare."""
        seats = {}
        for name, status in zip(self.names, await self.statuses(), strict=True):
            # Who does not answer is starting again: as what it began, unless somebody has stood in for it.
            spare = status.get("spare", is_spare(name))
            if not spare:
                seats[name] = str(status.get("seat") or name)
        return seats

    async def start(self, count: int) -> None:
        """Bring the number of silos that own shards up to ``count``; returns when each of them serves."""
        seats = await self.seats()
        taken = {*self._handles, *seats.values()}
        free = (name for number in itertools.count() if (name := f"silo-{number}") not in taken)
        await self._start(list(itertools.islice(free, max(0, count - len(seats)))))

    async def start_spares(self, count: int) -> None:
        """The spares; returns when each of them is ready to stand in."""
        await self._start([f"{SPARE}-{number}" for number in range(count)])

    async def _start(self, names: list[str]) -> None:
        fresh = [name for name in names if name not in self._handles]
        for name in fresh:
            plan = self._plan_for(name)
            self._handles[name] = start_silo(name, plan.namespace, msgspec.msgpack.encode(plan))
        await asyncio.gather(*(self._wait_until_serving(name) for name in fresh))
        for name in fresh:
            self._watches[name] = asyncio.get_running_loop().create_task(self._watch(name))

    async def shrink(self, count: int) -> None:
        """Drain and end the holders of the highest seats until ``count`` are left; spares stay."""
        seats = await self.seats()
        for name in sorted(seats, key=lambda name: _number(seats[name]), reverse=True)[: len(seats) - count]:
            await self._end(name)

    async def stop(self) -> None:
        """Drain all of them, the spares first; the last silo commits and forgets everything."""
        seats = await self.seats()
        for name in sorted(self.names, key=lambda name: (name in seats, -_number(name))):
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
                if status["serving"] and (status["shards"] > 0 or status["spare"]):
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
            member = await self._living(name)
            if member is None:
                await asyncio.sleep(LOOK_AGAIN_S)
                continue
            await process_end(member.pid)
            self._tell_heirs(member)
            self.restarts += 1
            log.warning("silo_process_ended", silo=member.address, pid=member.pid)
            self._tell(
                f"{name} (process {member.pid}) ended by itself; it starts again, the others take over."
            )
            await self._announce_end(member)

    async def _living(self, name: str) -> Member | None:
        """The silo as it has registered; Ray says it seconds later. None while it starts again."""
        try:
            for member in await self._members.members():
                if member.name == name and member.node == self._node and member.state != ENDED:
                    return member
        except StoreUnreachable as outage:
            log.info("silo_not_found", silo=name, reason=str(outage))
        return None

    def _tell_heirs(self, member: Member) -> None:
        """At once, and before anything is written: whoever inherits writes the end itself. Not so if an entity's turn
        ended the process: nobody may meet that command again before the entity is stopped."""
        if slot_entity(self._slot(member.name)) is None:
            self._board.tell_ended(member.address)

    async def _announce_end(self, member: Member) -> None:
        """The longer way, for whoever was not told: mark it ended, poke the living."""
        while True:
            try:
                await self._stop_endless(member.name)
                await self._members.mark_ended(member.name, member.incarnation, None)
                break
            except StoreUnreachable:
                await asyncio.sleep(LOOK_AGAIN_S)
        self.poke(but=member.name)

    def _slot(self, name: str) -> Path:
        return Path(self._plan_for(name).run_folder) / f"{name}.turn"

    async def _stop_endless(self, name: str) -> None:
        """The entity whose turn ended the process is stopped before an heir may take its shard and meet the same
        command: an endless turn costs one process, once. The slot is forgotten only when that is written."""
        slot = self._slot(name)
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
        member = await self._living(name)
        ray.kill(self._handles.pop(name), no_restart=True)
        if member is not None:
            await self._announce_killed(member)

    async def _announce_killed(self, member: Member) -> None:
        """It did not leave in order: without a word from us its shards would wait for its lease to run out."""
        try:
            async with asyncio.timeout(CALL_S):
                await process_end(member.pid)
                self._tell_heirs(member)
                await self._announce_end(member)
        except TimeoutError:
            log.warning("end_not_announced", silo=member.address, pid=member.pid)


def is_spare(name: str) -> bool:
    """By its name: what it is when it starts for the first time."""
    return name.startswith(f"{SPARE}-")


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])
