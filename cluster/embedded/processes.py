"""Starting and stopping a server process in a session of its own, with its log in a file."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cluster.embedded.failure import EmbeddedFailure
from cluster.embedded.folder import DataFolder

STOP_S = 30.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


async def process_end(pid: int) -> None:
    """Returns within milliseconds of the end of a process of this machine (pidfd), whoever its parent is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, lambda: ended.done() or ended.set_result(None))
    try:
        await ended
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


class ServerProcess:
    """One server. Its own session, so that a Ctrl-C in the terminal does not reach it before us."""

    def __init__(self, name: str, folder: DataFolder, log: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str]) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.folder.remember_process(self.name, self.process.pid)

    @property
    def pid(self) -> int:
        assert self.process is not None, "start() first"
        return self.process.pid

    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def must_run(self, how: str) -> None:
        """Raises EmbeddedFailure with the last words of its log if it has ended."""
        if self.has_ended():
            raise EmbeddedFailure(f"{self.name} ended at its start. Its last words: {self.last_words()}", how)

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return " / ".join(line[:300] for line in lines[-3:]) or "none"

    async def stop(self) -> None:
        """Ask it to end and wait; force it if it does not."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(self.process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            await asyncio.to_thread(self.process.wait)
        self.folder.forget_process(self.name)
        self.process = None
