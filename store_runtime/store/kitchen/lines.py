"""How moves change kitchen lines, and what they mean for the lines of orders.

``apply`` is the only place where a kitchen line changes: decisions try their steps with it on drafts (``plan.py``),
and evolve runs it on the books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping

from msgspec.structs import replace

from store_runtime.store.kitchen.state import Counted, Kitchen, KitchenLine, StationWork
from store_runtime.store.kitchen.words import WORKED_ON, Cooking, LineState, Move
from store_runtime.store.orders.state import Batch, OrderLine

Lines = MutableMapping[str, KitchenLine]

_PROGRESS: tuple[LineState, ...] = ("cancel_requested", "on_hold", "queued", "cooking", "ready", "served")
"""An order's line is as far as the least of its kitchen lines."""


def added(cooking: Cooking, batch: Batch, at: int) -> KitchenLine:
    """A line as it comes into the kitchen (ADD)."""
    waits = cooking.hold or cooking.fire_at > 0
    return KitchenLine(
        cooking=cooking,
        order=batch.order,
        batch=batch.batch,
        label=batch.label,
        channel=batch.channel,
        number=batch.number,
        quantity=cooking.quantity,
        station=cooking.station,
        state="on_hold" if waits else "queued",
        added_at=at,
        fire_at=cooking.fire_at,
        fired_at=0 if waits else at,
        promised_at=cooking.promised_at,
    )


def apply(lines: Lines, move: Move, at: int) -> None:
    """One step of one line."""
    line = lines[move.line_id]
    line.steps = move.n
    _APPLY.get(move.step, _moved)(lines, line, move, at)
    line.state = move.to


def _moved(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.reason = move.reason or line.reason


def _split(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    lines[move.into] = replace(line, quantity=move.quantity, steps=1, splits=0, counted=None)
    line.quantity -= move.quantity
    line.splits += 1


def _fired(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.fired_at, line.fire_at = at, 0


def _held(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.fired_at = 0


def _started(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.started_at = at


def _ready(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.ready_at = at


def _served(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.served_at = at


def _recalled(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.served_at = 0
    if move.to == "cooking":
        line.ready_at = 0


def _remade(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.remade += 1
    line.reason = move.reason
    line.fired_at, line.started_at, line.ready_at, line.served_at = at, 0, 0, 0


def _rushed(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.rushes += 1
    line.rushed_at = at
    line.reply = ""


def _replied(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.reply = move.text
    line.promised_at = move.promised_at or line.promised_at


def _relabelled(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.order = move.order or line.order
    line.label = move.label or line.label
    line.station = move.station or line.station


def _cancel_requested(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.before = line.state
    line.reason = move.reason


def _comped(lines: Lines, line: KitchenLine, move: Move, at: int) -> None:
    line.comped = True


_APPLY: dict[str, Callable[[Lines, KitchenLine, Move, int], None]] = {
    "SPLIT": _split,
    "FIRE": _fired,
    "HOLD": _held,
    "START": _started,
    "READY": _ready,
    "SERVE": _served,
    "RECALL": _recalled,
    "REMAKE": _remade,
    "RUSH": _rushed,
    "REPLY": _replied,
    "MOVE": _relabelled,
    "CANCEL_REQUEST": _cancel_requested,
    "COMP": _comped,
}


def parts_of(lines: Iterable[KitchenLine]) -> dict[str, list[KitchenLine]]:
    """The kitchen lines of an order's line by part: those that were split belong to the part they came from."""
    parts: dict[str, list[KitchenLine]] = {}
    for line in lines:
        parts.setdefault(line.cooking.line_id, []).append(line)
    return parts


def refresh(kitchen: Kitchen, ordered: OrderLine, no: int) -> None:
    """An order's line follows its kitchen lines; ``seq`` grows with what the order has to know."""
    lines = [kitchen.lines[line_id] for line_id in ordered.cooked_as]
    first = next(iter(parts_of(lines).values()))
    before = (ordered.status, ordered.cancelled, ordered.promised_at, ordered.reply)
    off = sum(line.quantity for line in first if line.state == "cancelled")
    ordered.cancelled = ordered.cancelled_held + off // first[0].cooking.of_one
    wanted = [line for line in lines if line.state != "cancelled"]
    ordered.status = min((line.state for line in wanted), key=_PROGRESS.index, default="cancelled")
    ordered.promised_at = max((line.promised_at for line in wanted), default=ordered.promised_at)
    ordered.reply = next((line.reply for line in wanted if line.reply), "")
    if (ordered.status, ordered.cancelled, ordered.promised_at, ordered.reply) != before:
        note(ordered, no)


def note(ordered: OrderLine, no: int) -> None:
    """The order has to know, from the kitchen's event ``no`` on."""
    ordered.seq += 1
    ordered.changed_by = no


def settle(kitchen: Kitchen, line_ids: Iterable[str]) -> None:
    """Served and cancelled lines leave the screens, recalled ones are back on them; stations know their work."""
    for line_id in line_ids:
        line = kitchen.lines[line_id]
        if line.closed:
            kitchen.active.pop(line_id, None)
        else:
            kitchen.active[line_id] = None
        kitchen.timed.set(line_id, line.fire_at if line.state == "on_hold" else 0)
        _count(kitchen, line_id, line)


def _count(kitchen: Kitchen, line_id: str, line: KitchenLine) -> None:
    """What waits or is made of it is work of its station, and of no other."""
    if (was := line.counted) is not None:
        work = kitchen.work[was.station]
        work.lines -= 1
        work.queued_minutes -= was.minutes
        work.cooking.pop(line_id, None)
        line.counted = None
    if line.state in WORKED_ON:
        queued = line.state == "queued"
        minutes = line.cooking.make_minutes * line.quantity if queued else 0
        work = kitchen.work.setdefault(line.station, StationWork())
        work.lines += 1
        work.queued_minutes += minutes
        if not queued:
            work.cooking[line_id] = None
        line.counted = Counted(line.station, minutes)


def forget(kitchen: Kitchen, line_id: str) -> None:
    """It leaves memory; the journal keeps it."""
    line = kitchen.lines.pop(line_id)
    kitchen.active.pop(line_id, None)
    kitchen.timed.set(line_id, 0)
    line.state = "cancelled"
    _count(kitchen, line_id, line)


def touched(moves: Iterable[Move]) -> Iterator[str]:
    """The kitchen lines that moves are about, each once."""
    seen: dict[str, None] = {}
    for move in moves:
        seen[move.line_id] = None
        if move.into:
            seen[move.into] = None
    return iter(seen)
