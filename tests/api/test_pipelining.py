"""Requests behind requests on one connection: the rest of a later one comes when the earlier ones are answered."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.house import open_house, until
from tests.api.test_fast_road import CLOSE, answers, claim_bytes, held_claims

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("first", ["hot", "ordinary"])
async def test_a_pipelined_claim_whose_body_comes_later_is_read_on(first: str) -> None:
    """Its head waited for the answer before it, and reading had stopped meanwhile."""
    made, around = held_claims()
    async with open_house(around=around) as house:
        sale, who = (await house.open_sale())["flash_sale_id"], await house.diner()
        if first == "hot":
            before, status = claim_bytes(sale, who), 201
        else:
            before, status = b"GET /healthz HTTP/1.1\r\nhost: kaifan\r\n\r\n", 200
            made[0].open()
        head, _, body = claim_bytes(sale, await house.diner(), more=CLOSE).partition(b"\r\n\r\n")
        reader, writer = await house.connect()

        writer.write(before + head + b"\r\n\r\n")
        if first == "hot":
            await until(lambda: made[0].waiting == 1, "the claim at the gate")
            made[0].open()
        seen = await asyncio.wait_for(reader.readuntil(b"}"), 10)
        writer.write(body)
        seen += await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert [status for status, _, _ in answers(seen)] == [status, 201]
