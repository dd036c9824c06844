"""One sale with very many claims, in one process: is the last claim as fast as the first, and who pays for it?

``python -m loadtests.longsale [--claims 1000000] [--journal file|mongo] [--json FILE]`` drives the real host and the
real FlashSaleItem without HTTP. Of ten claims one is given back, one is paid, the others run out. It prints speed at
the start and at the end, the longest pause of the loop, bytes per claim, and how long snapshot and activation take.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import hashlib
import itertools
import logging
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import structlog
import uvloop

from actors.collecting import ShortCollections
from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.local import LocalLanes, start_local_silo
from actors.words import Accepted, Reply
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import Checkout, Claim, ConfirmSale, GetSale, OpenSale, ReleaseClaim
from flash_sale.invariants import cheap_violations
from flash_sale.projections import CheckoutAnswer, ClaimView, SaleView
from loadtests.standins import Books, Orders
from loadtests.stores import FileSnapshots, file_stores, mongo_stores
from store_runtime.store.commands import ReturnStock

SALE = "flash-sale/long"
IN_FLIGHT = 64
TICK_S = 0.001
STEP = 50_000
WARM = 10_000
ROUNDS = 10
FRESH_SHARE = 5


class Step(msgspec.Struct, kw_only=True):
    """What more claims came to; ``cpu_us`` is processor time of this process per claim, follow-ups included."""

    claims: int
    per_second: float
    cpu_us: float
    fresh_cpu_us: float
    pause_ms: float
    own_pause_ms: float
    own_pauses_over_20_ms: int
    rss_bytes: int
    snapshots: int


class Result(msgspec.Struct, kw_only=True):
    """What the whole sale came to; seconds and bytes.

    ``ratio``: speed at the end by speed at the start, each by a fresh sale that took turns with it.
    """

    claims: int
    journal: str
    start_per_second: float
    end_per_second: float
    ratio: float
    longest_pause_ms: float
    longest_own_pause_ms: float
    bytes_per_claim: float
    snapshot_s: float
    snapshot_bytes: int
    snapshot_new_bytes: int
    activation_s: float
    activation_cpu_s: float
    activation_pause_ms: float
    steps: list[Step]


class Pauses:
    """How late the loop is: a tick each millisecond, and the longest time between two.

    ``own``: the processor time of this thread between two ticks, which is what we kept the loop from its other work;
    the rest of a pause is the machine's, when others use it too.
    """

    def __init__(self) -> None:
        self.longest = self.own = 0.0
        self.long_ones = 0
        self._last, self._last_own = time.perf_counter(), time.thread_time()
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now, own_now = time.perf_counter(), time.thread_time()
        late, own = now - self._last - TICK_S, own_now - self._last_own
        self._last, self._last_own = now, own_now
        self.longest = max(self.longest, late)
        self.own = max(self.own, own)
        self.long_ones += own > 0.020
        self._loop.call_later(TICK_S, self._tick)

    def take(self) -> tuple[float, float, int]:
        """(ms, own ms, how many own above 20 ms) since the last call."""
        taken = self.longest * 1_000, self.own * 1_000, self.long_ones
        self.longest, self.own, self.long_ones = 0.0, 0.0, 0
        return taken


class Crowd:
    """Diners who always have IN_FLIGHT commands under way."""

    def __init__(self, silo: Silo, sale: str, claims: int) -> None:
        self._silo = silo
        self._sale = sale
        self._left = claims
        self._ids = itertools.count(1)
        self._flying = 0
        self._done = asyncio.get_running_loop().create_future()
        self._random = os.urandom(8)
        self.made = 0

    async def run(self) -> None:
        for _ in range(min(IN_FLIGHT, self._left)):
            self._claim()
        await self._done

    def _send(self, word: Any, then: Any) -> None:
        self._flying += 1
        number = next(self._ids)
        command_id = hash_of(self._random + number.to_bytes(8, "big"))
        self._silo.router.submit(
            self._sale, word, command_id=command_id, deadline=time.monotonic() + 30.0, callback=then
        )

    def _landed(self) -> None:
        self._flying -= 1
        while self._left > 0 and self._flying < IN_FLIGHT:
            self._claim()
        if self._flying == 0 and not self._done.done():
            self._done.set_result(None)

    def _claim(self) -> None:
        self._left -= 1
        number = self.made
        self.made += 1
        user = f"guest-{number:07d}-{self._random.hex()}"

        def claimed(reply: Reply) -> None:
            if not isinstance(reply, Accepted):
                raise SystemExit(f"a claim was not accepted: {reply}")
            if number % 10 == 0:
                view = msgspec.msgpack.decode(reply.answer, type=ClaimView)
                self._send(ReleaseClaim(claim_id=view.claim_id, user_id=user), self._over)
            elif number % 10 == 1:
                view = msgspec.msgpack.decode(reply.answer, type=ClaimView)
                self._send(
                    Checkout(claim_id=view.claim_id, user_id=user), lambda r: self._pay(view.claim_id, r)
                )
            self._landed()

        self._send(Claim(user_id=user, quantity=1), claimed)

    def _pay(self, claim_id: str, reply: Reply) -> None:
        if isinstance(reply, Accepted):
            order = msgspec.msgpack.decode(reply.answer, type=CheckoutAnswer).order_id
            confirm = ConfirmSale(claim_id=claim_id, order_id=order, payment_id=f"{order}.p1")
            self._send(confirm, self._over)
        self._landed()

    def _over(self, reply: Reply) -> None:
        self._landed()


def hash_of(raw: bytes) -> bytes:
    """A command id like the ingress makes them."""
    return hashlib.blake2b(raw, digest_size=16).digest()


async def opened(silo: Silo, sale: str, claims: int, hold_s: int) -> None:
    """A sale with stock for all these claims, open for a day."""
    # A minute ago: the clock of the silo may be behind ours.
    now = int(time.time() * 1_000) - 60_000
    opening = OpenSale(
        store_id="s",
        dish_id="d",
        dish_name="Noodles",
        title="Noodles",
        price_fen=500,
        stock=min(1_000_000, claims),
        per_user_limit=2,
        starts_at=now,
        ends_at=now + 86_400_000,
        hold_seconds=hold_s,
        grace_ms=0,
    )
    reply = await silo.router.ask(sale, opening, command_id=os.urandom(16))
    assert isinstance(reply, Accepted), reply


async def crowd_of(silo: Silo, sale: str, claims: int) -> tuple[float, float]:
    """So many claims; (seconds, seconds of our processor time)."""
    began, cpu_began = time.perf_counter(), time.process_time()
    await Crowd(silo, sale, claims).run()
    return time.perf_counter() - began, time.process_time() - cpu_began


async def step(silo: Silo, pauses: Pauses, before: int, claims: int, hold_s: int) -> Step:
    """``claims`` more in the long sale, in turns with a sale that is new."""
    fresh = f"flash-sale/fresh-{before}"
    await opened(silo, fresh, claims, hold_s)
    took = cpu = fresh_cpu = 0.0
    worst = 0.0, 0.0, 0
    for _ in range(ROUNDS):
        pauses.take()
        spent = await crowd_of(silo, SALE, claims // ROUNDS)
        pause = pauses.take()
        worst = max(worst[0], pause[0]), max(worst[1], pause[1]), worst[2] + pause[2]
        took, cpu = took + spent[0], cpu + spent[1]
        fresh_cpu += (await crowd_of(silo, fresh, claims // ROUNDS // FRESH_SHARE))[1]
    return Step(
        claims=before + claims,
        per_second=claims / took,
        cpu_us=cpu / claims * 1e6,
        fresh_cpu_us=fresh_cpu / (claims // FRESH_SHARE) * 1e6,
        pause_ms=worst[0],
        own_pause_ms=worst[1],
        own_pauses_over_20_ms=worst[2],
        rss_bytes=psutil.Process().memory_info().rss,
        snapshots=silo.meter.snapshots,
    )


async def long_sale(
    stores: Stores, journal: str, claims: int, hold_s: int, snapshot_every: int = 5_000
) -> Result:
    """Open a sale, claim it, and measure; then a snapshot, and an activation from it."""
    settings = RuntimeSettings(idle_s=2.0, snapshot_every=snapshot_every)
    silo = await start(stores, settings)
    await opened(silo, SALE, claims, hold_s)
    pauses = Pauses()
    await crowd_of(silo, SALE, WARM)
    # As a silo's process does when it has started.
    ShortCollections().install()
    rss_before, made = psutil.Process().memory_info().rss, WARM
    steps: list[Step] = []
    while made < claims:
        done = await step(silo, pauses, made, min(STEP, claims - made), hold_s)
        made = done.claims
        steps.append(done)
        print(
            f"{made:>9,} claims  {done.per_second:>7,.0f}/s  {done.cpu_us:5.1f} µs (fresh sale "
            f"{done.fresh_cpu_us:5.1f})  pause {done.pause_ms:6.1f} ms, own {done.own_pause_ms:5.1f} "
            f"({done.own_pauses_over_20_ms} over 20)  rss {done.rss_bytes / 1e6:5,.0f} MB  "
            f"{done.snapshots} snapshots",
            flush=True,
        )
    shown = await sale_view(silo)
    assert shown.claims == made, (shown.claims, made)
    activation = silo.host.activations[SALE]
    assert cheap_violations(activation.memory.state) == []
    began = time.perf_counter()
    manifest = await silo.host.activator.snapshotting.make(activation)
    snapshot_s = time.perf_counter() - began
    await silo.drain(5.0)
    await silo.stop()
    del activation, silo
    gc.collect()
    silo = await start(stores, settings)
    pauses.take()
    began, cpu_began = time.perf_counter(), time.process_time()
    again = await sale_view(silo)
    activation_s, activation_cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    _, activation_pause_ms, _ = pauses.take()
    assert again.claims == made, (again.claims, made)
    await silo.drain(5.0)
    await silo.stop()
    return Result(
        claims=made,
        journal=journal,
        start_per_second=middle([one.per_second for one in steps[:3]]),
        end_per_second=middle([one.per_second for one in steps[-3:]]),
        ratio=middle([share(one) for one in steps[-3:]]) / middle([share(one) for one in steps[:3]]),
        longest_pause_ms=max(one.pause_ms for one in steps),
        longest_own_pause_ms=max(one.own_pause_ms for one in steps),
        bytes_per_claim=(steps[-1].rss_bytes - rss_before) / (made - WARM),
        snapshot_s=snapshot_s,
        snapshot_bytes=manifest.size_bytes,
        snapshot_new_bytes=stores.snapshots.written[-1] if isinstance(stores.snapshots, FileSnapshots) else 0,
        activation_s=activation_s,
        activation_cpu_s=activation_cpu_s,
        activation_pause_ms=activation_pause_ms,
        steps=steps,
    )


async def sale_view(silo: Silo) -> SaleView:
    """The long sale, activated if need be."""
    reply = await silo.router.ask(SALE, GetSale(), timeout_s=300.0)
    assert isinstance(reply, Accepted), reply
    return msgspec.msgpack.decode(reply.answer, type=SaleView)


def share(one: Step) -> float:
    """How fast the long sale is by a fresh one of the same minute."""
    return one.fresh_cpu_us / one.cpu_us


def middle(figures: list[float]) -> float:
    """The median."""
    return sorted(figures)[len(figures) // 2]


async def start(stores: Stores, settings: RuntimeSettings) -> Silo:
    """A silo that has taken its shards."""
    silo = await start_local_silo(
        "local", [FlashSaleItem, Orders, Books], stores=stores, lanes=LocalLanes(), settings=settings
    )
    reply = None
    while not isinstance(reply, Accepted):
        nothing = ReturnStock(flash_sale_id="", dish_id="", quantity=0)
        reply = await silo.router.ask("store/s", nothing, command_id=os.urandom(16))
    return silo


@asynccontextmanager
async def stores_in(kind: str, folder: Path) -> AsyncIterator[Stores]:
    """``file``: fast, for finding what grows; ``mongo``: the real journal."""
    if kind == "file":
        yield file_stores(folder)
    else:
        async with mongo_stores(folder) as stores:
            yield stores


async def measure(given: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory(prefix="ls-") as folder:
        async with stores_in(given.journal, Path(folder)) as stores:
            return await long_sale(
                stores, given.journal, given.claims, given.hold, snapshot_every=given.snapshot_every
            )


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtests.longsale", description=__doc__)
    parser.add_argument("--claims", type=int, default=1_000_000)
    parser.add_argument("--journal", choices=("file", "mongo"), default="file")
    parser.add_argument("--hold", type=int, default=5, help="seconds a hold lasts")
    parser.add_argument("--snapshot-every", type=int, default=5_000, help="events between two snapshots")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    loop = uvloop.new_event_loop()
    result = loop.run_until_complete(measure(given))
    print(
        f"start {result.start_per_second:,.0f}/s, end {result.end_per_second:,.0f}/s; end by start, each by a "
        f"fresh sale: {result.ratio:.3f}; longest pause {result.longest_pause_ms:.1f} ms, own "
        f"{result.longest_own_pause_ms:.1f}; {result.bytes_per_claim:.0f} bytes per claim; snapshot "
        f"{result.snapshot_s:.2f} s, {result.snapshot_new_bytes / 1e6:.1f} of "
        f"{result.snapshot_bytes / 1e6:.1f} MB new; activation {result.activation_s:.2f} s (own "
        f"{result.activation_cpu_s:.2f}), own pause {result.activation_pause_ms:.1f} ms"
    )
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
