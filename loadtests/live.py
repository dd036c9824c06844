"""The benchmark of live updates: a cart op to all 8 phones of a table, 50 tables. ``python -m loadtests.live``.

Kaifan beside Socket.IO with the Redis adapter and FastAPI with Redis pub/sub, each storing the op durably before it
is shown. An op counts when every phone of the table has seen it; its latency ends with the last phone. Rounds are
interleaved; the rounds at 70 % offer that share of the subject's own median rate. The audit: every phone saw every
acknowledged op, once; those that came in another order are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec
import psutil
import uvloop

from loadtests.backends import Backend, start_redis
from loadtests.bench import RESULTS, machine
from loadtests.equipment import socketio
from loadtests.live_phones import FastApiPhone, KaifanPhone, Phone, Seen, SocketIoPhone
from loadtests.processes import HOST, Server, free_port
from loadtests.subjects import Kaifan
from loadtests.wire import HttpConnection

SETTLE_S = 10.0
LOAD = 0.7
WRITERS_PER_TABLE = 4


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """``per_second`` ops seen by all; ms from when the op was due to the last phone."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    """Processor time of all its processes, its store among them, per op: what a busy machine does not change."""
    failed: int
    lost: int
    twice: int
    reordered: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One subject: the median of its closed rounds, and of its rounds at 70 % load."""

    subject: str
    durability: str
    tables: int
    phones: int
    rate_median: float
    rate_min: float
    rate_max: float
    ratio_to_it: float
    """Kaifan's rate over this one's, median of the ratios within a turn."""
    ratio_min: float
    ratio_max: float
    offered: float
    p50_ms: float
    p99_ms: float
    p99_min_ms: float
    cpu_ms: float
    cpu_ratio: float
    """Its processor time per op over Kaifan's."""
    correct: bool
    reordered: int
    failed: int
    machine: str


