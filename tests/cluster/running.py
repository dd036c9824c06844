"""``kaifan`` as a person runs it: a process of its own in a terminal's process group, its output, its end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil

from cluster.embedded.processes import free_port
from cluster.ray_runtime import short_folder

KAIFAN = str(Path(sys.executable).with_name("kaifan"))
ROOT = Path(__file__).parents[2]
READY_S = 90.0
END_S = 60.0
COMMAND_S = 60.0


def kaifan(*words: str, data: Path | None = None, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command to its end: exit code, and what it printed (both streams)."""
    place = ("--data-dir", str(data)) if data is not None else ()
    done = subprocess.run(
        [KAIFAN, *words, *place],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
    return done.returncode, done.stdout


def run_program(program: str, argument: str) -> tuple[Any, str]:
    """Run Python in a process of its own: the JSON in its last line, and all that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", program, argument],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=READY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout


def wait_for(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Look until it holds; the time-out says what was expected."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for: {what}"
        time.sleep(0.05)


class Running:
    """One ``kaifan serve``. Everything it started is gone after :meth:`end`, whatever a test did to it."""

    def __init__(self, data: Path, *options: str, port: int | None = None) -> None:
        self.data = data
        self.port = port or free_port()
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            [KAIFAN, "serve", "--port", str(self.port), "--data-dir", str(data), *options],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None, "piped"
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, timeout=10)

    def wait_until_ready(self) -> None:
        ready = f"Kaifan is ready at {self.base_url}"
        wait_for(
            f"{ready!r}; it said:\n{self.output}", lambda: ready in self.lines or self.has_ended(), READY_S
        )
        assert ready in self.lines, f"it ended with {self._process.returncode}:\n{self.output}"

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def everybody(self) -> list[psutil.Process]:
        """The launcher and all that it started, silos and their agents included."""
        launcher = psutil.Process(self._process.pid)
        return [launcher, *launcher.children(recursive=True)]

    def press_ctrl_c(self) -> int:
        """What a terminal does: SIGINT to the whole process group. Returns the exit code."""
        self.signal_group(signal.SIGINT)
        return self.wait()

    def signal_group(self, number: signal.Signals) -> None:
        """To the whole process group, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def send(self, number: signal.Signals) -> int:
        """A signal to the launcher alone. Returns the exit code."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        code = self._process.wait(END_S)
        self._reader.join(END_S)
        return code

    def end(self) -> None:
        """Leave nothing behind."""
        everybody: list[psutil.Process] = []
        with contextlib.suppress(psutil.NoSuchProcess):
            everybody = self.everybody()
        if not self.has_ended():
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_S)
        for process in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(END_S)
        self._reader.join(END_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        with contextlib.suppress(OSError):
            short_folder(self.data.resolve()).rmdir()


@contextlib.contextmanager
def running(data: Path, *options: str, port: int | None = None) -> Iterator[Running]:
    """A system that is ready, and gone afterwards."""
    system = Running(data, *options, port=port)
    try:
        system.wait_until_ready()
        yield system
    finally:
        system.end()


def demo_of(data: Path) -> dict[str, Any]:
    """What ``demo.json`` says."""
    return dict(json.loads((data / "demo.json").read_text()))


def guest(http: httpx.Client) -> dict[str, str]:
    """Headers of a new guest."""
    answer = http.post("/api/v1/auth/guest", json={})
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def claim(http: httpx.Client, sale: str, headers: Mapping[str, str], key: str) -> httpx.Response:
    """One bowl, asked for again with the same key while the answer is "ask again"."""
    deadline = time.monotonic() + 30
    while True:
        try:
            answer = http.post(
                f"/api/v1/flash-sales/{sale}/claims",
                json={"quantity": 1},
                headers={**headers, "Idempotency-Key": key},
            )
            if answer.status_code != 503:
                return answer
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "waited 30 s for an answer to a claim"
        time.sleep(0.05)


def shown(output: str, pattern: str) -> str:
    """The first match in what was printed."""
    found = re.search(pattern, output, re.MULTILINE)
    assert found, f"nothing like {pattern!r} in:\n{output}"
    return found.group(0)
