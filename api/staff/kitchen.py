"""The kitchen's screens, what it promises, and how it works (O7, P4)."""

from __future__ import annotations

import msgspec

from api.approvals import WHO_HEADERS, who
from api.audiences import PUBLIC, store_staff
from api.call import Call
from api.operations import Answer, Table
from api.staff.kitchen_views import Kitchen
from store_runtime.rejections import InvalidField
from store_runtime.store.kitchen.commands import (
    ChangeKitchen,
    GetKitchen,
    GetKitchenTerms,
    GetPromises,
)
from store_runtime.store.kitchen.projections import KitchenView, Promises
from store_runtime.store.kitchen.terms import (
    KitchenTerms,
    NumberFirst,
    NumberPrefix,
    NumberWidth,
    Seconds,
    SkipDigits,
    SkippedNumbers,
    StationName,
    Stations,
)
from store_runtime.store.rejections import StoreNotFound

table = Table("Kitchen")

READ = store_staff("kitchen.read")


class KitchenQuery(msgspec.Struct):
    """``station``: one of them; without it the whole kitchen."""

    station: StationName = ""


class TermsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What is left out stays as it is; ``stations`` replaces them all. ``_s`` are seconds."""

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


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/kitchen",
    audience=READ,
    query=KitchenQuery,
    answers={200: Kitchen},
    problems=[StoreNotFound, InvalidField],
)
async def show_kitchen(call: Call) -> Answer:
    """What a station has to do, or the whole kitchen.

    Lines, all-day counts, the orders at the pass, how much waits at each station, and what waits for 接单.
    """
    view = await call.ask(_store(call), GetKitchen(station=call.query.station), KitchenView)
    return Answer(200, Kitchen.of(view))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/promises",
    audience=PUBLIC,
    answers={200: Promises},
    problems=[StoreNotFound],
)
async def show_promises(call: Call) -> Answer:
    """How many minutes each dish would take if it was ordered now.

    From what waits at its station; ``full``: the station takes no more orders from channels for the moment.
    """
    return Answer(200, await call.ask(_store(call), GetPromises(), Promises))


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/kitchen/settings",
    audience=READ,
    answers={200: KitchenTerms},
    problems=[StoreNotFound],
)
async def show_kitchen_settings(call: Call) -> Answer:
    """How the kitchen works: stations, patience, pickup numbers."""
    return Answer(200, await call.ask(_store(call), GetKitchenTerms(), KitchenTerms))


@table.route(
    "PATCH",
    "/api/v1/stores/{store_id}/kitchen/settings",
    audience=store_staff("store.settings"),
    body=TermsBody,
    answers={200: KitchenTerms},
    problems=[StoreNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"stations": [{"station": "wok", "cooks": 2, "minutes_max": 40}], "number_skip_digits": "4"},
)
async def change_kitchen_settings(call: Call) -> Answer:
    """Change how the kitchen works.

    A station with ``minutes_max`` takes no more orders from channels while more than that waits there; others go on.
    """
    command = ChangeKitchen(**msgspec.structs.asdict(call.body), by=who(call))
    return Answer(200, await call.tell(_store(call), command, KitchenTerms))


def _store(call: Call) -> str:
    return f"store/{call.params['store_id']}"
