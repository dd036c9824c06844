"""Ending asyncio tasks for certain."""

from __future__ import annotations

import asyncio
from typing import Any

AGAIN_S = 0.5


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel and wait until they have ended; what they raise is theirs.

    One cancellation can get lost: ``asyncio.wait_for`` of Python 3.11 answers with the result when it is cancelled in
    the very step in which its inner work is done, and MongoDB's driver sends each message through it. A task that
    loops goes on as if nothing had been said, so it is said again.
    """
    while alive := [task for task in tasks if not task.done()]:
        for task in alive:
            task.cancel()
        await asyncio.wait(alive, timeout=AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)
