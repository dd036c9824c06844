"""What the kitchen's routes answer with: the store's views, with moments as RFC 3339."""

from __future__ import annotations

from typing import Self

import msgspec

from api.moments import MomentText, rfc3339
from api.views import Shown
from store_runtime.store.kitchen.projections import (
    AllDay,
    ExpoOrder,
    KitchenView,
    LineView,
    StationLoad,
    Waiting,
)


class KitchenLine(Shown, frozen=True, kw_only=True):
    """A line on a kitchen screen.

    ``state``: on_hold, queued, cooking, ready, served, cancel_requested, cancelled; ``allowed``: what can be done.
    ``age_s`` counts from when it was fired until it is ready; ``late``: past ``promised_at``. ``allergy``: somebody
    at the table must not eat what it contains.
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
    state: str
    allowed: list[str]
    added_at: MomentText
    age_s: int
    late: bool
    allergy: bool
    comped: bool
    rushes: int
    remade: int
    allergens: tuple[str, ...]
    promised_at: MomentText | None = None
    name_en: str | None = None
    options_text: str | None = None
    options_text_en: str | None = None
    note: str | None = None
    set_name: str | None = None
    course: str | None = None
    fired_at: MomentText | None = None
    started_at: MomentText | None = None
    ready_at: MomentText | None = None
    served_at: MomentText | None = None
    rushed_at: MomentText | None = None
    reply: str | None = None
    reason: str | None = None

    @classmethod
    def of(cls, view: LineView) -> Self:
        """The store's line; what is not there is left out."""
        fields = msgspec.structs.asdict(view)
        fields["age_s"] = fields.pop("age_ms") // 1_000
        for name in _MOMENTS:
            fields[name] = rfc3339(fields[name]) if fields[name] else None
        for name in _TEXTS:
            fields[name] = fields[name] or None
        return cls(**fields)


_MOMENTS = ("added_at", "promised_at", "fired_at", "started_at", "ready_at", "served_at", "rushed_at")
_TEXTS = ("name_en", "options_text", "options_text_en", "note", "set_name", "course", "reply", "reason")


class OrderAtThePass(msgspec.Struct, frozen=True, kw_only=True):
    """Expo: how many dishes of an order are where; ``complete``: all that was fired is ready."""

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
    oldest_at: MomentText
    line_ids: list[str]

    @classmethod
    def of(cls, view: ExpoOrder) -> Self:
        """The store's row."""
        return cls(**{**msgspec.structs.asdict(view), "oldest_at": rfc3339(view.oldest_at)})


class WaitingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that waits for 接单; ``escalated``: longer than the store allows."""

    order: str
    batch: int
    label: str
    channel: str
    number: str
    placed_at: MomentText
    accept_by: MomentText
    escalated: bool
    dishes: list[str]

    @classmethod
    def of(cls, view: Waiting) -> Self:
        """The store's row."""
        moments = {"placed_at": rfc3339(view.placed_at), "accept_by": rfc3339(view.accept_by)}
        return cls(**{**msgspec.structs.asdict(view), **moments})


class Kitchen(msgspec.Struct, frozen=True, kw_only=True):
    """A station, or with ``station`` empty the whole kitchen.

    ``lines``: what is to be made, oldest first, what is on hold last. ``recent``: served last, newest first.
    ``all_day``: how many of each dish are to be made. ``expo``: the orders at the pass. ``seq`` is that
    of the store's live events.
    """

    seq: int
    server_time: MomentText
    station: str
    lines: list[KitchenLine]
    recent: list[KitchenLine]
    all_day: list[AllDay]
    expo: list[OrderAtThePass]
    stations: list[StationLoad]
    waiting: list[WaitingOrder]

    @classmethod
    def of(cls, view: KitchenView) -> Self:
        """The store's view."""
        return cls(
            seq=view.seq,
            server_time=rfc3339(view.at),
            station=view.station,
            lines=[KitchenLine.of(line) for line in view.lines],
            recent=[KitchenLine.of(line) for line in view.recent],
            all_day=view.all_day,
            expo=[OrderAtThePass.of(row) for row in view.expo],
            stations=view.stations,
            waiting=[WaitingOrder.of(row) for row in view.waiting],
        )