class Side:
    """A system under test with its phones."""

    name = ""
    durability = ""

    def __init__(self, tables: int, phones: int) -> None:
        self.tables = [Seen(phones) for _ in range(tables)]
        self.phones: list[list[Phone]] = []
        self.servers: list[Server] = []
        self._cpu_s = 0.0

    async def start(self, folder: Path) -> None:
        raise NotImplementedError

    async def stop(self) -> None:
        for server in self.servers:
            await server.stop()

    def processes(self) -> list[int]:
        """Pids of those who were started; their children count too."""
        return [server.pid for server in self.servers]

    def cpu_s(self) -> float:
        """Processor seconds so far."""
        seconds = 0.0
        for pid in self.processes():
            parent = psutil.Process(pid)
            for process in (parent, *parent.children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    seconds += times.user + times.system
        return seconds

    # --- load ------------------------------------------------------------------------------------------------

    async def closed(self, seconds: float, writers: int) -> Round:
        """So many phones of each table order one after the other."""
        began = self._begin()
        ends = began + seconds
        busy = [phone for table in self.phones for phone in table[:writers]]

        def go_on(phone: Phone) -> None:
            if time.perf_counter() < ends:
                phone.order(time.perf_counter())

        for phone in busy:
            phone.answered = lambda phone=phone: go_on(phone)  # type: ignore[misc]
            phone.order(time.perf_counter())
        await asyncio.sleep(seconds)
        await self._settle()
        return self._judge(seconds, began, ends)

    async def steady(self, seconds: float, rate: float, rng: random.Random) -> Round:
        """Ops become due at random moments, whatever the answers do; any phone that is free orders."""
        began = self._begin()
        ends, due = began + seconds, began
        everybody = [phone for table in self.phones for phone in table]
        waiting: list[tuple[Phone, float]] = []
        for phone in everybody:
            phone.answered = lambda: None
        while due < ends:
            now = time.perf_counter()
            while due <= now and due < ends:
                waiting.append((rng.choice(everybody), due))
                due += rng.expovariate(rate)
            still = []
            for phone, moment in waiting:
                if phone.busy:
                    still.append((phone, moment))
                else:
                    phone.order(moment)
            waiting = still
            await asyncio.sleep(0.001)
        while waiting:
            await asyncio.sleep(0.001)
            waiting = [(phone, moment) for phone, moment in waiting if phone.busy or phone.order(moment)]
        await self._settle()
        return self._judge(seconds, began, ends)

    def _begin(self) -> float:
        for seen in self.tables:
            seen.counts.clear()
            seen.complete_at.clear()
            seen.sent_at.clear()
            seen.reordered = 0
        for table in self.phones:
            for phone in table:
                phone.failed = phone.acknowledged = 0
        self._cpu_s = self.cpu_s()
        return time.perf_counter()

    async def _settle(self) -> None:
        deadline = time.perf_counter() + SETTLE_S
        while time.perf_counter() < deadline:
            idle = not any(phone.busy for table in self.phones for phone in table)
            if idle and all(seen.sent_at.keys() <= seen.complete_at.keys() for seen in self.tables):
                return
            await asyncio.sleep(0.02)

    def _judge(self, seconds: float, began: float, ends: float) -> Round:
        latencies = sorted(
            (seen.complete_at[seq] - sent) * 1_000
            for seen in self.tables
            for seq, sent in seen.sent_at.items()
            if seq in seen.complete_at
        )
        in_time = sum(began <= at <= ends for seen in self.tables for at in seen.complete_at.values())
        lost = sum(len(seen.sent_at.keys() - seen.complete_at.keys()) for seen in self.tables)
        twice = sum(count > seen.phones for seen in self.tables for count in seen.counts.values())
        ops = max(1, sum(len(seen.complete_at) for seen in self.tables))
        cut = sum(phone.socket.lost for table in self.phones for phone in table)
        return Round(
            per_second=in_time / seconds,
            p50_ms=latencies[len(latencies) // 2] if latencies else 0.0,
            p99_ms=latencies[int(len(latencies) * 0.99)] if latencies else 0.0,
            cpu_ms=(self.cpu_s() - self._cpu_s) * 1_000 / ops,
            failed=sum(phone.failed for table in self.phones for phone in table),
            lost=lost + cut,
            twice=twice,
            reordered=sum(seen.reordered for seen in self.tables),
        )


class KaifanSide(Side):
    """As a user starts it; guests' tokens, tables of the demo's store, the journal at majority with fsync."""

    durability = "fsync-majority"

    def __init__(self, tables: int, phones: int, silos: int) -> None:
        super().__init__(tables, phones)
        self.name = f"kaifan, {silos} silo{'s' if silos > 1 else ''}"
        self._kaifan = Kaifan(self.name, silos=silos)

    async def start(self, folder: Path) -> None:
        kaifan = self._kaifan
        await kaifan.start(folder)
        guests = iter(await kaifan.diners(sum(seen.phones for seen in self.tables)))
        port = int(kaifan.base_url.rpartition(":")[2])
        async with HttpConnection(kaifan.base_url) as http:
            staff = {"Authorization": f"Bearer {kaifan._staff_token}"}
            for number, seen in enumerate(self.tables):
                path = f"/api/v1/stores/{kaifan._store_id}/tables/live{number}"
                plan = {"name": f"L{number}", "join_policy": "open"}
                await http.request("PUT", path, headers=staff, body=plan)
                token = ""
                while not token:
                    token = (await http.request("GET", path, headers=staff)).json().get("token", "")
                table = []
                for name in range(seen.phones):
                    guest = next(guests)
                    phone = KaifanPhone(seen, f"p{name}")
                    phone.token, phone.dish_id = guest.token, kaifan._dish_id
                    sat = await http.request(
                        "POST",
                        f"/api/v1/tables/{token}/sessions",
                        headers={"Authorization": f"Bearer {guest.token}"},
                        body={"party_size": 8},
                    )
                    table.append((phone, sat.json()))
                since = table[-1][1]["seq"]
                for phone, _ in table:
                    await phone.start(port, table[-1][1]["session_id"], since)
                self.phones.append([phone for phone, _ in table])

    def processes(self) -> list[int]:
        return [server.pid for server in self._kaifan.servers]

    async def stop(self) -> None:
        await self._kaifan.stop()


class PeerSide(Side):
    """Two processes and a Redis that has every write on disk before it answers."""

    durability = "AOF always"
    redis: Backend | None = None

    async def _start_redis(self, folder: Path) -> dict[str, str]:
        self.redis = await start_redis(folder)
        return self.redis.env

    def processes(self) -> list[int]:
        redis = [self.redis.server.pid] if self.redis is not None else []
        return [*super().processes(), *redis]

    async def stop(self) -> None:
        await super().stop()
        if self.redis is not None:
            await self.redis.stop()


class SocketIoSide(PeerSide):
    name = "Socket.IO + Redis adapter, 2 processes"

    async def start(self, folder: Path) -> None:
        env = await self._start_redis(folder)
        program, ports = socketio(), [free_port(), free_port()]
        for number, port in enumerate(ports):
            command = ["node", str(program)]
            self.servers.append(Server(f"socketio{number}", command, folder, {**env, "PORT": str(port)}))
            await self.servers[-1].answers(f"http://{HOST}:{port}", "/", seconds=20)
        for number, seen in enumerate(self.tables):
            table = [SocketIoPhone(seen, f"p{name}") for name in range(seen.phones)]
            for index, phone in enumerate(table):
                await phone.start(ports[index % 2], f"t{number}")
            self.phones.append(list(table))


class FastApiSide(PeerSide):
    name = "FastAPI + Redis pub/sub, 2 workers"

    async def start(self, folder: Path) -> None:
        env, port = await self._start_redis(folder), free_port()
        command = [sys.executable, "-m", "uvicorn", "loadtests.peers.fastapi_live:app", "--workers", "2"]
        command += ["--port", str(port), "--log-level", "warning", "--loop", "uvloop", "--ws", "websockets"]
        command += ["--ws-per-message-deflate", "false"]
        self.servers.append(Server("fastapi", command, folder, env))
        await self.servers[-1].answers(f"http://{HOST}:{port}", "/", seconds=20)
        for number, seen in enumerate(self.tables):
            table = [FastApiPhone(seen, f"p{name}") for name in range(seen.phones)]
            for phone in table:
                await phone.start(port, f"t{number}")
            self.phones.append(list(table))


async def bench(options: argparse.Namespace) -> list[Row]:
    """Start all, run the rounds in turn, stop all."""
    sides: list[Side] = [
        KaifanSide(options.tables, options.phones, options.silos),
        SocketIoSide(options.tables, options.phones),
        FastApiSide(options.tables, options.phones),
    ]
    folder = Path(tempfile.mkdtemp(prefix="klive-"))
    rng = random.Random(1)
    closed: dict[str, list[Round]] = {side.name: [] for side in sides}
    steady: dict[str, list[Round]] = {side.name: [] for side in sides}
    try:
        for number, side in enumerate(sides):
            (folder / str(number)).mkdir()
            print(f"starting {side.name} …", flush=True)
            await side.start(folder / str(number))
        for turn in range(options.rounds + 1):
            for side in sides:
                result = await side.closed(options.seconds if turn else 1.0, WRITERS_PER_TABLE)
                print(f"  {turn or 'warm-up'}: {side.name:<40} {result}", flush=True)
                if turn:
                    closed[side.name].append(result)
        for turn in range(options.rounds):
            for side in sides:
                rate = LOAD * median(one.per_second for one in closed[side.name])
                result = await side.steady(options.seconds, rate, rng)
                print(f"  70 % {turn + 1}: {side.name:<40} {result}", flush=True)
                steady[side.name].append(result)
    finally:
        for side in sides:
            await side.stop()
        shutil.rmtree(folder, ignore_errors=True)
    ours = closed[sides[0].name]
    return [_row(side, closed[side.name], steady[side.name], ours) for side in sides]


def _row(side: Side, closed: Sequence[Round], steady: Sequence[Round], ours: Sequence[Round]) -> Row:
    rates = [one.per_second for one in closed]
    ratios = [mine.per_second / max(1e-9, its.per_second) for mine, its in zip(ours, closed, strict=True)]
    both = [*closed, *steady]
    return Row(
        subject=side.name,
        durability=side.durability,
        tables=len(side.tables),
        phones=side.tables[0].phones,
        rate_median=round(median(rates), 1),
        rate_min=round(min(rates), 1),
        rate_max=round(max(rates), 1),
        ratio_to_it=round(median(ratios), 2),
        ratio_min=round(min(ratios), 2),
        ratio_max=round(max(ratios), 2),
        offered=round(LOAD * median(rates), 1),
        p50_ms=round(median(one.p50_ms for one in steady), 2),
        p99_ms=round(median(one.p99_ms for one in steady), 2),
        p99_min_ms=round(min(one.p99_ms for one in steady), 2),
        cpu_ms=round(median(one.cpu_ms for one in closed), 3),
        cpu_ratio=round(median(its.cpu_ms / mine.cpu_ms for mine, its in zip(ours, closed, strict=True)), 2),
        correct=not any(one.lost or one.twice for one in both),
        reordered=sum(one.reordered for one in both),
        failed=sum(one.failed for one in both),
        machine=machine(),
    )


def table(rows: Sequence[Row]) -> str:
    """The rows as text."""
    lines = [
        f"{'subject':<40}{'durability':<16}{'ops/s':>8}{'min–max':>16}{'kaifan ×':>10}{'min–max':>14}"
        f"{'cpu ms/op':>11}{'×':>6}{'p50':>8}{'p99 ms':>8}{'at/s':>8}{'reordered':>11}{'failed':>8}  all saw all once"
    ]
    lines += [
        f"{row.subject:<40}{row.durability:<16}{row.rate_median:>8,.0f}"
        f"{f'{row.rate_min:,.0f}–{row.rate_max:,.0f}':>16}{row.ratio_to_it:>10.2f}"
        f"{f'{row.ratio_min:.2f}–{row.ratio_max:.2f}':>14}{row.cpu_ms:>11.2f}{row.cpu_ratio:>6.1f}"
        f"{row.p50_ms:>8.1f}{row.p99_ms:>8.1f}"
        f"{row.offered:>8,.0f}{row.reordered:>11}{row.failed:>8}  {'yes' if row.correct else 'NO'}"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. 1 when an op was lost or came twice at Kaifan's."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.live", description=__doc__)
    parser.add_argument("--tables", type=int, default=50)
    parser.add_argument("--phones", type=int, default=8)
    parser.add_argument("--silos", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--out", type=Path, default=RESULTS / "live.json")
    options = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(bench(options))
    options.out.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    print(table(rows))
    print(f"\nwritten: {options.out}")
    return 0 if rows[0].correct and rows[0].reordered == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
