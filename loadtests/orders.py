"""Whole orders: sit down, four cart ops, round, bill, payment, settled, cleared. ``python -m loadtests.orders -h``.

Each of N workers plays one table after the other on a kept connection: nine requests an order, each step's answer is
checked, and the bill to the fen. Kaifan and the peer (FastAPI + PostgreSQL with row locks) take turns on one machine.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Protocol

import msgspec
import uvloop

from loadtests.backends import start_postgres
from loadtests.bench import RESULTS, Row, machine, table
from loadtests.equipment import Missing
from loadtests.generator import Diner, percentile_ms
from loadtests.peer_subjects import Peer
from loadtests.processes import DidNotStart
from loadtests.subjects import Kaifan
from loadtests.wire import Answer, ConnectionBroken, HttpConnection

CASE = "whole order"
STEADY_CASE = "whole order at 70 % of the maximum"
STEADY_SHARE = 0.7
CART_OPS = 4
CHANNEL = "simulated"
ANSWER_SECONDS_MAX = 30.0


class WrongAnswer(Exception):
    """A step was not answered as it must be; the message holds the step and the answer."""


class Eatery(Protocol):
    """A subject with tables."""

    name: str
    durability: str
    base_url: str

    async def start(self, folder: Path) -> None: ...

    async def stop(self) -> None: ...

    async def diners(self, count: int) -> list[Diner]: ...

    async def tables(self, count: int) -> list[str]:
        """Tokens of tables where anybody may sit down and pays later; all free."""
        ...

    @property
    def dishes(self) -> Sequence[str]:
        """Ids of plain dishes with stock for everybody."""
        ...

    @property
    def staff_tokens(self) -> Sequence[str]:
        """Of accounts that may clear a table; tables are dealt out to them."""
        ...


class Done(NamedTuple):
    """One order, settled and cleared. Moments are monotonic, in ns; ``due_ns`` is when it should have begun."""

    due_ns: int
    settled_ns: int
    total_fen: int


class OrderPeer(Peer):
    """FastAPI + PostgreSQL, ``loadtests/peers/fastapi_orders.py``."""

    dishes = [f"dish-{number}" for number in range(1, 21)]

    async def tables(self, count: int) -> list[str]:
        return [f"table-{number}" for number in range(1, count + 1)]

    @property
    def staff_tokens(self) -> list[str]:
        return [self._staff_token]


class KaifanTables(Kaifan):
    """Kaifan's demo, with tables of its own for the load: open, pay later, free the moment they are cleared."""

    def __init__(self, name: str, *, silos: int) -> None:
        super().__init__(name, silos=silos)
        self.dishes: list[str] = []
        self._waiters: list[str] = []

    async def tables(self, count: int) -> list[str]:
        menu = await self._staff("GET", f"/stores/{self._store_id}/menu", None)
        plain = [dish for dish in menu["dishes"] if dish.get("kind", "plain") == "plain"]
        free = [dish for dish in plain if not dish["option_groups"] and not dish["time_slots"]]
        self.dishes = [dish["dish_id"] for dish in free if dish["availability"]["state"] == "in"][:20]
        # One person cannot clear a hundred tables a second, and is told so (429).
        self._waiters = [await self._log_in(role) for role in ("owner", "manager", "waiter", "cashier")]
        tokens = []
        for number in range(count):
            path = f"/stores/{self._store_id}/tables/load-{number}"
            plan = {"name": f"L{number}", "join_policy": "open", "pay_mode": "pay_later"}
            await self._staff("PUT", path, plan)
            tokens.append(str((await self._staff("GET", path, None))["token"]))
        return tokens

    @property
    def staff_tokens(self) -> list[str]:
        return self._waiters


