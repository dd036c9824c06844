"""What is done to a running system. Each fault returns when a new claim was acknowledged after it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from actors.membership import ALIVE, ENDED, Member
from loadtests.client import StormClient
from loadtests.generator import Diner
from loadtests.history import moment_ms
from loadtests.processes import HOST
from loadtests.wire import ConnectionBroken, HttpConnection
from tests.chaos.storm import Storm
from tests.chaos.system import NotRecovered, System, wait_until

DOUBT_SECONDS_MAX = 5.0
PAUSES_MAX = 4
STALE_ANSWER_SECONDS_MAX = 5.0


class Scene(NamedTuple):
    """Where a fault happens. ``witness`` is a diner outside the storm."""

    system: System
    storm: Storm
    witness: Diner
    chance: random.Random


class Harm(NamedTuple):
    """``kills``: processes that got SIGKILL or SIGSTOP. ``until_claim_ms``: from then to the first new
    claim; where nothing is killed, the longest time without one."""

    kills: int
    until_claim_ms: float


Fault = Callable[[Scene], Awaitable[Harm]]


async def kill_owner(scene: Scene) -> Harm:
    """The silo that owns the sale."""
    return await _kill(scene, await _owner(scene))


async def kill_other(scene: Scene) -> Harm:
    """A silo that does not own the sale, if there is one."""
    owner = await _owner(scene)
    others = [member for member in await scene.system.living() if member.address != owner.address]
    return await _kill(scene, scene.chance.choice(others or [owner]))


async def kill_all_silos(scene: Scene) -> Harm:
    """Every silo at once: the launcher and MongoDB are all that is left."""
    return await _kill(scene, *await scene.system.living())


async def kill_mongod(scene: Scene) -> Harm:
    """The journal's server: every commit under way is in doubt."""
    return await _kill_pids(scene, scene.system.server_pid("mongod"))


async def kill_owner_and_mongod(scene: Scene) -> Harm:
    """The owner with its doubts, and the server that could settle them."""
    owner = await _owner(scene)
    return await _kill_pids(scene, owner.pid, scene.system.server_pid("mongod"))


async def kill_cache(scene: Scene) -> Harm:
    """The Redis-compatible server: limits become local, everything else goes on."""
    return await _kill_pids(scene, scene.system.server_pid("valkey"))


async def pause_mongod(scene: Scene) -> Harm:
    """MongoDB is silent until a commit is in doubt, then it goes on and may do what it was asked long ago."""
    system = scene.system
    before = system.logged("commit_in_doubt")

    async def in_doubt() -> bool:
        return await asyncio.to_thread(system.logged, "commit_in_doubt") > before

    for pauses_left in reversed(range(PAUSES_MAX)):
        # With claims flowing a commit is under way; a silo whose lease has run out begins none.
        await scene.storm.acknowledged_after(moment_ms())
        with system.paused(system.server_pid("mongod")):
            try:
                await wait_until("a commit is in doubt", in_doubt, DOUBT_SECONDS_MAX)
                break
            except NotRecovered:
                if not pauses_left:
                    raise
    return Harm(1, await scene.storm.acknowledged_after(moment_ms()))


async def pause_owner(scene: Scene) -> Harm:
    """The owner sleeps until another has taken its place, wakes up, and must neither answer nor stay."""
    owner = await _owner(scene)
    storm, system = scene.storm, scene.system
    began = moment_ms()
    stale = HttpConnection(f"http://{HOST}:{owner.port}")
    async with (
        stale,
        StormClient(system.base_url, scene.witness.token, user=scene.witness.user, log=storm.log) as witness,
    ):
        await stale.request("GET", "/healthz")
        claim_id = await _claim_of(witness, storm.flash_sale_id)
        with system.paused(owner.pid):
            began = moment_ms()
            await wait_until(f"{owner.address} is declared ended", lambda: _ended(system, owner))
            took_ms = await storm.acknowledged_after(began)
            await witness.release(storm.flash_sale_id, claim_id)
            asked = asyncio.get_running_loop().create_task(_ask_stale(scene, stale, claim_id))
            await asyncio.sleep(0)  # the question is in the sleeper's socket before it wakes
        await asked
        await system.gone(owner.pid)
    return Harm(1, took_ms)


