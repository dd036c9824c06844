"""What a kitchen shows. Moments are ms since the epoch, 0 where there was none."""

from __future__ import annotations

import msgspec

from store_runtime.store.kitchen.machine import allowed
from store_runtime.store.kitchen.state import KitchenLine
from store_runtime.store.kitchen.words import LineState


class LineView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line on a kitchen screen.

    ``age_ms`` since it was fired (since it came, where it waits); ``late`` when it is past its promise.
    ``allowed`` is what can be done with it. ``allergy``: somebody at the table must not eat
    what it contains (D7).
    """

    line_id: str
    order_line_id: str
    order: str
    label: str
    channel: str
    number: str
    name: str
    quantity: int
    station: str
    state: LineState
    allowed: list[str]
    added_at: int
    promised_at: int
    age_ms: int
    late: bool = False
    name_en: str = ""
    options_text: str = ""
    options_text_en: str = ""
    note: str = ""
    set_name: str = ""
    course: str = ""
    allergens: tuple[str, ...] = ()
    allergy: bool = False
    comped: bool = False
    fired_at: int = 0
    started_at: int = 0
    ready_at: int = 0
    served_at: int = 0
    rushes: int = 0
    rushed_at: int = 0
    reply: str = ""
    remade: int = 0
    reason: str = ""


class AllDay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many of a dish, as it was chosen, are to be made over all orders."""

    dish_id: str
    name: str
    station: str
    quantity: int
    name_en: str = ""
    options_text: str = ""


class ExpoOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order at the pass: what of it is where. ``complete``: all that was fired is ready."""

    order: str
    label: str
    channel: str
    number: str
    on_hold: int
    queued: int
    cooking: int
    ready: int
    cancel_requested: int
    complete: bool
    oldest_at: int
    line_ids: list[str]


class StationLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What waits at a station. ``full``: it takes no more work now (O7)."""

    station: str
    lines: int
    wait_minutes: int
    minutes_max: int
    full: bool


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits for 接单 (O2). ``escalated``: for too long (O1)."""

    order: str
    batch: int
    label: str
    channel: str
    number: str
    placed_at: int
    accept_by: int
    escalated: bool
    dishes: list[str]


class KitchenView(msgspec.Struct, frozen=True, kw_only=True):
    """A station, or the whole kitchen (P4). ``lines`` are what is to be made, oldest first; rushed ones stay there.

    ``recent``: what was served last, newest first, to be recalled. ``seq`` is that of the store's live events.
    """

    seq: int
    at: int
    station: str
    lines: list[LineView]
    recent: list[LineView]
    all_day: list[AllDay]
    expo: list[ExpoOrder]
    stations: list[StationLoad]
    waiting: list[Waiting]


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """How many minutes a dish would take now. ``full``: its station takes no more work from channels."""

    dish_id: str
    ready_in_minutes: int
    full: bool


class Promises(msgspec.Struct, frozen=True, kw_only=True):
    """Of every dish of the published menu."""

    items: list[Promise]


def line_view(line_id: str, line: KitchenLine, at: int) -> LineView:
    """A line as it stands now."""
    cooking = line.cooking
    made = line.ready_at or line.served_at
    return LineView(
        line_id=line_id,
        order_line_id=cooking.order_line_id,
        order=line.order,
        label=line.label,
        channel=line.channel,
        number=line.number,
        name=cooking.name,
        name_en=cooking.name_en,
        quantity=line.quantity,
        station=line.station,
        state=line.state,
        allowed=allowed(line.state),
        added_at=line.added_at,
        promised_at=line.promised_at,
        age_ms=max(0, (made or at) - (line.fired_at or line.added_at)),
        late=not made and line.state != "on_hold" and 0 < line.promised_at < at,
        options_text=cooking.options_text,
        options_text_en=cooking.options_text_en,
        note=cooking.note,
        set_name=cooking.set_name,
        course=cooking.course,
        allergens=cooking.allergens,
        allergy=cooking.allergy,
        comped=line.comped,
        fired_at=line.fired_at,
        started_at=line.started_at,
        ready_at=line.ready_at,
        served_at=line.served_at,
        rushes=line.rushes,
        rushed_at=line.rushed_at,
        reply=line.reply,
        remade=line.remade,
        reason=line.reason,
    )
