"""Take-over with real processes: who is told, who stands in, and what they know; nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster.control import ask, control_path
from cluster.notices import NoticeBoard, hear
from tests.cluster.running import Running, claim, demo_of, guest, kaifan, running, wait_for

CLAIMS = 20
SETTLE_S = 90.0


@pytest.fixture(scope="module")
def system() -> Iterator[Running]:
    """One silo and two spares."""
    with tempfile.TemporaryDirectory(prefix="kt-") as path:
        data = Path(path) / "data"
        with running(data, "--demo", "--silos", "1", "--spares", "2") as started:
            yield started


def silos(system: Running) -> list[dict[str, Any]]:
    """What the launcher says of every process."""
    return list(asyncio.run(ask(control_path(system.data), {"do": "status"}))["silos"])


def owner(system: Running) -> dict[str, Any]:
    """The process that owns everything; waits until one does."""
    found: list[dict[str, Any]] = []

    def one_owns_all() -> bool:
        found[:] = [row for row in silos(system) if row.get("shards") == 1_024 and row["serving"]]
        return bool(found)

    wait_for("one process owns all shards", one_owns_all, SETTLE_S)
    return found[0]


def settled(system: Running) -> None:
    """One process owns everything and two are spares that follow it."""

    def holds() -> bool:
        rows = silos(system)
        spares = [row for row in rows if row.get("spare") and row["serving"]]
        return len(spares) == 2 and any(row.get("shards") == 1_024 for row in rows)

    wait_for("one owner and two spares", holds, SETTLE_S)


def name_of(row: dict[str, Any]) -> str:
    return str(row["silo"]).partition("#")[0]


def told(system: Running, silo: str) -> list[str]:
    """Addresses of whose end the launcher told ``silo``, by its log."""
    lines = (system.data / "logs" / f"{silo}.log").read_text().splitlines()
    return [address for line in lines if '"told_of_an_end"' in line for address in json.loads(line)["ended"]]


def claim_some(system: Running, prefix: str) -> dict[tuple[str, str], str]:
    """Claims of as many guests; (token, key) → claim id."""
    sale = demo_of(system.data)["flash_sales"][0]
    claims = {}
    with system.http() as http:
        for number in range(CLAIMS):
            headers = guest(http)
            held = claim(http, sale, headers, f"{prefix}{number}")
            assert held.status_code == 201, held.text
            claims[headers["Authorization"], f"{prefix}{number}"] = held.json()["claim_id"]
    return claims


def assert_known(system: Running, claims: dict[tuple[str, str], str]) -> None:
    """The same key has the same answer."""
    sale = demo_of(system.data)["flash_sales"][0]
    for (token, key), claim_id in claims.items():
        with system.http() as http:
            again = claim(http, sale, {"Authorization": token}, key)
        assert again.status_code == 201, again.text
        assert again.json()["claim_id"] == claim_id


@pytest.mark.services
def test_status_shows_spares_and_what_they_follow(system: Running) -> None:
    """A spare owns nothing and names the sale that is claimed from."""
    claim_some(system, "seen-")
    sale = f"flash-sale/{demo_of(system.data)['flash_sales'][0]}"

    def followed() -> bool:
        return all(sale in row["follows"] for row in silos(system) if row["spare"])

    wait_for("both spares follow the sale", followed, SETTLE_S)
    code, output = kaifan("status", data=system.data)
    assert code == 0, output
    spares = [line for line in output.splitlines() if line.strip().startswith("spare-")]
    assert len(spares) == 2
    assert all(" spare " in line for line in spares), output
    assert sale in " ".join(output.split())
    assert [row["shards"] for row in silos(system)] == [1_024, 0, 0]


@pytest.mark.services
def test_F3_a_spare_that_is_told_stands_in_and_knows_every_claim(system: Running) -> None:
    """kill -9 of the owner: the launcher tells, a spare takes all, the dead one's process is the next spare."""
    settled(system)
    victim = owner(system)
    claims = claim_some(system, "told-")

    os.kill(victim["pid"], signal.SIGKILL)

    assert_known(system, claims)
    heir = owner(system)
    assert name_of(heir).startswith("spare-")
    assert heir["seat"] == "silo-0"
    assert victim["silo"] in told(system, name_of(heir))
    settled(system)
    assert next(row for row in silos(system) if name_of(row) == "silo-0")["spare"]


@pytest.mark.services
def test_F3_an_heir_that_dies_with_its_owner_has_an_heir_itself(system: Running) -> None:
    """Owner and the spare that is named for its seat are killed together: the other spare takes over."""
    settled(system)
    victim = owner(system)
    spares = sorted((row for row in silos(system) if row["spare"]), key=lambda row: str(row["silo"]))
    claims = claim_some(system, "both-")

    os.kill(victim["pid"], signal.SIGKILL)
    os.kill(spares[0]["pid"], signal.SIGKILL)

    assert_known(system, claims)
    assert owner(system)["pid"] not in {victim["pid"], spares[0]["pid"]}


@pytest.mark.services
def test_F3_without_the_launcher_an_end_is_found_out_all_the_same(system: Running) -> None:
    """The launcher is stopped (SIGSTOP) and tells nobody: a lease that runs out, or the next process, does."""
    settled(system)
    victim = owner(system)
    claims = claim_some(system, "alone-")
    launcher = system.everybody()[0]
    os.kill(launcher.pid, signal.SIGSTOP)
    try:
        assert launcher.status() == psutil.STATUS_STOPPED
        os.kill(victim["pid"], signal.SIGKILL)
        assert_known(system, claims)
    finally:
        os.kill(launcher.pid, signal.SIGCONT)
    assert owner(system)["pid"] != victim["pid"]


@pytest.mark.services
def test_scaling_counts_seats_and_keeps_the_spares(system: Running) -> None:
    """Two silos and two spares, one and two, whatever they were called when they started; and nothing is wrong."""
    settled(system)
    for count in (2, 1):
        code, output = kaifan("scale", str(count), data=system.data)
        assert code == 0, output
        rows = silos(system)
        assert len([row for row in rows if row["spare"]]) == 2
        assert len([row for row in rows if not row["spare"]]) == count
    code, report = kaifan("audit", data=system.data)
    assert code == 0, report


@pytest.mark.anyio
async def test_every_listener_hears_every_end_and_a_closed_line_holds_nobody_up(tmp_path: Path) -> None:
    """One line per end, in order, to all who are connected."""
    board = NoticeBoard(tmp_path / "notices.sock")
    await board.open()
    heard: tuple[list[str], list[str]] = ([], [])
    path = str(tmp_path / "notices.sock")
    tasks = [asyncio.get_running_loop().create_task(hear(path, ended.append)) for ended in heard]
    async with asyncio.timeout(10):
        while board.listeners < 2:
            await asyncio.sleep(0.005)
        board.tell_ended("silo-0#1")
        while heard != (["silo-0#1"], ["silo-0#1"]):
            await asyncio.sleep(0.005)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        board.tell_ended("silo-1#4")
        while heard[1] != ["silo-0#1", "silo-1#4"]:
            await asyncio.sleep(0.005)
        await board.close()
        await tasks[1]
    assert heard[0] == ["silo-0#1"]


@pytest.mark.anyio
async def test_a_silo_without_a_board_goes_on(tmp_path: Path) -> None:
    """The launcher is gone before the silo connects."""
    await hear(str(tmp_path / "nobody.sock"), lambda address: pytest.fail(address))
