"""Tables in the middle of a meal: what each takes in memory while it is idle, and how fast one comes back.

``python -m loadtests.tables [--tables 100] [--journal file|mongo] [--json FILE]`` seats 8 guests at each of that many
tables of the demo's dining room. They put 40 dishes into their carts, one at a time, and order them in three rounds.
Then silos start that have none of the sessions in memory and are asked about each, one after the other: first from
the journal alone, then from snapshots.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import structlog
import uvloop

from actors.settings import RuntimeSettings
from actors.silo import Silo, Stores
from actors.testing.local import LocalLanes, start_local_silo
from actors.turn import derived_id
from actors.words import Accepted, Command, Query, Rejected
from cluster.demo_data import DemoStore, stores
from cluster.rooms import ENTITIES
from loadtests.longsale import middle, stores_in
from pricing.items import ItemProblem, MenuIndex, price_item
from pricing.selection import Selection
from store_runtime.store.commands import ChangeSettings, CreateStore, GetStore
from store_runtime.store.floor.commands import PutTable, TablePlan
from store_runtime.store.kitchen.commands import ChangeKitchen
from store_runtime.store.menu.commands import PublishMenu, SaveDraft
from store_runtime.table.commands import ScanCode
from store_runtime.table.projections import ScanAnswer
from store_runtime.table_session.commands import (
    Add,
    EditCart,
    GetSession,
    JoinSession,
    Quote,
    SubmitRound,
    WhereIsSession,
)
from store_runtime.table_session.projections import Joined, RoundAnswer, SessionView

GUESTS = 8
ROUNDS = (20, 12, 8)
"""Lines that are ordered together; 40 in all."""

TABLES_PER_STORE = 20
AT_ONCE = 10
NOON, TUESDAY = 12 * 60, 2
SETTINGS = RuntimeSettings(idle_s=3_600.0, entities_max=1_000_000)

T = TypeVar("T")


class Result(msgspec.Struct, kw_only=True):
    """Milliseconds per activation (the median, the 99th percentile, and the median of our own processor time); bytes
    per idle session.

    ``state_bytes``: of these, what the session's own state takes as it is stored. ``live_events``: so many of what
    happened can be fetched again by a phone that missed them.
    """

    tables: int
    journal: str
    lines: int
    bytes_per_session: float
    journal_ms: float
    journal_p99_ms: float
    journal_own_ms: float
    snapshot_ms: float
    snapshot_p99_ms: float
    snapshot_own_ms: float
    state_bytes: int
    snapshot_bytes: int
    live_events: int


# --- a dining room full of guests ----------------------------------------------------------------------


async def start(stores: Stores) -> Silo:
    """A silo that has taken its shards."""
    silo = await start_local_silo("local", ENTITIES, stores=stores, lanes=LocalLanes(), settings=SETTINGS)
    reply = None
    while not isinstance(reply, Accepted | Rejected):
        reply = await silo.router.ask("store/nobody", GetStore(), command_id=b"")
    return silo


async def tell(silo: Silo, key: str, word: Command | Query, answer: type[T], command_id: bytes = b"") -> T:
    """Its answer; everything here is accepted."""
    if isinstance(word, Command):
        command_id = command_id or os.urandom(16)
    reply = await silo.router.ask(key, word, command_id=command_id, timeout_s=60.0)
    assert isinstance(reply, Accepted), (key, word, reply)
    return msgspec.msgpack.decode(reply.answer, type=answer)


async def opened(silo: Silo, store_id: str, demo: DemoStore, tables: int) -> None:
    """A store like the demo's dining room, with so many tables."""
    key = f"store/{store_id}"
    words: list[Command] = [
        CreateStore(name=demo.name),
        ChangeSettings(join_policy="open", pay_mode="pay_later", auto_accept=True),
        ChangeKitchen(stations=demo.stations),
        SaveDraft(menu=demo.menu),
        PublishMenu(),
    ]
    words += [
        PutTable(table_id=f"t{n}", plan=TablePlan(name=str(n), join_policy="open")) for n in range(tables)
    ]
    for word in words:
        await tell(silo, key, word, Any)


def dishes(index: MenuIndex) -> Iterator[Add]:
    """One of everything that can be had as it stands on the menu, then again with a note."""
    for note, dish in product(("", "少辣 less spicy"), index.menu.dishes):
        item = price_item(index, Selection(dish_id=dish.dish_id), TUESDAY, NOON)
        if isinstance(item, ItemProblem) or dish.time_slots or dish.kind == "set":
            continue
        yield Add(
            op_id="",
            selection=Selection(dish_id=dish.dish_id, options=item.options),
            note=note,
            quote=Quote(
                name=item.name,
                name_en=item.name_en,
                unit_price_fen=item.unit_price_fen,
                menu_version=index.version,
                options_text=item.options_text,
                allergens=item.allergens,
            ),
        )


async def dined(silo: Silo, store_id: str, table: int, menu: list[Add]) -> str:
    """A party sits down and orders everything of ``menu``; the session's id."""
    key = f"table/{store_id}.t{table}"
    session = ""
    guests = [f"u-{os.urandom(8).hex()}" for _ in range(GUESTS)]
    for guest in guests:
        scanned = os.urandom(16)
        scan = await tell(silo, key, ScanCode(rotation=1, user_id=guest), ScanAnswer, scanned)
        session = f"table-session/{scan.session_id}"
        if scan.opening is not None:
            await tell(silo, session, scan.opening, Joined, derived_id(scanned, "open"))
        else:
            await tell(silo, session, JoinSession(user_id=guest), Joined)
    wanted = iter(zip(menu, cycle(guests), strict=False))
    for count in ROUNDS:
        for add, guest in islice(wanted, count):
            op = msgspec.structs.replace(add, op_id=os.urandom(8).hex())
            await tell(silo, session, EditCart(ops=(op,), user_id=guest), Any)
        seen = (await tell(silo, session, GetSession(), SessionView)).seq
        await tell(silo, session, SubmitRound(seen_seq=seen, user_id=guests[0]), RoundAnswer)
        while (await tell(silo, session, GetSession(), SessionView)).rounds[-1].state != "fired":
            await asyncio.sleep(0.005)
    return session


