"""The measurements of long sales and of many entities run, in small; what they count is right."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from loadtests import entities, longsale
from loadtests.stores import file_stores

pytestmark = pytest.mark.anyio


async def test_a_long_sale_is_measured(tmp_path: Path) -> None:
    """Every claim is counted, and the sale that comes back from its snapshot has them all (asserted inside)."""
    with patch.object(longsale, "STEP", 200), patch.object(longsale, "WARM", 100):
        result = await longsale.long_sale(file_stores(tmp_path), "file", 500, hold_s=1)

    assert result.claims == 500
    assert [step.claims for step in result.steps] == [300, 500]
    assert result.snapshot_bytes > 0


async def test_many_entities_are_measured(tmp_path: Path) -> None:
    """Each is written, forgotten, and brought back."""
    result = await entities.many_entities(file_stores(tmp_path), "file", 30)

    assert result.entities == 30
    assert result.bytes_per_entity > 0
