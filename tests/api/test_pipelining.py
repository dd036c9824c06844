"""Requests behind requests on one connection: the rest of a later one comes when the earlier ones are answered."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.house import House
from tests.api.test_fast_road import CLOSE, answers, claim_bytes, show_bytes

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("first", ["hot", "ordinary"])
async def test_a_pipelined_claim_whose_body_comes_later_is_read_on(house: House, first: str) -> None:
    """Its head waited for the answer before it, and reading had stopped meanwhile."""
    sale, who = (await house.open_sale())["flash_sale_id"], await house.diner()
    head, _, body = claim_bytes(sale, who, more=CLOSE).partition(b"\r\n\r\n")
    before = show_bytes(sale) if first == "hot" else b"GET /healthz HTTP/1.1\r\nhost: kaifan\r\n\r\n"
    reader, writer = await house.connect()

    writer.write(before + head + b"\r\n\r\n")
    seen = await asyncio.wait_for(reader.readuntil(b"}"), 10)
    writer.write(body)
    seen += await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert [status for status, _, _ in answers(seen)] == [200, 201]