async def grow_and_shrink(scene: Scene) -> Harm:
    """One silo more, to which the sale moves, then as many as before, each with a hand-over under load."""
    system, storm = scene.system, scene.storm
    silos, began = system.silos, moment_ms()
    before = await _owner(scene)
    await system.scale(silos + 1)
    await system.settled()
    assert (await _owner(scene)).address != before.address, "the sale was chosen to move"
    await system.scale(silos)
    await storm.acknowledged_after(moment_ms())
    return Harm(0, storm.longest_silence(began))


async def kill_while_scaling(scene: Scene) -> Harm:
    """The owner dies while a silo joins, and the newcomer, the owner by then, dies while it leaves."""
    system, silos = scene.system, scene.system.silos
    owner = await _owner(scene)

    async def joined() -> bool:
        return any(member.name == f"silo-{silos}" for member in await system.living())

    async def leaving() -> bool:
        members = await system.members()
        return any(m.address == newcomer.address and m.state != ALIVE for m in members)

    growing = asyncio.get_running_loop().create_task(system.scale(silos + 1))
    await wait_until(f"silo-{silos} has joined", joined)
    first = await _kill(scene, owner)
    await growing
    await system.settled()
    newcomer = await _owner(scene)
    shrinking = asyncio.get_running_loop().create_task(system.scale(silos))
    await wait_until(f"{newcomer.address} is leaving", leaving)
    second = await _kill(scene, newcomer)
    await shrinking
    return Harm(first.kills + second.kills, max(first.until_claim_ms, second.until_claim_ms))


async def _claim_of(witness: StormClient, flash_sale_id: str) -> str:
    """A place in the sale, held or waiting: both can be given back."""
    claimed = await witness.claim(flash_sale_id, wait=True)
    if not claimed.accepted:
        raise NotRecovered(
            f"the witness was refused a place in the waitlist: {claimed.status} {claimed.body}"
        )
    return str(claimed.body["claim_id"])


async def _ask_stale(scene: Scene, stale: HttpConnection, claim_id: str) -> None:
    """Ask the sleeper itself about a claim that was given back meanwhile elsewhere."""
    path = f"/api/v1/flash-sales/{scene.storm.flash_sale_id}/claims/{claim_id}"
    headers = {"Authorization": f"Bearer {scene.witness.token}"}
    try:
        answer = await stale.request("GET", path, headers=headers, seconds=STALE_ANSWER_SECONDS_MAX)
    except ConnectionBroken:
        return
    scene.storm.judge_released(path, answer.status, answer.json().get("status"))


async def _ended(system: System, silo: Member) -> bool:
    return any(m.address == silo.address and m.state == ENDED for m in await system.members())


async def _owner(scene: Scene) -> Member:
    return await scene.system.owner_of(scene.storm.flash_sale_id)


async def _kill(scene: Scene, *silos: Member) -> Harm:
    return await _kill_pids(scene, *(silo.pid for silo in silos))


async def _kill_pids(scene: Scene, *pids: int) -> Harm:
    at = moment_ms()
    killed = await asyncio.gather(*(scene.system.kill(pid) for pid in pids))
    return Harm(sum(killed), await scene.storm.acknowledged_after(at))


FAULTS: Mapping[str, Fault] = {
    "kill owner": kill_owner,
    "kill other": kill_other,
    "kill all silos": kill_all_silos,
    "kill mongod": kill_mongod,
    "kill owner and mongod": kill_owner_and_mongod,
    "kill cache": kill_cache,
    "pause mongod": pause_mongod,
    "pause owner": pause_owner,
    "grow and shrink": grow_and_shrink,
    "kill while scaling": kill_while_scaling,
}
SLOW = frozenset({"pause mongod", "pause owner", "grow and shrink", "kill while scaling"})
"""Take several seconds each: the long run draws them less often."""

NEED_TWO_SILOS = frozenset({"pause owner"})
"""With one silo nobody takes its place."""
