"""Screens with real processes: two silos, a Redis, a table whose owner is killed under the phones (X1)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster.control import ask, control_path
from tests.api.phones import Closed, Phone, dial
from tests.cluster.running import Running, demo_of, guest, kaifan, running

pytestmark = pytest.mark.services

WAIT_S = 60.0


class Table:
    """A session in the demo's dining room, and its one guest."""

    def __init__(self, http: httpx.Client, system: Running) -> None:
        store = next(one for one in demo_of(system.data)["stores"] if one.get("tables"))
        self.guest = guest(http)
        sat = http.post(
            f"/api/v1/tables/{store['tables'][0]['token']}/sessions",
            json={"party_size": 2},
            headers=self.guest,
        )
        assert sat.status_code == 201, sat.text
        menu = http.get(f"/api/v1/stores/{store['store_id']}/menu").text
        self.dish_id = menu.partition('"dish_id":"')[2].partition('"')[0]
        self.session_id = sat.json()["session_id"]
        self.seq = sat.json()["seq"]
        self._numbers = iter(range(10_000))

    @property
    def live(self) -> str:
        return f"/api/v1/table-sessions/{self.session_id}/live"

    async def order(self, http: httpx.AsyncClient, count: int) -> int:
        """So many ops, each with its op_id sent again until it is answered; the seq after them."""
        path = f"/api/v1/table-sessions/{self.session_id}/cart/ops"
        for _ in range(count):
            op = {"op_id": f"o{next(self._numbers)}", "op": "add", "dish_id": self.dish_id, "note": "热"}
            async with asyncio.timeout(WAIT_S):
                while True:
                    with contextlib.suppress(httpx.TransportError):
                        answer = await http.post(path, json={"ops": [op], "seen_seq": 0}, headers=self.guest)
                        if answer.status_code == 200:
                            break
                        assert answer.status_code == 503, answer.text
                    await asyncio.sleep(0.05)
            result = answer.json()["results"][0]
            assert result["status"] != "rejected", result
        return int(answer.json()["seq"])


async def silos(system: Running) -> list[dict[str, Any]]:
    rows = (await ask(control_path(system.data), {"do": "status"}))["silos"]
    return [row for row in rows if row.get("serving") and not row.get("spare")]


class Following:
    """A phone that comes again, by the common port, whenever its connection ends; keeps every event."""

    def __init__(self, port: int, table: Table) -> None:
        self.port = port
        self.table = table
        self.seq = table.seq
        self.seen: list[int] = []
        self.dials = 0

    async def run(self, first_port: int) -> None:
        port = first_port
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError, Closed):
                phone: Phone = await dial(port, self.table.live, headers=self.table.guest, since=self.seq)
                self.dials += 1
                while True:
                    event = await phone.next()
                    assert event["type"] != "reset", event
                    self.seen.append(event["seq"])
                    self.seq = event["seq"]
            port = self.port
            await asyncio.sleep(0.05)

    async def reach(self, seq: int) -> None:
        async with asyncio.timeout(WAIT_S):
            while self.seq < seq:
                await asyncio.sleep(0.02)


@pytest.mark.timeout(240)
def test_X1_the_owner_is_killed_and_no_phone_misses_or_repeats_anything() -> None:
    """Phones on both silos: that of the dead silo comes again, that of the other stays; the replay tells it all."""
    with tempfile.TemporaryDirectory(prefix="kt-") as path:
        data = Path(path) / "data"
        with running(data, "--demo", "--silos", "2") as system:
            with system.http() as http:
                table = Table(http, system)
            last = asyncio.run(_evening(system, table))
            code, told = kaifan("replay", f"table-session/{table.session_id}", data=data)

    assert code == 0, told
    assert told.count("» ") >= last - table.seq
    assert "menu version" in told


async def _evening(system: Running, table: Table) -> int:
    rows = await silos(system)
    assert len(rows) == 2, rows
    phones = [Following(system.port, table) for _ in rows]
    running_ = [
        asyncio.ensure_future(phone.run(int(row["port"]))) for phone, row in zip(phones, rows, strict=True)
    ]
    try:
        async with httpx.AsyncClient(base_url=system.base_url, timeout=10) as http:
            last = await table.order(http, 10)
            for phone in phones:
                await phone.reach(last)
            os.kill(int(rows[0]["pid"]), signal.SIGKILL)
            last = await table.order(http, 10)
            for phone in phones:
                await phone.reach(last)
            # Whichever of them owned the table: now the other one's process ends.
            async with asyncio.timeout(WAIT_S):
                while len(await silos(system)) < 2:
                    await asyncio.sleep(0.2)
            os.kill(int(rows[1]["pid"]), signal.SIGKILL)
            last = await table.order(http, 10)
            for phone in phones:
                await phone.reach(last)
    finally:
        for task in running_:
            task.cancel()
        await asyncio.gather(*running_, return_exceptions=True)
    for phone in phones:
        assert phone.seen == list(range(table.seq + 1, last + 1))
    return last