class Worker:
    """One table's guests, one visit after the other."""

    def __init__(self, eatery: Eatery, table: str, diner: Diner, number: int) -> None:
        self._connection = HttpConnection(eatery.base_url)
        self._table, self._dishes = table, eatery.dishes
        self._guest = {"Authorization": f"Bearer {diner.token}"}
        staff = eatery.staff_tokens
        self._staff = {"Authorization": f"Bearer {staff[number % len(staff)]}"}
        self._number, self._visits = number, itertools.count()

    async def visit(self, due_ns: int) -> Done:
        """Raises WrongAnswer, ConnectionBroken."""
        visit = next(self._visits)
        session = (await self._step(201, "POST", f"/tables/{self._table}/sessions", {}))["session_id"]
        of_session = f"/table-sessions/{session}"
        seen = 0
        for number in range(CART_OPS):
            dish = self._dishes[(self._number + visit + number) % len(self._dishes)]
            op = {"op_id": f"o{number}", "op": "add", "dish_id": dish, "quantity": 1 + number % 2}
            answer = await self._step(200, "POST", f"{of_session}/cart/ops", {"ops": [op], "seen_seq": seen})
            seen = answer["seq"]
            if answer["results"][0]["status"] != "accepted":
                raise WrongAnswer(f"cart/ops: {answer}")
        placed = await self._step(201, "POST", f"{of_session}/rounds", {"seen_seq": seen})
        bill = await self._step(200, "GET", f"{of_session}/bill", None)
        total = sum(line["amount_fen"] for line in placed["lines"])
        if (
            bill["total_fen"] != total
            or bill["due_fen"] != total
            or sum(_counts(placed)) != CART_OPS * 3 // 2
        ):
            raise WrongAnswer(f"bill {bill} of round {placed}")
        wanted = {"channel": CHANNEL, "amount_fen": total}
        payment = await self._step(201, "POST", f"{of_session}/payments", wanted)
        path = f"/payments/simulated/{payment['payment_id']}"
        paid = await self._step(200, "POST", path, {"outcome": "paid"})
        settled_ns = time.monotonic_ns()
        if paid["status"] != "paid" or paid["amount_fen"] != total:
            raise WrongAnswer(f"payment {paid} of {total} fen")
        await self._step(200, "POST", f"{of_session}/clear", {}, self._staff)
        return Done(due_ns, settled_ns, total)

    async def _step(
        self, status: int, method: str, path: str, body: object, who: dict[str, str] | None = None
    ) -> dict[str, Any]:
        headers = who or self._guest
        if method == "POST":
            headers = {**headers, "Idempotency-Key": secrets.token_hex(12)}
        answer = await self._connection.request(
            method, f"/api/v1{path}", headers=headers, body=body, seconds=ANSWER_SECONDS_MAX
        )
        if answer.status != status:
            raise WrongAnswer(f"{method} {path}: {_said(answer)}")
        return answer.json()

    def close(self) -> None:
        self._connection.close()


def _counts(placed: dict[str, Any]) -> list[int]:
    return [int(line["quantity"]) for line in placed["lines"]]


def _said(answer: Answer) -> str:
    return f"{answer.status} {answer.body[:300]!r}"


class Played(NamedTuple):
    """One round of the load: orders that were settled in time, and what went wrong."""

    seconds: float
    done: list[Done]
    wrong: list[str]

    @property
    def rate(self) -> float:
        return len(self.done) / self.seconds

    def latency_ms(self, percent: float) -> float:
        return percentile_ms(sorted(one.settled_ns - one.due_ns for one in self.done), percent)


async def play(workers: Sequence[Worker], seconds: float, rate: float = 0.0) -> Played:
    """Visits for ``seconds``; with ``rate`` they become due at equal distances, and wait for a free table."""
    begin = time.monotonic_ns()
    end = begin + int(seconds * 1e9)
    turn = itertools.count()
    done: list[Done] = []
    wrong: list[str] = []

    async def work(worker: Worker) -> None:
        while True:
            due = time.monotonic_ns()
            if rate:
                due = begin + int(next(turn) * 1e9 / rate)
                await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
            if due >= end or time.monotonic_ns() >= end:
                return
            try:
                done.append(await worker.visit(due))
            except (WrongAnswer, ConnectionBroken, KeyError) as failure:
                wrong.append(repr(failure))
                return

    await asyncio.gather(*(work(worker) for worker in workers))
    return Played((time.monotonic_ns() - begin) / 1e9, done, wrong)


