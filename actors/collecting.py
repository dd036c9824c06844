"""Python's cyclic garbage collector, kept from looking through everything that lives.

Entities and claims make no cycles, so a full collection finds nothing, and takes 20 ms for each 100,000 objects: a
pause for everybody. What survived one that took long is set apart (``gc.freeze``) and not looked through again.
"""

from __future__ import annotations

import gc
from time import perf_counter
from typing import Any

YOUNG_MAX = 5_000
"""Objects made between two looks at the young ones (Python's default: 700). A claim makes some twenty that its answer
ends; looking at them every 35 claims took a twentieth of a silo's time."""

OLDER_AFTER = 0
"""Every second look is at the middle generation too, every second of those at all. With Python's ten the middle one
held 100,000 objects when orders came into memory, and a look at it took 27 to 60 ms; now 5, and a full one 10."""

PAUSE_S = 0.005
"""A full collection that takes longer is the last one over what it has found alive."""


class ShortCollections:
    """Installed once per process; ``with`` it where the process goes on afterwards (tests)."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._began = 0.0
        self._thresholds = gc.get_threshold()
        self.frozen = 0
        """How often what lived was set apart."""

    def install(self) -> None:
        """From now on. What lives now is set apart at once."""
        gc.collect()
        gc.freeze()
        self._thresholds = gc.get_threshold()
        gc.set_threshold(YOUNG_MAX, OLDER_AFTER, OLDER_AFTER)
        gc.callbacks.append(self._watch)

    def remove(self) -> None:
        """As it was before."""
        gc.callbacks.remove(self._watch)
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def __enter__(self) -> ShortCollections:
        self.install()
        return self

    def __exit__(self, *raised: object) -> None:
        self.remove()

    def _watch(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] < 2:
            return
        if phase == "start":
            self._began = perf_counter()
        elif perf_counter() - self._began > self._pause_s:
            self.frozen += 1
            gc.freeze()
