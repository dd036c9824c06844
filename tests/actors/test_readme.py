"""The README's example runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "actors" / "README.md"


def test_the_example_in_forty_lines_runs() -> None:
    """Copied from the page into a file and started."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    entity = code.split("async def main")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len([line for line in entity.splitlines() if line.strip()]) <= 40


def test_the_table_names_files_that_are_there() -> None:
    """Where to look: every file of the table exists."""
    table = README.read_text().split("## Where to look")[1]
    named = set(re.findall(r"`([a-z_]+\.py)`", table))

    assert named
    assert [name for name in sorted(named) if not (README.parent / name).exists()] == []
