"""An endless turn costs its process once, and the next one knows whose turn it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cluster.watchdog import EXIT_CODE, take_slot

PROGRAM = """
import sys, time
from pathlib import Path
from cluster.watchdog import Watchdog

turn = None
Watchdog(Path(sys.argv[1]), lambda: turn, turn_max_s=0.5).start()
for entity, seconds in (("store/quick", 0.1), ("flash-sale/endless", float(sys.argv[2]))):
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    turn = (entity, began)
    while time.clock_gettime(time.CLOCK_BOOTTIME) - began < seconds:
        pass
    turn = None
print("served")
"""


def _run(slot: Path, seconds: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(slot), seconds],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_an_endless_turn_ends_the_process_and_names_its_entity(tmp_path: Path) -> None:
    """The slot outlives the process and is read once."""
    slot = tmp_path / "silo-0.turn"

    done = _run(slot, "1e9")

    assert done.returncode == EXIT_CODE, done.stderr
    assert take_slot(slot) == "flash-sale/endless"
    assert take_slot(slot) is None


def test_turns_that_end_are_left_alone(tmp_path: Path) -> None:
    """Many quick turns are not one long one."""
    slot = tmp_path / "silo-0.turn"

    done = _run(slot, "0.2")

    assert (done.returncode, done.stdout.strip()) == (0, "served"), done.stderr
    assert take_slot(slot) is None
