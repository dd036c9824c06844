"""FastAPI with one Redis script per claim: how most flash sales are built today.

Stock, per-user count, idempotency and the claim itself change in one Lua script, so nothing can come between;
the server runs with ``appendonly yes`` and ``appendfsync always``, so a yes is on disk. The script is called
by its digest, the calls of a moment in one pipeline.

Run: ``PEER_REDIS_PORT=… PEER_SECRET=… uvicorn loadtests.peers.fastapi_redis:app --workers 2``
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import redis.asyncio as redis
from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse

from loadtests.peers.claim_script import ClaimScript
from loadtests.peers.shapes import (
    ClaimAnswer,
    ClaimRequest,
    IdempotencyKey,
    OpenSale,
    SaleView,
    diner,
    problem,
)

POOL_MAX = int(os.environ.get("PEER_REDIS_POOL", "64"))
KEY_KEPT_SECONDS = 24 * 3600


class Shop:
    """The client and the script, made once per worker."""

    def __init__(self) -> None:
        self.pool = redis.BlockingConnectionPool(
            host="127.0.0.1", port=int(os.environ["PEER_REDIS_PORT"]), max_connections=POOL_MAX, timeout=10
        )
        self.redis = redis.Redis(connection_pool=self.pool)
        self.claim = ClaimScript(self.redis)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.shop = Shop()
    await app.state.shop.claim.load()
    yield
    await app.state.shop.redis.aclose()
    await app.state.shop.pool.aclose()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    await app.state.shop.redis.ping()
    return {"status": "ready"}


@app.post("/api/v1/stores/{store_id}/flash-sales", status_code=201)
async def open_sale(store_id: str, sale: OpenSale, user: Annotated[str, Depends(diner)]) -> SaleView:
    sale_id = secrets.token_hex(8)
    fields = {
        "stock": sale.stock,
        "left": sale.stock,
        "per_user_limit": sale.per_user_limit,
        "hold_ms": sale.hold_seconds * 1000,
    }
    await app.state.shop.redis.hset(f"sale:{sale_id}", mapping=fields)
    return SaleView(flash_sale_id=sale_id, phase="open", stock=sale.stock, left=sale.stock)


@app.post("/api/v1/stores/{store_id}/flash-sales/{sale_id}/stop")
async def stop_sale(store_id: str, sale_id: str, user: Annotated[str, Depends(diner)]) -> dict[str, str]:
    await app.state.shop.redis.hset(f"sale:{sale_id}", "stopped", 1)
    return {"phase": "ended"}


@app.get("/api/v1/flash-sales/{sale_id}", response_model=SaleView)
async def show_sale(sale_id: str) -> SaleView | JSONResponse:
    stock, left, stopped = await app.state.shop.redis.hmget(f"sale:{sale_id}", "stock", "left", "stopped")
    if stock is None:
        return problem(404, "flash_sale_not_found")
    phase = "ended" if stopped else "sold_out" if int(left) == 0 else "open"
    return SaleView(flash_sale_id=sale_id, phase=phase, stock=int(stock), left=int(left))


@app.post("/api/v1/flash-sales/{sale_id}/claims", status_code=201, response_model=ClaimAnswer)
async def claim(
    sale_id: str, request: ClaimRequest, user: Annotated[str, Depends(diner)], idempotency_key: IdempotencyKey
) -> ClaimAnswer | JSONResponse:
    keys = [
        f"sale:{sale_id}",
        f"sale:{sale_id}:users",
        f"sale:{sale_id}:claims",
        f"idempotency:{sale_id}:{user}:{idempotency_key}",
    ]
    outcome, *facts = await app.state.shop.claim(
        *keys, user, request.quantity, secrets.token_hex(8), KEY_KEPT_SECONDS
    )
    if outcome != b"held":
        code = outcome.decode()
        status = {"flash_sale_not_found": 404, "idempotency_key_reused": 422}.get(code, 409)
        return problem(status, code)
    claim_id, position, expires = facts
    return _answer(claim_id.decode(), request.quantity, position, expires)


@app.get("/api/v1/flash-sales/{sale_id}/claims/{claim_id}", response_model=ClaimAnswer)
async def show_claim(
    sale_id: str, claim_id: str, user: Annotated[str, Depends(diner)]
) -> ClaimAnswer | JSONResponse:
    stored = await app.state.shop.redis.hget(f"sale:{sale_id}:claims", claim_id)
    if stored is None:
        return problem(404, "claim_not_found")
    owner, quantity, position, expires = stored.decode().split()
    if owner != user:
        return problem(404, "claim_not_found")
    return _answer(claim_id, int(quantity), int(position), int(expires))


def _answer(claim_id: str, quantity: int, position: int, expires_ms: int) -> ClaimAnswer:
    expires_at = datetime.fromtimestamp(expires_ms / 1000, UTC).isoformat()
    return ClaimAnswer(
        claim_id=claim_id, status="held", quantity=quantity, position=position, expires_at=expires_at
    )