async def bench(
    eateries: Sequence[Eatery], tables: int, rounds: int, seconds: float
) -> tuple[list[Row], list[str]]:
    """All subjects up, rounds interleaved; the first round warms up and finds the rate of the steady one."""
    folder = Path(tempfile.mkdtemp(prefix="korders-"))
    up: list[Eatery] = []
    notes: list[str] = []
    closed: dict[str, list[Played]] = {}
    steady: dict[str, list[Played]] = {}
    workers: dict[str, list[Worker]] = {}
    try:
        for number, eatery in enumerate(eateries):
            (folder / str(number)).mkdir()
            print(f"starting {eatery.name} …", flush=True)
            try:
                await eatery.start(folder / str(number))
            except (Missing, DidNotStart) as why:
                notes.append(f"{eatery.name}: {why}")
                await eatery.stop()
                continue
            up.append(eatery)
            diners = await eatery.diners(tables)
            tokens = await eatery.tables(tables)
            pairs = enumerate(zip(tokens, diners, strict=False))
            workers[eatery.name] = [Worker(eatery, token, diner, n) for n, (token, diner) in pairs]
        for number in range(rounds + 1):
            for eatery in up:
                crew = workers[eatery.name]
                played = await play(crew, seconds)
                print(
                    f"  {number or 'warm-up'}: {eatery.name:<24}{played.rate:>8.1f} orders/s",
                    *played.wrong[:1],
                )
                closed.setdefault(eatery.name, []).append(played)
        for _ in range(rounds):
            for eatery in up:
                best = max(played.rate for played in closed[eatery.name])
                played = await play(workers[eatery.name], seconds, STEADY_SHARE * best)
                print(f"  70 %: {eatery.name:<24}p99 {played.latency_ms(99):>8.1f} ms", *played.wrong[:1])
                steady.setdefault(eatery.name, []).append(played)
        for crew in workers.values():
            for worker in crew:
                worker.close()
    finally:
        for eatery in reversed(up):
            await eatery.stop()
        shutil.rmtree(folder, ignore_errors=True)
    rows = [_row(CASE, one, closed[one.name][1:], closed[up[0].name][1:], tables) for one in up]
    rows += [_row(STEADY_CASE, one, steady[one.name], [], tables) for one in up]
    return rows, notes


def _row(case: str, eatery: Eatery, mine: list[Played], others: list[Played], tables: int) -> Row:
    rates = [played.rate for played in mine]
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(mine, others, strict=False) if theirs.rate]
    wrong = [why for played in mine for why in played.wrong]
    return Row(
        case=case,
        subject=eatery.name,
        durability=eatery.durability,
        rounds=len(mine),
        rate_median=round(median(rates), 1),
        rate_min=round(min(rates), 1),
        rate_max=round(max(rates), 1),
        p50_ms=round(median(played.latency_ms(50) for played in mine), 1),
        p99_ms=round(median(played.latency_ms(99) for played in mine), 1),
        errors=len(wrong),
        correct=not wrong,
        connections=tables,
        acknowledged=sum(len(played.done) for played in mine),
        ratio_to_kaifan=round(median(ratios), 3) if ratios else None,
        ratio_min=round(min(ratios), 3) if ratios else None,
        ratio_max=round(max(ratios), 3) if ratios else None,
        audit=wrong[0] if wrong else "yes",
        generator="loadtests.orders (asyncio, uvloop, httptools, 1 process)",
        machine=machine(),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; 1 when a subject answered wrong or did not start."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.orders", description=__doc__)
    parser.add_argument("--tables", type=int, default=32, help="tables that are played at once")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--out", type=Path, default=RESULTS / "orders.json")
    options = parser.parse_args(arguments)
    eateries: list[Eatery] = [
        KaifanTables("kaifan", silos=1),
        OrderPeer(
            "fastapi + postgresql", "fsync", "fastapi_orders", backend=start_postgres, packages=("asyncpg",)
        ),
    ]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows, notes = runner.run(bench(eateries, options.tables, options.rounds, options.seconds))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_bytes(msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n")
    print(table(rows))
    for note in notes:
        print(f"\nleft out: {note}")
    return 0 if rows and all(row.correct for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
