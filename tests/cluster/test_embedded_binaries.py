"""Programs from wheels: a wheel may come without the right to run its program."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from cluster.embedded import EmbeddedFailure
from cluster.embedded.binaries import runnable


@pytest.fixture
def binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    binary = tmp_path / "wheel" / "program"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\necho ran\n")
    binary.chmod(0o644)
    return binary


@pytest.fixture
def read_only(binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, whom a read-only mode does not stop."""
    chmod = Path.chmod

    def refuse(path: Path, mode: int, **options: Any) -> None:
        if path == binary:
            raise OSError(errno.EROFS, "Read-only file system")
        chmod(path, mode, **options)

    monkeypatch.setattr(Path, "chmod", refuse)


def test_the_right_is_given_where_it_stands(binary: Path, tmp_path: Path) -> None:
    """No copy is made when that works."""
    assert runnable(binary) == binary
    assert os.access(binary, os.X_OK)
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("read_only")
def test_a_read_only_environment_gets_a_copy(binary: Path, tmp_path: Path) -> None:
    """In the user's cache, made once."""
    copy = runnable(binary)

    assert copy.is_relative_to(tmp_path / "cache")
    assert os.access(copy, os.X_OK)
    assert copy.read_text() == binary.read_text()
    assert runnable(binary) == copy


@pytest.mark.usefixtures("read_only")
def test_without_a_place_for_the_copy_it_is_told(binary: Path, tmp_path: Path) -> None:
    """With both ways out."""
    (tmp_path / "cache").write_text("I am a file.")

    with pytest.raises(EmbeddedFailure, match="may not be run") as refused:
        runnable(binary)

    assert "XDG_CACHE_HOME" in refused.value.how
