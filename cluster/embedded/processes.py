"""Starting and stopping a server process in a session of its own, with its log in a file."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cluster.embedded.failure import EmbeddedFailure
from cluster.embedded.folder import DataFolder

STOP_S = 30.0
ERRORS_SHOWN = 3


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

    def tell() -> None:
        if not ended.done():
            ended.set_result(None)

    loop.add_reader(descriptor, tell)
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
        """Raises EmbeddedFailure when the program or its log file cannot be opened."""
        try:
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise EmbeddedFailure(
                f"{self.name} cannot be started: {error.filename or command[0]}: {error.strerror}.",
                "Look whether the disk is full and whether that file is yours; `kaifan doctor` checks both.",
            ) from error
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
        """What went wrong as its log says it: the errors if there are any, else the last lines."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        words = [error for line in lines if (error := _error_of(line))][-ERRORS_SHOWN:]
        words = words or [_words_of(line) for line in lines[-3:]]
        return " / ".join(word[:300] for word in words) or "none"

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


def _words_of(line: str) -> str:
    """The message of a line of mongod's JSON log; other lines as they are."""
    record = _record_of(line)
    return line if record is None else " ".join(str(record["msg"]).split())


def _error_of(line: str) -> str:
    """The message and the reason of an error or fatal line of mongod's log, else nothing."""
    record = _record_of(line)
    if record is None or record.get("s") not in ("E", "F"):
        return ""
    facts = record.get("attr") or {}
    reason = facts.get("error") or facts.get("message") or ""
    if isinstance(reason, dict):
        reason = reason.get("errmsg") or reason.get("msg") or ""
    return " ".join(f"{record['msg']} {reason}".split())


def _record_of(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "msg" in record else None
