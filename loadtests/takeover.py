"""How long a take-over takes: storm a sale, SIGKILL its owner, watch the claims. ``python -m loadtests.takeover -h``.

Moments count from just before the signal is sent. "First claim" is the first that was sent after that moment and
acknowledged as durable; "90 %" is the first moment from which a quarter of a second holds 90 % of the speed before.
Lost claims are looked for by the audit of the bench: every answer against the store, keys sent again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import uvloop
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from actors.membership import ALIVE, Member
from actors.placement import Placement, shard_of
from loadtests.auditor import audit_sale
from loadtests.bench import RESULTS, Row, machine
from loadtests.checker import SaleRules
from loadtests.generator import Diner
from loadtests.history import Attempt, moment_ms
from loadtests.subjects import Kaifan
from loadtests.wire import ConnectionBroken, HttpConnection

CLIENTS = 32
BEFORE_SECONDS = 2.0
AFTER_SECONDS = 5.0
WINDOW_MS = 250.0
SPEED_SHARE = 0.9
PAUSE_SECONDS = 0.01
ANSWER_SECONDS_MAX = 6.0
SETTLE_SECONDS_MAX = 60.0
AUDIT_SAMPLE_MAX = 200
UNLIMITED = 1_000_000


STEPS = {
    "silo_process_ended": "end seen",
    "told_of_an_end": "heir told",
    "shards_taken": "shards taken",
    "entity_ready": "entity ready",
}
"""Log events of a take-over in their order; the first of each after the kill counts."""


class Setting(msgspec.Struct, frozen=True):
    """Who is there when the owner dies."""

    name: str
    silos: int
    spares: int

    @property
    def processes(self) -> int:
        return self.silos + self.spares


SETTINGS = {
    "silo": Setting("another silo", 2, 0),
    "spare": Setting("a spare", 1, 1),
    "only": Setting("the only silo", 1, 0),
}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One kill. Times in ms; None: not within AFTER_SECONDS. ``lost`` is the audit's word, '' when all is there."""

    rate_before: float
    first_claim_ms: float | None
    speed_back_ms: float | None
    acknowledged: int
    lost: str
    steps_ms: dict[str, float] = {}
    """Where the time went, from the logs: see STEPS."""


class TakeOverRow(Row, frozen=True, kw_only=True):
    """A row of the bench's result file with the times of a take-over; ``rate_*`` are claims/s before the kill."""

    first_claim_ms_median: float
    first_claim_ms_worst: float
    speed_back_ms_median: float
    speed_back_ms_worst: float
    lost: int


class Diners:
    """Clients that claim without a pause and insist with the same key while there is no answer."""

    def __init__(self, base_url: str, flash_sale_id: str, diners: Sequence[Diner]) -> None:
        self.log: list[Attempt] = []
        self._base_url = base_url
        self._path = f"/api/v1/flash-sales/{flash_sale_id}/claims"
        self._diners = diners
        self._keys = (f"{secrets.token_hex(4)}-{number}" for number in itertools.count())
        self._stop = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Diners:
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._dine(diner)) for diner in self._diners]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._stop = True
        await asyncio.gather(*self._tasks)

    async def _dine(self, diner: Diner) -> None:
        async with HttpConnection(self._base_url) as connection:
            while not self._stop:
                await self._claim(connection, diner, next(self._keys))

    async def _claim(self, connection: HttpConnection, diner: Diner, key: str) -> None:
        headers = {"Authorization": f"Bearer {diner.token}", "Idempotency-Key": key}
        while True:
            sent_at = moment_ms()
            status, body, answered_at = None, {}, None
            with contextlib.suppress(ConnectionBroken):
                answer = await connection.request(
                    "POST", self._path, headers=headers, body={"quantity": 1}, seconds=ANSWER_SECONDS_MAX
                )
                status, body, answered_at = answer.status, answer.json(), moment_ms()
            self.log.append(
                Attempt(
                    key=key,
                    user=diner.user,
                    sent_at=sent_at,
                    answered_at=answered_at,
                    status=status,
                    body=body,
                )
            )
            if status is not None and status < 500:
                return
            if self._stop and sent_at > moment_ms() + SETTLE_SECONDS_MAX * 1000:
                return
            await asyncio.sleep(PAUSE_SECONDS)


