"""The page runs, and so do the examples in docstrings."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from flash_sale import commands, draw, holds, waitlist

PAGE = Path(__file__).parents[2] / "docs" / "flash-sale.md"


def test_F12_the_pages_example_runs() -> None:
    """What the page shows is what the code does."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)

    assert len(blocks) == 1
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), {})


@pytest.mark.parametrize(
    "limit",
    [
        commands.QUANTITY_MAX,
        commands.STOCK_MAX,
        waitlist.WAITLIST_MAX,
        draw.ENTRIES_MAX,
        holds.EVENTS_MAX,
        commands.PROOF_LINES_MAX,
    ],
)
def test_F4_the_pages_limits_are_the_codes(limit: int) -> None:
    """Each bound on the page is the one in the code."""
    assert f"| {limit:,}" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "module", ["flash_sale.sequence", "flash_sale.entry", "flash_sale.waitlist", "brand.roles"]
)
def test_F12_the_docstrings_examples_run(module: str) -> None:
    """An example that no longer holds is found here."""
    found: Any = doctest.testmod(importlib.import_module(module))

    assert found.attempted > 0
    assert found.failed == 0
