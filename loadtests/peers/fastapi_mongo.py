"""FastAPI with MongoDB: one ``findOneAndUpdate`` on the sale and one write of the claim, both majority and journaled.

The sale's document guards the stock and gives the position. The diner's document of that sale holds their count and
their claims by idempotency key, and takes a claim only if neither the limit nor the key stands in the way; if it does
not, the stock is given back. A crash between the two writes leaves a hold that nobody knows of: never one too many.

Run: ``PEER_MONGO_URI=… PEER_SECRET=… uvicorn loadtests.peers.fastapi_mongo:app``
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from pymongo import AsyncMongoClient, ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from loadtests.peers.shapes import (
    ClaimAnswer,
    ClaimRequest,
    IdempotencyKey,
    OpenSale,
    SaleView,
    diner,
    problem,
)

POOL_MAX = 100
DURABLE = WriteConcern(w="majority", j=True)


class Shop:
    """The collections, made once per worker."""

    def __init__(self) -> None:
        self.client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
            os.environ["PEER_MONGO_URI"], maxPoolSize=POOL_MAX
        )
        database = self.client.get_database("shop", write_concern=DURABLE)
        self.sales, self.diners = database["sales"], database["diners"]

    async def take(self, sale_id: str, quantity: int) -> dict[str, Any] | None:
        """The sale after the stock was taken from it; None when it has not enough, or is over."""
        return await self.sales.find_one_and_update(
            {"_id": sale_id, "left": {"$gte": quantity}, "stopped": False},
            {"$inc": {"left": -quantity, "sequence": 1}},
            return_document=ReturnDocument.AFTER,
        )

    async def keep(self, place: str, key: str, claim: dict[str, Any], limit: int) -> bool:
        """Write the claim down for its diner; False when the limit or the key stands in the way."""
        quantity = claim["quantity"]
        free = {"_id": place, "held": {"$lte": limit - quantity}, f"claims.{key}": {"$exists": False}}
        change = {"$inc": {"held": quantity}, "$set": {f"claims.{key}": claim}}
        try:
            await self.diners.update_one(free, change, upsert=quantity <= limit)
        except DuplicateKeyError:
            return False
        return quantity <= limit


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.shop = Shop()
    yield
    await app.state.shop.client.close()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    await app.state.shop.client.admin.command("ping")
    return {"status": "ready"}


@app.post("/api/v1/stores/{store_id}/flash-sales", status_code=201)
async def open_sale(store_id: str, sale: OpenSale, user: Annotated[str, Depends(diner)]) -> SaleView:
    document = {
        "_id": secrets.token_hex(8),
        "stock": sale.stock,
        "left": sale.stock,
        "per_user_limit": sale.per_user_limit,
        "hold_s": sale.hold_seconds,
        "sequence": 0,
        "stopped": False,
    }
    await app.state.shop.sales.insert_one(document)
    return SaleView(flash_sale_id=document["_id"], phase="open", stock=sale.stock, left=sale.stock)


@app.post("/api/v1/stores/{store_id}/flash-sales/{sale_id}/stop")
async def stop_sale(store_id: str, sale_id: str, user: Annotated[str, Depends(diner)]) -> dict[str, str]:
    await app.state.shop.sales.update_one({"_id": sale_id}, {"$set": {"stopped": True}})
    return {"phase": "ended"}


@app.get("/api/v1/flash-sales/{sale_id}", response_model=SaleView)
async def show_sale(sale_id: str) -> SaleView | JSONResponse:
    sale = await app.state.shop.sales.find_one({"_id": sale_id})
    if sale is None:
        return problem(404, "flash_sale_not_found")
    phase = "ended" if sale["stopped"] else "sold_out" if sale["left"] == 0 else "open"
    return SaleView(flash_sale_id=sale_id, phase=phase, stock=sale["stock"], left=sale["left"])


@app.post("/api/v1/flash-sales/{sale_id}/claims", status_code=201, response_model=ClaimAnswer)
async def claim(
    sale_id: str, request: ClaimRequest, user: Annotated[str, Depends(diner)], idempotency_key: IdempotencyKey
) -> ClaimAnswer | JSONResponse:
    shop: Shop = app.state.shop
    place, quantity = f"{sale_id}/{user}", request.quantity
    mine = await shop.diners.find_one({"_id": place})
    if mine is not None and idempotency_key in mine["claims"]:
        return _again(mine["claims"][idempotency_key], quantity)
    sale = await shop.take(sale_id, quantity)
    if sale is None:
        return await _refusal(shop, sale_id, mine, quantity)
    held = {
        "claim_id": secrets.token_hex(8),
        "quantity": quantity,
        "position": sale["sequence"],
        "expires_at": time.time() + sale["hold_s"],
    }
    if await shop.keep(place, idempotency_key, held, sale["per_user_limit"]):
        return _answer(held)
    await shop.sales.update_one({"_id": sale_id}, {"$inc": {"left": quantity}})
    mine = await shop.diners.find_one({"_id": place})
    if mine is not None and idempotency_key in mine["claims"]:
        return _again(mine["claims"][idempotency_key], quantity)
    return problem(409, "limit_reached")


@app.get("/api/v1/flash-sales/{sale_id}/claims/{claim_id}", response_model=ClaimAnswer)
async def show_claim(
    sale_id: str, claim_id: str, user: Annotated[str, Depends(diner)]
) -> ClaimAnswer | JSONResponse:
    mine = await app.state.shop.diners.find_one({"_id": f"{sale_id}/{user}"})
    claims = [] if mine is None else mine["claims"].values()
    found = next((claim for claim in claims if claim["claim_id"] == claim_id), None)
    return problem(404, "claim_not_found") if found is None else _answer(found)


async def _refusal(shop: Shop, sale_id: str, mine: dict[str, Any] | None, quantity: int) -> JSONResponse:
    """Why the sale gave nothing."""
    sale = await shop.sales.find_one({"_id": sale_id})
    if sale is None:
        return problem(404, "flash_sale_not_found")
    if sale["stopped"]:
        return problem(409, "ended")
    held = 0 if mine is None else mine["held"]
    return problem(409, "limit_reached" if held + quantity > sale["per_user_limit"] else "sold_out")


def _again(claim: dict[str, Any], quantity: int) -> ClaimAnswer | JSONResponse:
    return _answer(claim) if claim["quantity"] == quantity else problem(422, "idempotency_key_reused")


def _answer(claim: dict[str, Any]) -> ClaimAnswer:
    return ClaimAnswer(
        claim_id=claim["claim_id"],
        status="held",
        quantity=claim["quantity"],
        position=claim["position"],
        expires_at=datetime.fromtimestamp(claim["expires_at"], UTC).isoformat(),
    )
