"""The data folder: one system at a time, and nothing left over from a killed run."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path

import psutil

from cluster.embedded.failure import EmbeddedFailure, check_disk

STOP_LEFTOVER_S = 20.0
BEGAN = ".began"
"""Suffix of the file beside a pid file: when that process began, in seconds since 1970."""


class DataFolder:
    """Locks a folder for the life of this process. The lock is the kernel's, so a killed run leaves none."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._handle: int | None = None

    def lock(self) -> None:
        """Raises EmbeddedFailure if the folder cannot be made or another system runs on it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / "run").mkdir(exist_ok=True)
            (self.path / "logs").mkdir(exist_ok=True)
            handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise EmbeddedFailure(
                f"The data folder {self.path} cannot be used: {error.strerror}.",
                "Give a folder that you may write to with --data-dir.",
            ) from error
        check_disk(self.path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 20).decode(errors="replace").strip()
            os.close(handle)
            raise EmbeddedFailure(
                f"Another Kaifan (process {holder or 'unknown'}) runs on {self.path}.",
                "Stop it first (Ctrl-C there), or give this one its own --data-dir and --port.",
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle

    def unlock(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    # --- leftovers -----------------------------------------------------------------------------------------

    def remember_process(self, name: str, pid: int) -> None:
        """Write its pid, and beside it when it began, which together name the process beyond doubt.

        The pid is alone in its file, so that ``kill $(cat run/mongod.pid)`` works.
        """
        file = self._pid_file(name)
        # In this order: a pid without its beginning is never taken for a leftover.
        file.with_suffix(BEGAN).write_text(f"{psutil.Process(pid).create_time()}\n")
        file.write_text(f"{pid}\n")

    def forget_process(self, name: str) -> None:
        _forget(self._pid_file(name))

    def _pid_file(self, name: str) -> Path:
        return self.path / "run" / f"{name}.pid"

    def end_leftovers(self) -> list[str]:
        """End what a killed earlier run of *this folder* left behind; the names of what was ended."""
        ended = []
        run = self.path / "run"
        files = {file.with_suffix(".pid") for suffix in (".pid", BEGAN) for file in run.glob(f"*{suffix}")}
        for file in sorted(files):
            process = _process_of(file)
            if process is not None:
                _end(process)
                ended.append(file.stem)
            _forget(file)
        return ended

    def end_by_words(self, *words: str) -> bool:
        """End processes whose command line holds these words in a row: a run killed before it wrote a pid file.

        The words must name this folder, whose lock we hold; True if there was one.
        """
        assert any(str(self.path) in word for word in words), "only what runs on this folder"
        found = [process for process in psutil.process_iter() if _says(process, words)]
        for process in found:
            _end(process)
        return bool(found)


def _says(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        line = process.cmdline()
    except psutil.Error:
        return False
    return any(tuple(line[i : i + len(words)]) == words for i in range(len(line)))


def _process_of(file: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int(file.read_text()))
        began = float(file.with_suffix(BEGAN).read_text())
        # A pid is used again by others; together with its start it is one process.
        return process if abs(process.create_time() - began) < 0.01 else None
    except (ValueError, OSError, psutil.Error):
        return None


def _forget(file: Path) -> None:
    for part in (file, file.with_suffix(BEGAN)):
        part.unlink(missing_ok=True)


def _end(process: psutil.Process) -> None:
    """Ask, wait, then force; with its children."""
    family = [*process.children(recursive=True), process]
    for member in family:
        _signal(member, signal.SIGTERM)
        _signal(member, signal.SIGCONT)
    _, alive = psutil.wait_procs(family, timeout=STOP_LEFTOVER_S)
    for member in alive:
        _signal(member, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
