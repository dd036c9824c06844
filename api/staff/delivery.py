"""Delivery as a manager sets it up."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.operations import Answer, Table
from store_runtime.delivery.commands import ZONES_MAX, ChangeDelivery, Point, Zone
from store_runtime.delivery.projections import DeliveryView
from store_runtime.delivery.rejections import ZoneInvalid
from store_runtime.rejections import InvalidField
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound

table = Table("Delivery")


class DeliveryBody(msgspec.Struct, forbid_unknown_fields=True):
    """All terms at once. ``origin`` is where the store is; the first zone that holds an address counts."""

    origin: Point
    zones: Annotated[tuple[Zone, ...], Meta(max_length=ZONES_MAX)] = ()
    offered: bool = True


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/delivery",
    audience=store_staff("store.settings"),
    body=DeliveryBody,
    answers={200: DeliveryView},
    headers=WHO_HEADERS,
    problems=[StoreNotFound, ZoneInvalid, InvalidField],
    example={
        "origin": {"lat": 31.24, "lng": 121.49},
        "zones": [
            {
                "zone_id": "ring",
                "radius_m": 3_000,
                "tiers": [{"up_to_m": 1_000, "fee_fen": 300}, {"up_to_m": 3_000, "fee_fen": 600}],
                "min_order_fen": 2_000,
                "free_from_fen": 10_000,
            }
        ],
    },
)
async def change_delivery(call: Call) -> Answer:
    """Set where the store delivers to and for how much.

    A zone that crosses itself, or lies far away, refuses the whole. Quotes that were given keep their terms.
    """
    body, store_id = call.body, call.params["store_id"]
    await call.ask(f"store/{store_id}", GetStore(), StoreView)
    command = ChangeDelivery(offered=body.offered, origin=body.origin, zones=body.zones, by=who(call))
    return Answer(200, await call.tell(f"delivery/{store_id}", command, DeliveryView))
