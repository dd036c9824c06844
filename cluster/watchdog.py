"""An endless turn costs its process once: a thread ends it, and the next incarnation knows which entity it was."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

LOOK_EVERY_S = 0.2
EXIT_CODE = 86

log = structlog.get_logger("kaifan.watchdog")


class Watchdog:
    """Watches the turn that the host says is running. ``slot`` survives the process."""

    def __init__(
        self, slot: Path, turn_began: Callable[[], tuple[str, float] | None], turn_max_s: float
    ) -> None:
        self._slot = slot
        self._turn_began = turn_began
        self._turn_max_s = turn_max_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kaifan-watchdog", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            turn = self._turn_began()
            if turn is None:
                continue
            entity, began = turn
            seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - began
            if seconds > self._turn_max_s and self._turn_began() == turn:
                self._slot.write_text(entity)
                log.error("endless_turn", entity=entity, seconds=round(seconds, 1))
                os._exit(EXIT_CODE)


def slot_entity(slot: Path) -> str | None:
    """The entity in whose turn the last process of this seat was ended, if that is how it ended."""
    return (slot.read_text().strip() or None) if slot.exists() else None


def take_slot(slot: Path) -> str | None:
    """The same, and forgets it."""
    entity = slot_entity(slot)
    slot.unlink(missing_ok=True)
    return entity
