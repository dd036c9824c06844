"""A server that ends by itself is started again, however often that takes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess

import psutil
import pytest

from cluster.embedded import EmbeddedFailure, Keeper, keeper

WAIT_S = 20.0


class Sleeper:
    """A real process to keep. ``failures`` restarts are refused first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.started: list[subprocess.Popen[bytes]] = []
        self.came_back = asyncio.Event()
        self._start()

    @property
    def pid(self) -> int:
        return self.started[-1].pid

    async def restart(self) -> None:
        if self.failures:
            self.failures -= 1
            raise EmbeddedFailure("The disk is full.", "Free some.")
        self._start()
        self.came_back.set()

    def _start(self) -> None:
        self.started.append(subprocess.Popen(["sleep", "60"]))

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()


@pytest.mark.anyio
async def test_killed_server_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a kill -9 there is a new process, also when the first tries fail, and each failure is told."""
    monkeypatch.setattr(keeper, "AGAIN_S", 0.01)
    sleeper, told = Sleeper(failures=2), list[str]()
    watching = Keeper("sleep", sleeper, told.append)
    first = sleeper.pid
    watching.start()
    try:
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(WAIT_S):
            await sleeper.came_back.wait()
        assert sleeper.pid != first
        assert psutil.pid_exists(sleeper.pid)
        assert told == ["sleep ended by itself; starting it again."] + ["The disk is full. Free some."] * 2
    finally:
        await watching.stop()
        sleeper.end()


@pytest.mark.anyio
async def test_stopped_keeper_brings_nothing_back() -> None:
    """Of two keepers of one server only the one that was not stopped starts it again."""
    sleeper = Sleeper()
    stopped, going_on = (Keeper("sleep", sleeper, lambda line: None) for _ in range(2))
    stopped.start()
    going_on.start()
    try:
        await asyncio.sleep(0)  # both watch
        await stopped.stop()
        os.kill(sleeper.pid, signal.SIGKILL)
        async with asyncio.timeout(WAIT_S):
            await sleeper.came_back.wait()
        assert len(sleeper.started) == 2
    finally:
        await going_on.stop()
        sleeper.end()
