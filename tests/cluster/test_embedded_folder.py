"""The data folder: one system at a time, and nothing is ended that is not its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cluster.embedded import DataFolder, EmbeddedFailure
from cluster.embedded.processes import ServerProcess

HOLD = """
import sys, time
from pathlib import Path
from cluster.embedded import DataFolder
DataFolder(Path(sys.argv[1])).lock()
print("locked", flush=True)
time.sleep(60)
"""


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_second_system_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    """By its pid; once that is killed, the folder is free: the lock is the kernel's."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        folder = DataFolder(tmp_path)
        with pytest.raises(EmbeddedFailure, match=f"process {holder.pid}\\)"):
            folder.lock()

        holder.send_signal(signal.SIGKILL)
        holder.wait()

        folder.lock()
        assert (tmp_path / "lock").read_text() == str(os.getpid())
        folder.unlock()
    finally:
        holder.kill()
        holder.communicate()


def test_a_pid_that_now_belongs_to_somebody_else_is_left_alone(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """A process is named by its pid and its beginning."""
    folder = DataFolder(tmp_path)
    folder.lock()
    folder.remember_process("mongod", sleeper.pid)
    began = tmp_path / "run" / "mongod.began"
    began.write_text(f"{float(began.read_text()) - 5}\n")

    assert folder.end_leftovers() == []

    assert sleeper.poll() is None
    assert list((tmp_path / "run").iterdir()) == []
    folder.unlock()


@pytest.mark.parametrize("suffix", [".pid", ".began"])
@pytest.mark.parametrize("text", [None, "", "x", "1 2 3", "99999999"])
def test_a_damaged_pid_file_is_no_obstacle(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], suffix: str, text: str | None
) -> None:
    """It is removed with what belongs to it; nobody is ended, and the start goes on."""
    folder = DataFolder(tmp_path)
    folder.lock()
    folder.remember_process("valkey", sleeper.pid)
    file = tmp_path / "run" / f"valkey{suffix}"
    file.unlink() if text is None else file.write_text(text)

    assert folder.end_leftovers() == []
    assert sleeper.poll() is None
    assert list((tmp_path / "run").iterdir()) == []
    folder.unlock()


def test_a_leftover_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """And named."""
    folder = DataFolder(tmp_path)
    folder.lock()
    folder.remember_process("valkey", sleeper.pid)

    assert folder.end_leftovers() == ["valkey"]

    assert not psutil.pid_exists(sleeper.pid)
    folder.unlock()


def test_a_pid_file_holds_what_kill_takes(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """As an operator types it; nothing stays when the process is forgotten."""
    folder = DataFolder(tmp_path)
    folder.lock()
    folder.remember_process("mongod", sleeper.pid)

    done = subprocess.run(
        "kill -0 $(cat run/mongod.pid) && kill $(cat run/mongod.pid)",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert sleeper.wait(10) == -signal.SIGTERM
    folder.forget_process("mongod")
    assert list((tmp_path / "run").iterdir()) == []
    folder.unlock()


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its path."""
    folder = DataFolder(tmp_path)
    folder.lock()
    server = ServerProcess("mongod", folder, tmp_path / "logs" / "mongod.log")

    with pytest.raises(EmbeddedFailure, match="mongod cannot be started: /nowhere/mongod: No such file"):
        server.start(["/nowhere/mongod"])

    folder.unlock()


def test_the_last_words_are_the_errors_if_there_are_any(tmp_path: Path) -> None:
    """What follows a fatal error in a log is chatter; without one the last lines must do."""
    folder = DataFolder(tmp_path)
    server = ServerProcess("mongod", folder, tmp_path / "mongod.log")
    assert server.last_words() == "none"

    server.log.write_text('first\n{"s": "I", "msg": "Going down"}\n17\n')
    assert server.last_words() == "first / Going down / 17"

    server.log.write_text(
        '{"s": "E", "msg": "No listener", "attr": {"error": {"errmsg": "Address already in use"}}}\n'
        '{"s": "F", "msg": "Fatal", "attr": {"error": "DBPathInUse: locked"}}\n'
        '{"s": "I", "msg": "bye", "attr": {}}\n'
    )
    assert server.last_words() == "No listener Address already in use / Fatal DBPathInUse: locked"
