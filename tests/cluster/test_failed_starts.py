"""A start that cannot succeed says what is wrong and how to mend it: exit code 1, no stack trace, nothing left."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cluster.embedded.processes import free_port
from tests.cluster.running import kaifan

pytestmark = pytest.mark.services


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kf-") as path:
        yield Path(path) / "data"


def _fails(folder: Path, *words: str, env: dict[str, str] | None = None) -> str:
    """The message of a start that failed as it should."""
    code, output = kaifan("serve", "--port", str(free_port()), *words, data=folder, env=env)
    assert code == 1, output
    assert "✗" in output
    assert "→" in output
    assert "Traceback" not in output
    assert _left_of(folder) == []
    return output


def _left_of(folder: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if any(str(folder) in word for word in words):
            found.append(" ".join(words))
    return found


def test_a_damaged_data_folder(folder: Path) -> None:
    """mongod's last words and the way out."""
    (folder / "mongod").mkdir(parents=True)
    (folder / "mongod" / "storage.bson").write_bytes(b"\x00" * 64)
    (folder / "mongod" / "WiredTiger.wt").write_bytes(b"not a table" * 400)
    (folder / "mongod" / "WiredTiger").write_text("WiredTiger\n")

    output = _fails(folder)

    assert "mongod ended at its start" in output
    assert "Restore the folder from a backup" in output


def test_a_data_folder_that_is_a_file(folder: Path) -> None:
    """The path is named."""
    folder.write_text("I am a file.")

    assert f"The data folder {folder.resolve()} cannot be used" in _fails(folder)


def test_a_mongodb_that_is_not_there(folder: Path) -> None:
    """A given URI that nobody answers at is named as the cause."""
    uri = f"mongodb://127.0.0.1:{free_port()}"

    assert "check KAIFAN_MONGO_URI" in _fails(folder, env={"KAIFAN_MONGO_URI": uri})


def test_an_address_that_is_not_ours(folder: Path) -> None:
    """Said before anything is started."""
    assert "on 203.0.113.9 cannot be used" in _fails(folder, "--host", "203.0.113.9")


def test_settings_takes_a_data_folder_as_the_other_commands_do(folder: Path) -> None:
    """And shows it."""
    code, output = kaifan("settings", data=folder)

    assert code == 0, output
    assert f"KAIFAN_DATA_DIR = {folder}" in output


def test_commands_without_a_system_or_its_data(folder: Path) -> None:
    """Each says that nothing is there, and makes nothing."""
    for words in (("status",), ("scale", "2"), ("demo",), ("audit",), ("replay", "store/demo")):
        code, output = kaifan(*words, data=folder)
        assert code == 1, output
        assert "→" in output
        assert "Traceback" not in output
    assert not folder.exists()
