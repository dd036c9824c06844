"""The example of docs/reliability.md runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def test_a_new_entity_in_ten_lines_runs() -> None:
    """Copied from the page and started: it survives its seed, and its workload has ten lines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    workload = code[code.index("class ") : code.index("assert ")]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len([line for line in workload.splitlines() if line.strip()]) <= 10
