"""The doctor sees what is wrong before it hurts, and says how to mend it."""

from __future__ import annotations

import resource
import stat
from pathlib import Path

import pytest

from cluster import doctor
from cluster.doctor import BAD, GOOD, POOR, Finding, examine
from cluster.door import open_listener
from cluster.embedded.processes import free_port
from cluster.settings import Settings
from tests.cluster.running import kaifan

pytestmark = pytest.mark.anyio


async def _findings(settings: Settings) -> list[Finding]:
    return [finding async for finding in examine(settings)]


def _about(findings: list[Finding], word: str) -> Finding:
    return next(finding for finding in findings if word in finding.what)


async def test_a_machine_in_order_has_nothing_to_mend(tmp_path: Path) -> None:
    """Nothing is bad, and whatever is not good comes with a way to mend it."""
    findings = await _findings(Settings(data_dir=tmp_path / "new", port=free_port()))

    assert [finding for finding in findings if finding.state == BAD] == []
    assert all(finding.how for finding in findings if finding.state != GOOD)
    assert not (tmp_path / "new").exists()


async def test_too_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ten thousand idle connections need more than a hard limit of 4,096."""
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1_024, 4_096))

    finding = _about(await _findings(Settings(data_dir=tmp_path, port=free_port())), "open files")

    assert finding.state == POOR
    assert "10000 connections need" in finding.what
    assert "LimitNOFILE" in finding.how


async def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Below what the start wants it is bad."""
    monkeypatch.setattr(doctor, "DISK_FREE_BYTES_MIN", 1 << 60)

    assert _about(await _findings(Settings(data_dir=tmp_path, port=free_port())), "disk under").state == BAD


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """With the command that shows who has it."""
    with open_listener("127.0.0.1", free_port()) as taken:
        port = taken.getsockname()[1]
        finding = _about(await _findings(Settings(data_dir=tmp_path, port=port)), "Port")

    assert finding.state == BAD
    assert "ss -ltnp" in finding.how


async def test_a_secret_that_others_can_read_is_told(tmp_path: Path) -> None:
    """Whoever reads it can sign tokens."""
    file = tmp_path / "secret_key"
    file.write_text("00" * 32)
    file.chmod(stat.S_IRUSR | stat.S_IRGRP)

    assert _about(await _findings(Settings(data_dir=tmp_path, port=free_port())), "secret_key").state == BAD


async def test_data_of_another_mongod_are_told(tmp_path: Path) -> None:
    """The next start would refuse them."""
    (tmp_path / "mongod.json").write_text('{"series": "3.6"}')

    finding = _about(await _findings(Settings(data_dir=tmp_path, port=free_port())), "written by mongod 3.6")

    assert finding.state == BAD


def test_the_command_ends_with_1_when_something_must_be_mended(tmp_path: Path) -> None:
    """So that a script can ask it."""
    (tmp_path / "mongod.json").write_text('{"series": "3.6"}')

    code, output = kaifan("doctor", "--port", str(free_port()), data=tmp_path)

    assert code == 1
    assert "✗ the data were written by mongod 3.6" in output
    assert "→ put a mongod 3.6 on PATH" in output
