"""The simulated loop: asyncio's own time-outs, task groups and waits work on it, alike in every run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from actors.testing.simulation import World
from actors.testing.simulation.loop import SimLoop

Body = Callable[[World], Coroutine[Any, Any, Any]]


def run(body: Body, until: float = 10.0, seed: int = 1) -> tuple[World, list[Any]]:
    """Run a coroutine on one simulated loop; what it returned, if it came to its end."""
    world = World(seed, [])
    loop = SimLoop(world, "loop")  # type: ignore[abstract]
    results: list[Any] = []

    async def keep() -> None:
        results.append(await body(world))

    loop.call_soon(lambda: loop.create_task(keep()))
    world.run_until(until)
    return world, results


def test_sleep_takes_virtual_time() -> None:
    """A sleep of an hour ends at once, an hour later."""

    async def body(world: World) -> float:
        await asyncio.sleep(3_600)
        return world.now

    _, results = run(body, until=4_000)

    assert results == [3_600]


def test_a_timeout_cancels_what_it_guards() -> None:
    """asyncio.timeout raises at its moment and cancels the wait inside."""
    cancelled_at: list[float] = []

    async def body(world: World) -> float:
        try:
            async with asyncio.timeout(0.5):
                try:
                    await asyncio.sleep(60)
                except asyncio.CancelledError:
                    cancelled_at.append(world.now)
                    raise
        except TimeoutError:
            return world.now
        return -1.0

    _, results = run(body)

    assert results == cancelled_at == [0.5]


def test_a_task_group_cancels_its_others() -> None:
    """One failing task ends the group, its neighbours are cancelled in the order of their making."""
    ended: list[int] = []

    async def wait(number: int) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    async def fail() -> None:
        await asyncio.sleep(1)
        raise ValueError("on purpose")

    async def body(world: World) -> float:
        failed: list[str] = []
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(8):
                    group.create_task(wait(number))
                group.create_task(fail())
        except* ValueError as errors:
            failed = [str(error) for error in errors.exceptions]
        assert failed == ["on purpose"]
        return world.now

    _, results = run(body)

    assert results == [1]
    assert ended == list(range(8))


def test_wait_returns_the_first_to_end() -> None:
    """asyncio.wait sees what ended first in virtual time."""

    async def body(world: World) -> set[str]:
        tasks = [asyncio.ensure_future(asyncio.sleep(delay, str(delay))) for delay in (3, 1, 2)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return {task.result() for task in done}

    _, results = run(body)

    assert results == [{"1"}]


def test_a_paused_loop_does_nothing_until_it_goes_on() -> None:
    """What is due in a pause runs at its end."""
    world = World(1, [])
    loop = SimLoop(world, "loop")  # type: ignore[abstract]
    ran_at: list[float] = []
    loop.call_later(1.0, lambda: ran_at.append(world.now))
    loop.paused_until = 5.0
    world.at(5.0, lambda: world.note_ready(loop))

    world.run_until(10.0)

    assert ran_at == [5.0]


def test_a_fault_hits_between_two_callbacks() -> None:
    """A kill after n callbacks lets exactly n run, though more are ready."""
    world = World(1, [])
    loop = SimLoop(world, "loop")  # type: ignore[abstract]
    ran: list[int] = []
    for number in range(10):
        loop.call_soon(ran.append, number)
    loop.strike_after(4, lambda: setattr(loop, "dead", True))

    world.run_until(1.0)

    assert ran == [0, 1, 2, 3]


def test_a_dead_loop_runs_no_finally() -> None:
    """A killed process cleans nothing up, also not when the seed ends."""
    world = World(1, [])
    loop = SimLoop(world, "loop")  # type: ignore[abstract]
    world._loops.append(loop)
    alive: list[str] = []

    async def body() -> None:
        while True:
            await asyncio.sleep(0.1)
            alive.append("tick")

    loop.call_soon(lambda: loop.create_task(body()))
    world.run_until(0.35)
    loop.dead = True
    world.run_until(5.0)
    world.bury()

    assert alive == ["tick"] * 3
    assert world.violations == []


@pytest.mark.parametrize("seed", range(5))
def test_the_same_seed_interleaves_alike(seed: int) -> None:
    """Callbacks of several loops take turns as the seed says, and another seed says otherwise."""

    def order(with_seed: int) -> list[tuple[int, int]]:
        world = World(with_seed, [])
        ran: list[tuple[int, int]] = []
        for name in range(3):
            loop = SimLoop(world, str(name))  # type: ignore[abstract]
            for number in range(20):
                loop.call_soon(ran.append, (name, number))
        world.run_until(1.0)
        return ran

    assert order(seed) == order(seed) != order(seed + 1)


def test_a_failed_callback_is_a_violation() -> None:
    """An exception that nobody catches in a silo turns the seed red."""

    async def body(world: World) -> None:
        asyncio.get_running_loop().call_soon(lambda: 1 // 0)
        await asyncio.sleep(1)

    world, _ = run(body)

    assert any("ZeroDivisionError" in violation for violation in world.violations)
