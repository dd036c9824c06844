"""The house of the API's tests: one per module, since every test brings its own sale and its own diners."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.house import House, open_house


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """A house as it stands in production, but for its log."""
    async with open_house() as opened:
        yield opened
