"""Delivery as a diner meets it: does the store come to me, and for how much."""

from __future__ import annotations

from typing import Self

import msgspec

from api.addressed import Address
from api.audiences import DINER, PUBLIC
from api.call import Call
from api.moments import MomentText, rfc3339
from api.operations import Answer, Key, Table
from api.views import Shown
from store_runtime.delivery import quote
from store_runtime.delivery.commands import GetDelivery, GetFee, SubtotalFen
from store_runtime.delivery.projections import DeliveryView, Fee
from store_runtime.delivery.rejections import DeliveryNotOffered, OutOfRange
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound

table = Table("Delivery")


class QuoteBody(msgspec.Struct, forbid_unknown_fields=True):
    """``subtotal_fen``: what the dishes cost, to know the fee of just this order."""

    address: Address
    subtotal_fen: SubtotalFen | None = None


class QuoteShown(Shown, frozen=True, kw_only=True):
    """A promised fee. ``due_fen`` and ``missing_fen`` (to the minimum order) only where a subtotal was named."""

    quote_id: str
    expires_at: MomentText
    zone_id: str
    distance_m: int
    fee_fen: int
    min_order_fen: int
    free_from_fen: int | None = None
    due_fen: int | None = None
    missing_fen: int | None = None

    @classmethod
    def of(cls, fee: Fee, quote_id: str, expires_at: int, subtotal_fen: int | None) -> Self:
        """The fee as it is promised."""
        named = subtotal_fen is not None
        return cls(
            quote_id=quote_id,
            expires_at=rfc3339(expires_at),
            zone_id=fee.zone_id,
            distance_m=fee.distance_m,
            fee_fen=fee.fee_fen,
            min_order_fen=fee.min_order_fen,
            free_from_fen=fee.free_from_fen,
            due_fen=fee.of(subtotal_fen or 0) if named else None,
            missing_fen=max(0, fee.min_order_fen - (subtotal_fen or 0)) if named else None,
        )


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/delivery",
    audience=PUBLIC,
    answers={200: DeliveryView},
    problems=[StoreNotFound],
)
async def show_delivery(call: Call) -> Answer:
    """Where a store delivers to."""
    await call.ask(f"store/{call.params['store_id']}", GetStore(), StoreView)
    return Answer(200, await call.ask(f"delivery/{call.params['store_id']}", GetDelivery(), DeliveryView))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/delivery/quotes",
    audience=DINER,
    body=QuoteBody,
    answers={201: QuoteShown},
    key=Key.NONE,
    problems=[StoreNotFound, DeliveryNotOffered, OutOfRange],
    example={"address": {"lat": 31.24, "lng": 121.49, "text": "延安东路 1 号"}, "subtotal_fen": 8_800},
)
async def quote_delivery(call: Call) -> Answer:
    """What delivering to an address costs.

    The fee is promised to this diner and address for ten minutes: send quote_id with the order. Nothing is stored.
    """
    body, store_id = call.body, call.params["store_id"]
    fee = await call.ask(f"delivery/{store_id}", GetFee(to=body.address.point), Fee)
    expires_at = call.door.clock.now_ms() + quote.QUOTE_MS
    quote_id = quote.sign(
        call.door.settings.secret_key, store_id, call.user_id, body.address.point, fee, expires_at
    )
    return Answer(201, QuoteShown.of(fee, quote_id, expires_at, body.subtotal_fen))