class Aim:
    """Finds the owner of a sale in the system's own MongoDB. Verdicts do not come from here."""

    def __init__(self, data: Path) -> None:
        self.data = data
        uri = (data / "run" / "mongo_uri").read_text()
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(uri, serverSelectionTimeoutMS=2_000)

    def close(self) -> None:
        self._mongo.close()

    def living(self) -> list[Member]:
        hidden = {"_id": 0, "seen_at": 0, "ended_at": 0}
        rows = self._mongo["kaifan"]["members"].find({"state": ALIVE}, hidden)
        return [msgspec.convert(row, Member, strict=False) for row in rows]

    def placement(self) -> Placement:
        row = self._mongo["kaifan"]["placement"].find_one({"_id": "placement"})
        assert row is not None, "a running system has a placement"
        return msgspec.msgpack.decode(row["table"], type=Placement)

    def owner(self, flash_sale_id: str) -> Member:
        address = self.placement().owner[shard_of(f"flash-sale/{flash_sale_id}")]
        return next(member for member in self.living() if member.address == address)

    async def settled(self, processes: int) -> None:
        """Wait until so many members live, and every shard belongs to one of them and is not on its way."""
        async with asyncio.timeout(SETTLE_SECONDS_MAX):
            while not await asyncio.to_thread(self._is_settled, processes):
                await asyncio.sleep(0.05)

    def _is_settled(self, processes: int) -> bool:
        try:
            living, placement = self.living(), self.placement()
        except PyMongoError:
            return False
        owners = {member.address for member in living if not member.spare}
        return len(living) == processes and set(placement.owner) == owners and not any(placement.next)


async def kill_once(kaifan: Kaifan, aim: Aim, setting: Setting, clients: int) -> Outcome:
    """A new sale, a storm, SIGKILL for its owner, and what the clients saw."""
    await aim.settled(setting.processes)
    diners = (await kaifan.diners(clients))[:clients]
    sale = await kaifan.open_sale(UNLIMITED, UNLIMITED)
    async with Diners(kaifan.base_url, sale, diners) as storm:
        await asyncio.sleep(BEFORE_SECONDS)
        pid = (await asyncio.to_thread(aim.owner, sale)).pid
        killed_at = moment_ms()
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(AFTER_SECONDS)
    verdict = await audit_sale(
        kaifan.base_url,
        sale,
        storm.log,
        {diner.user: diner.token for diner in diners},
        rules=SaleRules(stock=UNLIMITED, per_user_limit=UNLIMITED),
        sample_max=AUDIT_SAMPLE_MAX,
    )
    await kaifan.stop_sale(sale)
    steps = steps_since(aim.data / "logs", killed_at)
    lost = "" if verdict.answer == "yes" else f"{verdict.answer}: {verdict.rule} {verdict.because}"
    return msgspec.structs.replace(judge(storm.log, killed_at, lost), steps_ms=steps)


def steps_since(logs: Path, killed_at: float) -> dict[str, float]:
    """The first of each event of STEPS in the system's logs after the kill, in ms after it."""
    found: dict[str, float] = {}
    for file in logs.glob("*.log"):
        for line in file.read_text(errors="replace").splitlines():
            if not any(event in line for event in STEPS):
                continue
            record = msgspec.json.decode(line)
            at = datetime.fromisoformat(record["timestamp"]).timestamp() * 1_000 - killed_at
            name = STEPS.get(record["event"])
            if name is not None and at >= 0:
                found[name] = min(round(at, 1), found.get(name, at))
    return {name: found[name] for name in STEPS.values() if name in found}


def judge(log: Sequence[Attempt], killed_at: float, lost: str) -> Outcome:
    """The times of one kill from what the clients saw."""
    accepted = sorted((a for a in log if a.accepted), key=lambda attempt: attempt.answered_at or 0)
    moments = [attempt.answered_at or 0 for attempt in accepted]
    window = [moment for moment in moments if killed_at - 1_000 <= moment < killed_at]
    per_ms = len(window) / 1_000
    first = next((a.answered_at for a in accepted if a.sent_at > killed_at), None)
    return Outcome(
        rate_before=per_ms * 1_000,
        first_claim_ms=None if first is None else first - killed_at,
        speed_back_ms=_speed_back(moments, killed_at, per_ms * WINDOW_MS * SPEED_SHARE),
        acknowledged=len(accepted),
        lost=lost,
    )


