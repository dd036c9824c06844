"""The house of the API's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.house import House, open_house


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A house as it stands in production, but for its log."""
    async with open_house() as opened:
        yield opened
