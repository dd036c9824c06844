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
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import psutil
import structlog
import uvloop

from actors.entity import Entity, decides
from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.local import LocalLanes, start_local_silo
from actors.turn import Turn
from actors.words import Accepted, Reply
from flash_sale.actor import FlashSaleItem
from flash_sale.commands import Checkout, Claim, ConfirmSale, GetSale, OpenSale, ReleaseClaim
from flash_sale.invariants import cheap_violations
from flash_sale.projections import CheckoutAnswer, ClaimView, SaleView
from loadtests.stores import FileSnapshots, file_stores, mongo_stores
from store_runtime.store.commands import RecordSold, ReturnStock
from store_runtime.takeout.commands import AcceptOrder, CloseOrder, PlaceOrder, RefundPayment

SALE = "flash-sale/long"
IN_FLIGHT = 64
TICK_S = 0.001
STEP = 50_000


class Nothing(msgspec.Struct):
    """The state of somebody who only says yes."""


class Orders(Entity[Nothing]):
    """Orders as far as the sale is concerned: they say yes. Their own work is not what is measured here."""

    kind = "takeout"

    def blank(self) -> Nothing:
        return Nothing()

    @decides(PlaceOrder)
    @decides(AcceptOrder)
    @decides(CloseOrder)
    @decides(RefundPayment)
    def yes(self, state: Nothing, cmd: Any, turn: Turn) -> Iterator[Any]:
        yield from ()


class Books(Entity[Nothing]):
    """The store that says yes."""

    kind = "store"

    def blank(self) -> Nothing:
        return Nothing()

    @decides(RecordSold)
    @decides(ReturnStock)
    def yes(self, state: Nothing, cmd: Any, turn: Turn) -> Iterator[Any]:
        yield from ()


class Step(msgspec.Struct, kw_only=True):
    """What ``claims`` more claims came to."""

    claims: int
    per_second: float
    cpu_us: float
    """Processor time of this process per claim: what is compared when others use the machine too."""
    pause_ms: float
    pauses_over_20_ms: int
    rss_bytes: int
    snapshots: int


class Result(msgspec.Struct, kw_only=True):
    """What the whole sale came to; seconds and bytes."""

    claims: int
    journal: str
    start_per_second: float
    end_per_second: float
    ratio: float
    """Speed at the end by speed at the start, by processor time."""
    longest_pause_ms: float
    bytes_per_claim: float
    snapshot_s: float
    snapshot_bytes: int
    snapshot_new_bytes: int
    activation_s: float
    activation_pause_ms: float
    steps: list[Step]


class Pauses:
    """How late the loop is: a tick each millisecond, and the longest time between two."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.long_ones = 0
        self._last = time.perf_counter()
        self._loop = asyncio.get_running_loop()
        self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = time.perf_counter()
        late = now - self._last - TICK_S
        self._last = now
        self.longest = max(self.longest, late)
        self.long_ones += late > 0.020
        self._loop.call_later(TICK_S, self._tick)

    def take(self) -> tuple[float, int]:
        """(ms, how many above 20 ms) since the last call."""
        taken = self.longest * 1_000, self.long_ones
        self.longest, self.long_ones = 0.0, 0
        return taken


class Crowd:
    """Diners who always have IN_FLIGHT commands under way."""

    def __init__(self, silo: Silo, claims: int) -> None:
        self._silo = silo
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
            SALE, word, command_id=command_id, deadline=time.monotonic() + 30.0, callback=then
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


async def long_sale(
    stores: Stores, name: str, claims: int, hold_s: int, say: Any = print, snapshot_every: int = 5_000
) -> Result:
    """Open a sale, claim it, and measure."""
    settings = RuntimeSettings(idle_s=2.0, snapshot_every=snapshot_every)
    silo = await start(stores, settings)
    now = int(time.time() * 1_000)
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
    reply = await silo.router.ask(SALE, opening, command_id=os.urandom(16))
    assert isinstance(reply, Accepted), reply
    process = psutil.Process()
    pauses = Pauses()
    steps: list[Step] = []
    warm = Crowd(silo, STEP // 5)
    await warm.run()
    gc.collect()
    rss_before, claims_before = process.memory_info().rss, warm.made
    pauses.take()
    made = warm.made
    while made < claims:
        crowd = Crowd(silo, min(STEP, claims - made))
        began, cpu_began = time.perf_counter(), time.process_time()
        await crowd.run()
        took, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        made += crowd.made
        pause_ms, over = pauses.take()
        step = Step(
            claims=made,
            per_second=crowd.made / took,
            cpu_us=cpu / crowd.made * 1e6,
            pause_ms=pause_ms,
            pauses_over_20_ms=over,
            rss_bytes=process.memory_info().rss,
            snapshots=silo.meter.snapshots,
        )
        steps.append(step)
        say(
            f"{step.claims:>9,} claims  {step.per_second:>8,.0f}/s  {step.cpu_us:5.1f} µs  "
            f"pause {step.pause_ms:6.1f} ms ({step.pauses_over_20_ms} over 20)  rss {step.rss_bytes / 1e6:7,.0f} MB  "
            f"{step.snapshots} snapshots"
        )
    rss_after = process.memory_info().rss
    view = await silo.router.ask(SALE, GetSale())
    assert isinstance(view, Accepted), view
    shown = msgspec.msgpack.decode(view.answer, type=SaleView)
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
    pauses.take()
    silo = await start(stores, settings)
    began = time.perf_counter()
    again = await silo.router.ask(SALE, GetSale(), timeout_s=300.0)
    activation_s = time.perf_counter() - began
    assert isinstance(again, Accepted), again
    assert msgspec.msgpack.decode(again.answer, type=SaleView).claims == made
    activation_pause_ms, _ = pauses.take()
    await silo.drain(5.0)
    await silo.stop()
    start_speed = middle([step.per_second for step in steps[:3]])
    end_speed = middle([step.per_second for step in steps[-3:]])
    return Result(
        claims=made,
        journal=name,
        start_per_second=start_speed,
        end_per_second=end_speed,
        ratio=middle([step.cpu_us for step in steps[:3]]) / middle([step.cpu_us for step in steps[-3:]]),
        longest_pause_ms=max(step.pause_ms for step in steps),
        bytes_per_claim=(rss_after - rss_before) / max(1, made - claims_before),
        snapshot_s=snapshot_s,
        snapshot_bytes=manifest.size_bytes,
        snapshot_new_bytes=stores.snapshots.written[-1] if isinstance(stores.snapshots, FileSnapshots) else 0,
        activation_s=activation_s,
        activation_pause_ms=activation_pause_ms,
        steps=steps,
    )


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
        f"start {result.start_per_second:,.0f}/s, end {result.end_per_second:,.0f}/s: {result.ratio:.3f}; "
        f"longest pause {result.longest_pause_ms:.1f} ms; {result.bytes_per_claim:.0f} bytes per claim; "
        f"snapshot {result.snapshot_s:.2f} s, {result.snapshot_new_bytes / 1e6:.1f} of "
        f"{result.snapshot_bytes / 1e6:.1f} MB new; "
        f"activation {result.activation_s:.2f} s, pause {result.activation_pause_ms:.1f} ms"
    )
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
