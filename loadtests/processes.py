"""Servers under test: started on free ports of this machine, and gone when the bench is."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from loadtests.wire import ConnectionBroken, HttpConnection

HOST = "127.0.0.1"
LOG_LINES_SHOWN = 15
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class DidNotStart(Exception):
    """A server ended or stayed silent; the message holds the last lines of its log."""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Server:
    """One process with its log in ``folder/name.log``, in its own process group.

    If the bench itself is killed, the kernel ends the process: a benchmark must not leave servers behind.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        env: Mapping[str, str] | None = None,
        *,
        working_folder: Path | None = None,
    ) -> None:
        self.name, self.log = name, folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=working_folder or Path(__file__).parents[1],
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    async def answers(self, base_url: str, path: str, *, seconds: float) -> None:
        """Wait until ``path`` answers 200.

        Raises:
            DidNotStart: the process ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        last = "nothing"
        async with HttpConnection(base_url) as connection:
            while time.monotonic() < deadline:
                self.must_live()
                try:
                    answer = await connection.request("GET", path, seconds=2)
                    if answer.status == 200:
                        return
                    last = f"status {answer.status}"
                except ConnectionBroken as broken:
                    last = str(broken)
                await asyncio.sleep(0.05)
        raise DidNotStart(f"{self.name}: {path} gave {last} for {seconds:.0f} s\n{self.last_lines()}")

    def must_live(self) -> None:
        """Raise :class:`DidNotStart` if the process has ended."""
        if self._process.poll() is not None:
            raise DidNotStart(f"{self.name} ended with {self._process.returncode}\n{self.last_lines()}")

    def last_lines(self) -> str:
        """The end of the log, for a message."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])

    async def stop(self, *, ask: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> None:
        """Ask the process to end, wait, then end whatever is left of it and of what it started."""
        family = self._family()
        if self._process.poll() is None:
            self._process.send_signal(ask)
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self._process.wait, seconds)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        await asyncio.to_thread(psutil.wait_procs, family, 5)
        self._process.wait(timeout=5)

    def _family(self) -> list[psutil.Process]:
        """The process and its descendants, remembered with their start times: a reused pid is not ours."""
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def _end_with_parent() -> None:
    """Runs in the child before exec: SIGTERM for it when the bench's main thread is gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
