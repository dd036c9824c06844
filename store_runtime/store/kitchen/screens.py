"""What cooks and the pass see: station, all-day counts, expo, load, what waits to be accepted (P4, O1, O7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from store_runtime.store.kitchen.load import MINUTE_MS, Load
from store_runtime.store.kitchen.projections import (
    AllDay,
    ExpoOrder,
    KitchenView,
    StationLoad,
    Waiting,
    line_view,
)
from store_runtime.store.kitchen.state import Kitchen, KitchenLine
from store_runtime.store.kitchen.words import WORKED_ON
from store_runtime.store.orders.state import BatchState
from store_runtime.store.state import StoreBooks

RECENT_MAX = 20


def kitchen_view(store: StoreBooks, station: str, at: int) -> KitchenView:
    """A station, or with an empty name everything."""
    kitchen = store.kitchen
    active = [(line_id, kitchen.lines[line_id]) for line_id in kitchen.active]
    here = [(line_id, line) for line_id, line in active if station in ("", line.station)]
    here.sort(key=lambda entry: (entry[1].state == "on_hold", entry[1].fired_at or entry[1].added_at))
    served = [
        (line_id, line)
        for line_id, line in kitchen.lines.items()
        if line.state == "served" and station in ("", line.station)
    ]
    served.sort(key=lambda entry: entry[1].served_at, reverse=True)
    return KitchenView(
        seq=store.live.seq,
        at=at,
        station=station,
        lines=[line_view(line_id, line, at) for line_id, line in here],
        recent=[line_view(line_id, line, at) for line_id, line in served[:RECENT_MAX]],
        all_day=_all_day(line for _, line in here),
        expo=_expo(active),
        stations=_stations(kitchen, at),
        waiting=_waiting(store),
    )


def _all_day(lines: Iterable[KitchenLine]) -> list[AllDay]:
    counts: dict[tuple[str, str, str, str], int] = {}
    english: dict[str, str] = {}
    for line in lines:
        if line.state in WORKED_ON:
            cooking = line.cooking
            key = (cooking.dish_id, cooking.name, cooking.options_text, line.station)
            counts[key] = counts.get(key, 0) + line.quantity
            english[cooking.dish_id] = cooking.name_en
    rows = [
        AllDay(
            dish_id=dish_id,
            name=name,
            name_en=english[dish_id],
            options_text=options,
            station=station,
            quantity=quantity,
        )
        for (dish_id, name, options, station), quantity in counts.items()
    ]
    return sorted(rows, key=lambda row: -row.quantity)


def _expo(active: Iterable[tuple[str, KitchenLine]]) -> list[ExpoOrder]:
    orders: dict[str, list[tuple[str, KitchenLine]]] = {}
    for line_id, line in active:
        orders.setdefault(line.order, []).append((line_id, line))
    rows = [_at_the_pass(order, lines) for order, lines in orders.items()]
    return sorted(rows, key=lambda row: row.oldest_at)


def _at_the_pass(order: str, lines: list[tuple[str, KitchenLine]]) -> ExpoOrder:
    counts = Counter[str]()
    for _, line in lines:
        counts[line.state] += line.quantity
    last = lines[-1][1]
    return ExpoOrder(
        order=order,
        label=last.label,
        channel=last.channel,
        number=last.number,
        on_hold=counts["on_hold"],
        queued=counts["queued"],
        cooking=counts["cooking"],
        ready=counts["ready"],
        cancel_requested=counts["cancel_requested"],
        complete=bool(counts["ready"]) and not (counts["queued"] or counts["cooking"]),
        oldest_at=min(line.added_at for _, line in lines),
        line_ids=[line_id for line_id, _ in lines],
    )


def _stations(kitchen: Kitchen, at: int) -> list[StationLoad]:
    load = Load(kitchen, at)
    lines = {name: work.lines for name, work in kitchen.work.items() if work.lines}
    names = dict.fromkeys([*(terms.station for terms in kitchen.terms.stations), *lines])
    return [
        StationLoad(
            station=name,
            lines=lines.get(name, 0),
            wait_minutes=-(-load.wait_ms(name) // MINUTE_MS),
            minutes_max=kitchen.terms.station(name).minutes_max,
            full=load.full(name),
        )
        for name in names
    ]


def _waiting(store: StoreBooks) -> list[Waiting]:
    batches = [store.orders.batches[key] for key in store.orders.open]
    return [
        Waiting(
            order=batch.order,
            batch=batch.batch,
            label=batch.label,
            channel=batch.channel,
            number=batch.number,
            placed_at=batch.placed_at,
            accept_by=batch.accept_by,
            escalated=batch.escalated,
            dishes=[f"{line.name} ×{line.quantity}" for line in batch.lines],
        )
        for batch in batches
        if batch.state is BatchState.WAITING
    ]