async def full_house(silo: Silo, tables: int) -> list[str]:
    """All tables are taken; the keys of their sessions."""
    demo = stores()[0]
    menu = list(islice(dishes(MenuIndex(demo.menu, version=1)), sum(ROUNDS)))
    assert len(menu) == sum(ROUNDS)
    for first in range(0, tables, TABLES_PER_STORE):
        await opened(silo, store_of(first), demo, min(TABLES_PER_STORE, tables - first))
    sessions: list[str] = []
    for first in range(0, tables, AT_ONCE):
        numbers = range(first, min(tables, first + AT_ONCE))
        sessions += await asyncio.gather(
            *(dined(silo, store_of(n), n % TABLES_PER_STORE, menu) for n in numbers)
        )
    return sessions


def store_of(table: int) -> str:
    return f"demo-{table // TABLES_PER_STORE}"


# --- what they take ------------------------------------------------------------------------------------


async def many_tables(stores: Stores, journal: str, tables: int) -> Result:
    """Seat them, forget them, bring them back."""
    silo = await start(stores)
    sessions = await full_house(silo, tables)
    await end(silo)
    from_journal, journal_own_ms = await activated(stores, sessions)
    silo = await start(stores)
    for session in sessions:
        await tell(silo, session, WhereIsSession(), Any)
    sizes = []
    for session in sessions:
        manifest = await silo.host.activator.snapshotting.make(silo.host.activations[session])
        sizes.append(manifest.size_bytes)
    view = await tell(silo, sessions[0], GetSession(), SessionView)
    assert view.bill is not None
    state = silo.host.activations[sessions[0]].memory.state
    state_bytes, live_events = len(msgspec.msgpack.encode(state)), len(state.live.kept)
    await end(silo)
    del silo, state
    from_snapshot, snapshot_own_ms = await activated(stores, sessions)
    return Result(
        tables=tables,
        journal=journal,
        lines=sum(len(one.lines) for one in view.rounds),
        bytes_per_session=await idle_bytes(stores, sessions),
        journal_ms=middle(from_journal),
        journal_p99_ms=late(from_journal),
        journal_own_ms=journal_own_ms,
        snapshot_ms=middle(from_snapshot),
        snapshot_p99_ms=late(from_snapshot),
        snapshot_own_ms=snapshot_own_ms,
        state_bytes=state_bytes,
        snapshot_bytes=round(sum(sizes) / len(sizes)),
        live_events=live_events,
    )


async def activated(stores: Stores, sessions: list[str]) -> tuple[list[float], float]:
    """How long each takes, in ms, from the question to its answer, when it is not in memory; one at a time.

    And what of that is this thread's own work, in the median: the rest is the machine's, when others use it too.
    """
    silo = await start(stores)
    gc.collect()
    gc.freeze()
    took, own = [], []
    for session in sessions:
        began, own_began = time.perf_counter(), time.thread_time()
        await tell(silo, session, WhereIsSession(), Any)
        took.append((time.perf_counter() - began) * 1_000)
        own.append((time.thread_time() - own_began) * 1_000)
    await end(silo)
    gc.unfreeze()
    return took, middle(own)


async def idle_bytes(stores: Stores, sessions: list[str]) -> float:
    """What Python has allocated for each once all are in memory and nothing happens.

    Traced, not taken from the process: what earlier silos gave back to the allocator would hide it.
    """
    silo = await start(stores)
    await tell(silo, sessions[0], WhereIsSession(), Any)
    gc.collect()
    tracemalloc.start()
    try:
        for session in sessions[1:]:
            await tell(silo, session, WhereIsSession(), Any)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(session in silo.host.activations for session in sessions)
    await end(silo)
    return taken / (len(sessions) - 1)


async def end(silo: Silo) -> None:
    await silo.drain(10.0)
    await silo.stop()
    gc.collect()


def late(figures: list[float]) -> float:
    """The 99th percentile."""
    return sorted(figures)[len(figures) * 99 // 100]


async def measure(given: argparse.Namespace) -> Result:
    with tempfile.TemporaryDirectory(prefix="lt-") as folder:
        async with stores_in(given.journal, Path(folder)) as kept:
            return await many_tables(kept, given.journal, given.tables)


def main() -> int:
    parser = argparse.ArgumentParser(prog="loadtests.tables", description=__doc__)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--journal", choices=("file", "mongo"), default="file")
    parser.add_argument("--json", type=Path, default=None)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    result = uvloop.new_event_loop().run_until_complete(measure(given))
    print(
        f"{result.tables:,} tables with {GUESTS} guests and {result.lines} lines: "
        f"{result.bytes_per_session / 1_000:.1f} KB per idle session ({result.state_bytes / 1_000:.1f} KB of state "
        f"as it is stored, {result.live_events} live events); activation from the journal "
        f"{result.journal_ms:.2f} ms (own work {result.journal_own_ms:.2f}, p99 {result.journal_p99_ms:.2f}), from a "
        f"snapshot of {result.snapshot_bytes / 1_000:.1f} KB {result.snapshot_ms:.2f} ms (own work "
        f"{result.snapshot_own_ms:.2f}, p99 {result.snapshot_p99_ms:.2f})"
    )
    if given.json:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
