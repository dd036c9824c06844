"""Kaifan as a subject: which silo a claim of a sale goes through."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from loadtests.generator import Target, storm
from loadtests.subjects import Kaifan, Through
from loadtests.wire import HttpConnection


async def lane_messages(base_url: str) -> float:
    """How many messages this silo has sent to others."""
    async with HttpConnection(base_url) as connection:
        text = (await connection.request("GET", "/metrics")).body.decode()
    line = next(line for line in text.splitlines() if line.startswith("kaifan_actors_lane_messages_total{"))
    return float(line.rpartition(" ")[2])


@pytest.mark.services
def test_claims_through_another_silo_hop_and_claims_at_the_owner_do_not() -> None:
    """Each claim that enters at a silo which does not own the sale becomes a message to the owner; no other does."""
    system = Kaifan("kaifan (2 silos)", silos=2)
    owner = Through("owner", system, owner=True, cases=())
    hop = Through("hop", system, owner=False, cases=(), measured_against="owner")

    async def hops(subject: Through) -> tuple[float, int]:
        sale = await subject.open_sale(1_000, 1_000)
        door = await subject.door(sale)
        diners = (await subject.diners(16))[:16]
        target = Target(base_url=door, flash_sale_id=sale, diners=diners)
        before = await lane_messages(door)
        seen = await storm(target, connections=4, seconds=0.5)
        sent = await lane_messages(door) - before
        assert set(seen.statuses()) <= {201, 409}
        return sent, len(seen.shots)

    async def run() -> None:
        with tempfile.TemporaryDirectory(prefix="ks-") as folder:
            try:
                for subject in (owner, hop):
                    await subject.start(Path(folder))
                sent, claims = await hops(owner)
                assert sent < claims / 2
                sent, claims = await hops(hop)
                assert sent >= claims
            finally:
                for subject in (hop, owner):
                    await subject.stop()

    asyncio.run(run())
    assert system.servers == []
