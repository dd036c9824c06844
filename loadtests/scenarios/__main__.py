"""``python -m loadtests.scenarios``: one evening in every restaurant of the demo, and the books after it."""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from loadtests.scenarios.books import violations
from loadtests.scenarios.counter import Pickup
from loadtests.scenarios.house import Caller, House, Table, Wrong
from loadtests.scenarios.kitchen import Kitchen
from loadtests.scenarios.party import Party
from loadtests.subjects import Kaifan

ROLES = ("manager", "waiter", "cook", "cashier", "ops")
OPS_PER_KILL = 120
"""Cart operations between one killed silo and the next: often enough that a short evening sees one."""
LOOK_SECONDS = 0.05


class Evening(msgspec.Struct, frozen=True, kw_only=True):
    """How much happens: parties per table, orders at the counter, how many guests stand there at once.

    ``kills``: how many silos are killed (SIGKILL) while it goes on; only of a system that was started for it.
    """

    parties: int
    pickups: int
    queue: int
    seed: int
    kills: int = 0


async def play(house: House, evening: Evening) -> list[str]:
    """One restaurant's evening; what was wrong."""
    await house.open()
    kitchen = Kitchen(house)
    cooks = asyncio.create_task(kitchen.cook())
    parties: list[Party] = []
    pickups: list[Pickup] = []

    async def at_table(table: Table) -> None:
        for number in range(evening.parties):
            parties.append(Party(house, table, number))
            await parties[-1].visit()

    turn = itertools.count()

    async def at_counter() -> None:
        while next(turn) < evening.pickups:
            pickups.append(Pickup(house))
            await pickups[-1].visit()

    wrong: list[str] = []
    work = [*(_kept(wrong, lambda table=table: at_table(table)) for table in house.tables)]
    work += [_kept(wrong, at_counter) for _ in range(evening.queue)]
    await asyncio.gather(*work)
    kitchen.closing = True
    try:
        await cooks
        wrong += await violations(house, kitchen, parties, pickups)
    except Wrong as why:
        wrong.append(str(why))
    return wrong


async def _kept(wrong: list[str], work: Callable[[], Awaitable[None]]) -> None:
    """A guest who meets something wrong goes; the evening goes on."""
    try:
        await work()
    except (Wrong, KeyError) as why:
        wrong.append(repr(why) if isinstance(why, KeyError) else str(why))


async def run(base_url: str, demo: dict[str, Any], evening: Evening) -> int:
    """All restaurants at once; 1 when something was wrong."""
    outside = House(base_url, "", "", [], {}, evening.seed)
    passwords = {account["username"]: account["password"] for account in demo["accounts"]}
    staff: dict[str, str] = {}
    async with Caller(outside) as door:
        for role in ROLES:
            signed_in = await door.ask("POST", "/auth/staff", {"username": role, "password": passwords[role]})
            staff[role] = signed_in["token"]
    houses = [
        House(
            base_url,
            store["store_id"],
            store["name"],
            [Table(one["table_id"], one["token"]) for one in store["tables"]],
            staff,
            evening.seed,
        )
        for store in demo["stores"]
    ]
    killer = asyncio.create_task(_kill(outside, staff["ops"], houses, evening.kills))
    found = await asyncio.gather(*(play(house, evening) for house in houses))
    killer.cancel()
    for house, wrong in zip(houses, found, strict=True):
        print(f"{house.name}: {', '.join(f'{count} {what}' for what, count in sorted(house.counts.items()))}")
        for why in wrong[:5]:
            print(f"  wrong: {why}")
    wrong_in_all = sum(map(len, found))
    print(f"restaurants={len(houses)} kills={outside.counts['kills']} violations={wrong_in_all}")
    return 1 if wrong_in_all else 0


async def _kill(outside: House, ops_token: str, houses: Sequence[House], kills: int) -> None:
    """Kill a silo whenever that much more has been put into carts."""
    for number in range(1, kills + 1):
        while sum(house.counts["cart ops"] for house in houses) < number * OPS_PER_KILL:
            await asyncio.sleep(LOOK_SECONDS)
        async with Caller(outside, ops_token) as ops:
            silos = (await ops.ask("GET", "/ops/silos"))["items"]
        os.kill(outside.dice.choice(silos)["pid"], signal.SIGKILL)
        outside.counts["kills"] += 1


async def _started(evening: Evening, silos: int) -> int:
    folder = Path(tempfile.mkdtemp(prefix="kevening-"))
    kaifan = Kaifan("kaifan", silos=silos)
    try:
        await kaifan.start(folder)
        return await run(
            kaifan.base_url, msgspec.json.decode((folder / "data" / "demo.json").read_bytes()), evening
        )
    finally:
        await kaifan.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when the books do not add up."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.scenarios", description=__doc__)
    parser.add_argument("--parties", type=int, default=2, help="parties per table, one after the other")
    parser.add_argument("--pickups", type=int, default=40, help="orders at each counter")
    parser.add_argument("--queue", type=int, default=8, help="guests who stand at a counter at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--silos", type=int, default=1, help="of the system that is started")
    parser.add_argument("--kills", type=int, default=0, help="silos of it that are killed meanwhile")
    parser.add_argument("--base-url", help="of a running system; with --demo. Without: one is started")
    parser.add_argument("--demo", type=Path, help="its data folder's demo.json")
    options = parser.parse_args(arguments)
    evening = Evening(
        parties=options.parties,
        pickups=options.pickups,
        queue=options.queue,
        seed=options.seed,
        kills=0 if options.base_url else options.kills,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.base_url:
            demo = msgspec.json.decode(options.demo.read_bytes())
            return runner.run(run(options.base_url, demo, evening))
        return runner.run(_started(evening, options.silos))


if __name__ == "__main__":
    sys.exit(main())
