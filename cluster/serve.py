"""What ``kaifan serve`` does around the launcher: progress on the terminal, the demo, the welcome."""

from __future__ import annotations

import sys
import time

import structlog

from cluster import demo
from cluster.embedded import EmbeddedFailure
from cluster.launcher import Launcher
from cluster.settings import Settings

log = structlog.get_logger("kaifan.serve")


async def serve(settings: Settings, with_demo: bool) -> None:
    """Run until Ctrl-C. Raises EmbeddedFailure."""
    began = time.monotonic()

    def tell(line: str) -> None:
        if line.startswith("Kaifan is ready"):
            print(line)
        else:
            print(f"[{time.monotonic() - began:5.1f} s] {line}", file=sys.stderr)
        sys.stdout.flush()

    try:
        await Launcher(settings, tell).run(_make_demo if with_demo else None)
    except EmbeddedFailure:
        raise
    except Exception as error:
        log.exception("launcher_failed")
        # Ray puts the traceback of the other process before the error itself.
        words = str(error).strip().splitlines() or [""]
        raise EmbeddedFailure(
            f"Kaifan could not go on: {type(error).__name__}: {words[-1]}",
            f"{settings.data_dir.resolve() / 'logs'} has all of it; `kaifan doctor` checks the machine.",
        ) from None


async def _make_demo(launcher: Launcher) -> None:
    if demo.read_demo(launcher.folder.path) is None:
        launcher.tell("Making the demo restaurant …")
    print(demo.welcome(await launcher.make_demo()))
