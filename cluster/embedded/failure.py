"""What went wrong with an embedded server, and the way out."""

from __future__ import annotations

import shutil
from pathlib import Path

DISK_FREE_BYTES_MIN = 300_000_000


class EmbeddedFailure(Exception):
    """An embedded server or the data folder cannot be used. ``what`` happened, ``how`` to mend it."""

    def __init__(self, what: str, how: str) -> None:
        super().__init__(f"{what}\n  → {how}")
        self.what, self.how = what, how


def check_disk(folder: Path) -> None:
    """Raises EmbeddedFailure when the folder's disk is (nearly) full."""
    free = shutil.disk_usage(folder).free
    if free < DISK_FREE_BYTES_MIN:
        raise EmbeddedFailure(
            f"The disk under {folder} is full: {free // 1_000_000} MB are free.",
            f"Free at least {DISK_FREE_BYTES_MIN // 1_000_000} MB, or give another folder with --data-dir.",
        )
