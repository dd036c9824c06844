"""What can be asked of a store's kitchen. ``line_id`` is a kitchen line's; ``by`` is who asks, None a guest."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from actors.words import Command, Query
from pricing.selection import LineQuantity
from store_runtime.by import By
from store_runtime.store.kitchen.terms import (
    NumberFirst,
    NumberPrefix,
    NumberWidth,
    Seconds,
    SkipDigits,
    SkippedNumbers,
    StationName,
    Stations,
)

REASON_LENGTH_MAX = 200
REPLY_MINUTES_MAX = 240

Reason = Annotated[str, Meta(max_length=REASON_LENGTH_MAX)]
HandStep = Literal["HOLD", "FIRE", "START", "READY", "SERVE", "RECALL", "REMAKE"]


class TakeStep(Command, frozen=True, kw_only=True):
    """A line goes on by hand; with ``quantity`` only so many of it, which are split off. Answered with a LineView."""

    line_id: str
    step: HandStep
    quantity: LineQuantity | None = None
    reason: Reason = ""
    by: By | None = None


class AnswerCancel(Command, frozen=True, kw_only=True):
    """The kitchen's word on a cancel it was asked for: of a set, for all its parts. Answered with a LineView."""

    line_id: str
    agreed: bool
    reason: Reason = ""
    by: By | None = None


class MoveLine(Command, frozen=True, kw_only=True):
    """Another station makes it. Answered with a LineView."""

    line_id: str
    station: StationName
    by: By | None = None


class FireCourse(Command, frozen=True, kw_only=True):
    """起菜: what waits of a course of an order, or with ``course`` empty all that waits, is fired (O8).

    Answered with the ids of the kitchen lines. Rejected with TooSoon within the cooldown.
    """

    order: str
    course: str = ""
    by: By | None = None


class RushLines(Command, frozen=True, kw_only=True):
    """催菜: an order asks where its dishes are: some of its lines (its own ids), a course, or all of it (O8).

    What was asked for within the cooldown is left out; when nothing is left, TooSoon. Answered with the ids of
    those of its lines that were asked for.
    """

    order: str
    line_ids: tuple[str, ...] = ()
    course: str = ""
    by: By | None = None


class RushLine(Command, frozen=True, kw_only=True):
    """催菜 of one kitchen line, by staff. Answered with a LineView."""

    line_id: str
    by: By | None = None


class AnswerRush(Command, frozen=True, kw_only=True):
    """The kitchen says when it will be ready, in minutes from now, and what else it has to say (O8)."""

    line_id: str
    minutes: Annotated[int, Meta(ge=0, le=REPLY_MINUTES_MAX)]
    text: Reason = ""
    by: By | None = None


class ChangeKitchen(Command, frozen=True, kw_only=True):
    """None leaves a term as it is; ``stations`` replaces them all. Answered with KitchenTerms."""

    stations: Stations | None = None
    table_accept: bool | None = None
    accept_within_s: Seconds | None = None
    rush_cooldown_s: Seconds | None = None
    course_cooldown_s: Seconds | None = None
    number_prefix: NumberPrefix | None = None
    number_first: NumberFirst | None = None
    number_width: NumberWidth | None = None
    number_skip_digits: SkipDigits | None = None
    number_skip: SkippedNumbers | None = None
    by: By | None = None


class GetKitchen(Query, frozen=True, kw_only=True):
    """What a station has to do, or with ``station`` empty the whole kitchen: KitchenView (P4)."""

    station: str = ""


class GetKitchenTerms(Query, frozen=True, kw_only=True):
    """How the kitchen works: KitchenTerms."""


class GetPromises(Query, frozen=True, kw_only=True):
    """How long each dish of the menu would take if it was ordered now: Promises (★8)."""
