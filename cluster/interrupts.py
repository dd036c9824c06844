"""Ctrl-C before there is anything to stop, and Ctrl-C from somebody who will not wait for an orderly end."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType

EXIT_CODE = 130
"""128 + SIGINT, as shells count."""


def end_quietly(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    """For the time of imports, when nothing is started yet: no traceback of whatever was being imported."""
    os._exit(EXIT_CODE)


def end_at_once() -> None:
    """Kill all that this process has started, say so, and end. May run inside a signal handler."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    # Not print(): the signal may have come in the middle of one.
    os.write(
        2, b"\nKilled, with all that it had started. What was acknowledged is kept; start again any time.\n"
    )
    os._exit(EXIT_CODE)


if os.path.basename(sys.argv[0]) == "kaifan":
    signal.signal(signal.SIGINT, end_quietly)