def _speed_back(moments: Sequence[float], killed_at: float, wanted: float) -> float | None:
    """When the first window begins that holds ``wanted`` answers."""
    for index in range(bisect_left(moments, killed_at), len(moments)):
        end = bisect_left(moments, moments[index] + WINDOW_MS)
        if end - index >= wanted:
            return moments[index] - killed_at
    return None


def row(setting: Setting, outcomes: Sequence[Outcome], clients: int) -> TakeOverRow:
    """All rounds of a setting as one line; what never came counts as AFTER_SECONDS."""
    never = AFTER_SECONDS * 1_000
    first = [never if o.first_claim_ms is None else o.first_claim_ms for o in outcomes]
    back = [never if o.speed_back_ms is None else o.speed_back_ms for o in outcomes]
    rates = [outcome.rate_before for outcome in outcomes]
    wrong = [outcome.lost for outcome in outcomes if outcome.lost]
    return TakeOverRow(
        case="take-over",
        subject=setting.name,
        durability="fsync-majority",
        rounds=len(outcomes),
        rate_median=round(median(rates), 1),
        rate_min=round(min(rates), 1),
        rate_max=round(max(rates), 1),
        p50_ms=round(median(first), 1),
        p99_ms=round(max(first), 1),
        errors=len(wrong),
        correct=not wrong,
        connections=clients,
        acknowledged=sum(outcome.acknowledged for outcome in outcomes),
        ratio_to_kaifan=None,
        ratio_min=None,
        ratio_max=None,
        audit=wrong[0] if wrong else "yes",
        generator=f"loadtests.takeover (asyncio, uvloop, {clients} clients, 1 process)",
        machine=machine(),
        first_claim_ms_median=round(median(first), 1),
        first_claim_ms_worst=round(max(first), 1),
        speed_back_ms_median=round(median(back), 1),
        speed_back_ms_worst=round(max(back), 1),
        lost=len(wrong),
    )


def table(rows: Sequence[TakeOverRow]) -> str:
    """As in docs/performance.md."""
    lines = [
        "| alive at the kill | kills | claims/s before | first claim, ms: median / worst "
        "| 90 % of speed, ms: median / worst | rounds with losses |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r.subject} | {r.rounds} | {r.rate_median:,.0f} "
        f"| {r.first_claim_ms_median:,.0f} / {r.first_claim_ms_worst:,.0f} "
        f"| {r.speed_back_ms_median:,.0f} / {r.speed_back_ms_worst:,.0f} | {r.lost} |"
        for r in rows
    ]
    return "\n".join(lines)


async def measure(setting: Setting, rounds: int, clients: int) -> TakeOverRow:
    """A system of its own for the setting, ``rounds`` kills, everything gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ktake-"))
    settings = {"KAIFAN_LOG_SHARE": "0", "KAIFAN_SPARES": str(setting.spares)}
    kaifan = Kaifan(setting.name, silos=setting.silos, settings=settings)
    outcomes: list[Outcome] = []
    try:
        await kaifan.start(folder)
        aim = Aim(folder / "data")
        try:
            for number in range(rounds):
                outcome = await kill_once(kaifan, aim, setting, clients)
                outcomes.append(outcome)
                print(f"  {setting.name} {number + 1}: {_said(outcome)}", flush=True)
        finally:
            aim.close()
    finally:
        await kaifan.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return row(setting, outcomes, clients)


def _said(outcome: Outcome) -> str:
    def ms(value: float | None) -> str:
        return "never" if value is None else f"{value:.0f} ms"

    return (
        f"{outcome.rate_before:,.0f}/s before, first claim {ms(outcome.first_claim_ms)}, "
        f"90 % {ms(outcome.speed_back_ms)}, audit {outcome.lost or 'yes'}; "
        + ", ".join(f"{name} {at:.0f}" for name, at in outcome.steps_ms.items())
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when a claim was lost."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.takeover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="kills per setting [10]")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--setting", action="append", choices=sorted(SETTINGS), help="may be repeated [all]")
    parser.add_argument("--out", type=Path, default=RESULTS / "takeover.json")
    options = parser.parse_args(arguments)
    rows = []
    for name in options.setting or SETTINGS:
        began = time.monotonic()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            rows.append(runner.run(measure(SETTINGS[name], options.rounds, options.clients)))
        print(f"  ({time.monotonic() - began:.0f} s)", flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    print(table(rows))
    print(f"\nwritten: {options.out}")
    return 1 if any(row.lost for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
