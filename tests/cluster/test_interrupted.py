"""Ctrl-C whenever it comes: the program ends, nothing is left of it, and the next start works."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from actors.tasks import end_tasks
from cluster.ray_runtime import short_folder
from tests.cluster.running import Running, kaifan, running, wait_for


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ki-") as path:
        yield Path(path) / "data"


@pytest.mark.anyio
async def test_a_cancellation_that_gets_lost_is_said_again() -> None:
    """Given a task whose library swallows the first one, when it is ended, then it has ended."""
    lost = []

    async def watch() -> None:
        try:
            await asyncio.sleep(3_600)
        except asyncio.CancelledError:
            lost.append(True)
        await asyncio.sleep(3_600)

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks(task), 30)

    assert lost
    assert task.cancelled()


@pytest.mark.anyio
async def test_the_cancellation_that_wait_for_swallows_ends_a_loop() -> None:
    """Given a loop that is cancelled just as ``wait_for`` has its result, when it is ended, then it has ended."""

    async def at_once() -> None:
        return None

    async def watch() -> None:
        while True:
            await asyncio.wait_for(at_once(), 5)
            await asyncio.sleep(3_600)

    task = asyncio.create_task(watch())
    await asyncio.sleep(0)  # it has begun, and waits for what is done in the next step

    await asyncio.wait_for(end_tasks(task), 30)

    assert task.cancelled()


# --- the real program ----------------------------------------------------------------------------------------


def _said(system: Running, words: str) -> Callable[[], bool]:
    return lambda: words in system.output or system.has_ended()


def _left_of(folder: Path) -> list[str]:
    """Processes that name this folder or the short one of its sockets."""
    names = (str(folder), str(short_folder(folder.resolve())))
    lines = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    return [line[:200] for line in lines if any(name in line for name in names)]


def _silo_of(system: Running) -> psutil.Process:
    return next(process for process in system.everybody() if "SiloActor" in " ".join(process.cmdline()))


MOMENTS = ("Starting in", "Starting 1 silo", "Making the demo restaurant", "Kaifan is ready")


@pytest.mark.services
@pytest.mark.parametrize(
    ("number", "moments"), [(signal.SIGINT, MOMENTS), (signal.SIGTERM, ("Starting 1 silo",))], ids=str
)
def test_a_signal_at_any_moment_of_a_start_ends_it(
    folder: Path, number: signal.Signals, moments: tuple[str, ...]
) -> None:
    """When it comes after each of the lines that a start prints, then it ends in order with nothing left; the last
    start, left alone, gets ready on the same data.
    """
    for moment in moments:
        system = Running(folder, "--demo", "--silos", "1")
        try:
            wait_for(moment, _said(system, moment), 90)
            everybody = system.everybody()
            code = system.send(number)
            assert code == 0, f"{moment}: {system.output}"
            assert "Stopped; nothing is left running" in system.output, moment
            assert "Traceback" not in system.output, system.output
            psutil.wait_procs(everybody, timeout=5)
            assert _left_of(folder) == [], moment
        finally:
            system.end()

    with running(folder, "--demo", "--silos", "1") as last:
        assert kaifan("status", data=folder)[0] == 0, last.output


@pytest.mark.services
def test_ctrl_c_while_a_silo_comes_back_ends_it(folder: Path) -> None:
    """Given a silo that was just killed, when Ctrl-C comes before it is back, then all the same it ends in order."""
    with running(folder, "--silos", "1") as system:
        _silo_of(system).send_signal(signal.SIGKILL)
        wait_for("the end is seen", _said(system, "ended by itself"), 30)
        assert system.press_ctrl_c() == 0, system.output
        assert _left_of(folder) == []


@pytest.mark.services
def test_a_second_ctrl_c_kills_what_was_started(folder: Path) -> None:
    """Given an end that hangs, here on a stopped silo, when Ctrl-C comes again, then everything ends with a line."""
    with running(folder, "--silos", "1") as system:
        everybody = system.everybody()
        _silo_of(system).send_signal(signal.SIGSTOP)
        system.signal_group(signal.SIGINT)
        wait_for("the first is heeded", _said(system, "Stopping:"), 30)
        wait_for("the second ends it", lambda: _interrupted(system), 30)
        assert system.wait() == 130, system.output
        assert "Killed, with all that it had started" in system.output
        _, alive = psutil.wait_procs(everybody, timeout=5)
        assert alive == [], system.output

    with running(folder, "--silos", "1"):
        pass


@pytest.mark.services
@pytest.mark.parametrize("module", ["typer", "cluster.launcher"])
def test_ctrl_c_during_the_imports_is_quiet(folder: Path, tmp_path: Path, module: str) -> None:
    """Given a program that is still importing, when Ctrl-C comes, then exit code 130 and not a word."""
    hook = tmp_path / "sitecustomize.py"
    hook.write_text(HOOK.format(module=module))
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])

    code, output = kaifan("serve", data=folder, env={"PYTHONPATH": path})

    assert (code, output) == (130, "")


HOOK = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
"""


def _interrupted(system: Running) -> bool:
    """Ctrl-C, pressed by somebody impatient; whether it has ended."""
    system.signal_group(signal.SIGINT)
    return system.has_ended()
