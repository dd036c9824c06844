"""FastAPI with one Ray actor per sale and one actor call per request: the obvious way to use Ray, in memory
only.

Run: ``PEER_SECRET=… PEER_RAY_FOLDER=/tmp/short uvicorn loadtests.peers.ray_actor:app``
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import ray
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse

from loadtests.peers.shapes import (
    ClaimAnswer,
    ClaimRequest,
    IdempotencyKey,
    OpenSale,
    SaleView,
    diner,
    problem,
)


@ray.remote(num_cpus=0)
class Sale:
    """One sale in one process; Ray runs its methods one at a time."""

    def __init__(self, stock: int, per_user_limit: int, hold_seconds: int) -> None:
        self.stock = self.left = stock
        self.per_user_limit, self.hold_seconds = per_user_limit, hold_seconds
        self.held_by: dict[str, int] = {}
        self.by_key: dict[tuple[str, str], str] = {}
        self.claims: dict[str, tuple[str, int, int, float]] = {}

    def claim(self, user: str, key: str, quantity: int) -> tuple[Any, ...]:
        known = self.by_key.get((user, key))
        if known is not None:
            _, held, position, expires = self.claims[known]
            return ("held", known, position, expires) if held == quantity else ("idempotency_key_reused",)
        mine = self.held_by.get(user, 0)
        if mine + quantity > self.per_user_limit:
            return ("limit_reached",)
        if quantity > self.left:
            return ("sold_out",)
        claim_id, position, expires = (
            secrets.token_hex(8),
            len(self.claims) + 1,
            time.time() + self.hold_seconds,
        )
        self.left -= quantity
        self.held_by[user] = mine + quantity
        self.by_key[user, key] = claim_id
        self.claims[claim_id] = (user, quantity, position, expires)
        return ("held", claim_id, position, expires)

    def show(self) -> tuple[int, int]:
        return self.stock, self.left

    def show_claim(self, claim_id: str) -> tuple[str, int, int, float] | None:
        return self.claims.get(claim_id)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    folder = os.environ.get("PEER_RAY_FOLDER")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=folder)
    app.state.sales = {}
    yield
    ray.shutdown()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/api/v1/stores/{store_id}/flash-sales", status_code=201)
async def open_sale(store_id: str, sale: OpenSale, user: Annotated[str, Depends(diner)]) -> SaleView:
    sale_id = secrets.token_hex(8)
    actor = Sale.remote(sale.stock, sale.per_user_limit, sale.hold_seconds)
    stock, left = await actor.show.remote()
    app.state.sales[sale_id] = actor
    return SaleView(flash_sale_id=sale_id, phase="open", stock=stock, left=left)


@app.post("/api/v1/stores/{store_id}/flash-sales/{sale_id}/stop")
async def stop_sale(store_id: str, sale_id: str, user: Annotated[str, Depends(diner)]) -> dict[str, str]:
    actor = app.state.sales.pop(sale_id, None)
    if actor is not None:
        ray.kill(actor)
    return {"phase": "ended"}


@app.get("/api/v1/flash-sales/{sale_id}", response_model=SaleView)
async def show_sale(sale_id: str) -> SaleView | JSONResponse:
    actor = app.state.sales.get(sale_id)
    if actor is None:
        return problem(404, "flash_sale_not_found")
    stock, left = await actor.show.remote()
    return SaleView(flash_sale_id=sale_id, phase="open" if left else "sold_out", stock=stock, left=left)


@app.post("/api/v1/flash-sales/{sale_id}/claims", status_code=201, response_model=ClaimAnswer)
async def claim(
    sale_id: str, request: ClaimRequest, user: Annotated[str, Depends(diner)], idempotency_key: IdempotencyKey
) -> ClaimAnswer | JSONResponse:
    actor = app.state.sales.get(sale_id)
    if actor is None:
        return problem(404, "flash_sale_not_found")
    outcome, *facts = await actor.claim.remote(user, idempotency_key, request.quantity)
    if outcome != "held":
        return problem(422 if outcome == "idempotency_key_reused" else 409, outcome)
    claim_id, position, expires = facts
    return _answer(claim_id, request.quantity, position, expires)


@app.get("/api/v1/flash-sales/{sale_id}/claims/{claim_id}", response_model=ClaimAnswer)
async def show_claim(
    sale_id: str, claim_id: str, user: Annotated[str, Depends(diner)]
) -> ClaimAnswer | JSONResponse:
    actor = app.state.sales.get(sale_id)
    stored = None if actor is None else await actor.show_claim.remote(claim_id)
    if stored is None or stored[0] != user:
        return problem(404, "claim_not_found")
    _, quantity, position, expires = stored
    return _answer(claim_id, quantity, position, expires)


def _answer(claim_id: str, quantity: int, position: int, expires: float) -> ClaimAnswer:
    expires_at = datetime.fromtimestamp(expires, UTC).isoformat()
    return ClaimAnswer(
        claim_id=claim_id, status="held", quantity=quantity, position=position, expires_at=expires_at
    )
