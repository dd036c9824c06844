"""FastAPI with the library ``neveroversell`` (PyPI) on PostgreSQL: holds as a package sells them.

The library is synchronous, so the routes are plain functions, which FastAPI runs in its threads. It keeps stock, the
count per account and the idempotency key; it gives no position. Its limit per account is one setting for all sales.

Run: ``PEER_POSTGRES_URI=… PEER_SECRET=… uvicorn loadtests.peers.fastapi_neveroversell:app``
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from neveroversell import Inventory
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from loadtests.peers.shapes import (
    ClaimAnswer,
    ClaimRequest,
    IdempotencyKey,
    OpenSale,
    SaleView,
    diner,
    problem,
)

POOL_MAX = int(os.environ.get("PEER_POSTGRES_POOL", "16"))
CODES = {
    "insufficient": "sold_out",
    "account_cap": "limit_reached",
    "unknown_resource": "flash_sale_not_found",
}
SHOW_CLAIM = "SELECT qty, expires_at FROM nos_holds WHERE id = %s AND resource_id = %s AND account_id = %s"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with ConnectionPool(
        os.environ["PEER_POSTGRES_URI"],
        min_size=POOL_MAX,
        max_size=POOL_MAX,
        kwargs={"row_factory": dict_row},
        open=True,
    ) as pool:
        app.state.pool = pool
        app.state.inventory = Inventory(
            pool=pool, hold_ttl=timedelta(hours=1), payment_window=timedelta(hours=2)
        )
        app.state.inventory.migrate()
        app.state.stopped = set()
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/api/v1/stores/{store_id}/flash-sales", status_code=201)
def open_sale(store_id: str, sale: OpenSale, user: Annotated[str, Depends(diner)]) -> SaleView:
    sale_id = secrets.token_hex(8)
    inventory: Inventory = app.state.inventory
    inventory.upsert_resource(sale_id, sale.stock)
    if inventory.account_cap != sale.per_user_limit:
        inventory.account_cap = sale.per_user_limit
        inventory.apply_settings()
    return SaleView(flash_sale_id=sale_id, phase="open", stock=sale.stock, left=sale.stock)


@app.post("/api/v1/stores/{store_id}/flash-sales/{sale_id}/stop")
def stop_sale(store_id: str, sale_id: str, user: Annotated[str, Depends(diner)]) -> dict[str, str]:
    app.state.stopped.add(sale_id)
    return {"phase": "ended"}


@app.get("/api/v1/flash-sales/{sale_id}", response_model=SaleView)
def show_sale(sale_id: str) -> SaleView | JSONResponse:
    status = app.state.inventory.status(sale_id)
    if status is None:
        return problem(404, "flash_sale_not_found")
    phase = "ended" if sale_id in app.state.stopped else "open" if status.available else "sold_out"
    return SaleView(flash_sale_id=sale_id, phase=phase, stock=status.total, left=status.available)


@app.post("/api/v1/flash-sales/{sale_id}/claims", status_code=201, response_model=ClaimAnswer)
def claim(
    sale_id: str, request: ClaimRequest, user: Annotated[str, Depends(diner)], idempotency_key: IdempotencyKey
) -> ClaimAnswer | JSONResponse:
    if sale_id in app.state.stopped:
        return problem(409, "ended")
    result = app.state.inventory.hold(sale_id, request.quantity, user, idempotency_key=idempotency_key)
    if result.status == "replayed" and result.hold.qty != request.quantity:
        return problem(422, "idempotency_key_reused")
    if result.status in ("held", "replayed"):
        return _answer(result.hold.id, result.hold.qty, result.hold.expires_at)
    code = CODES[result.status]
    return problem(404 if code == "flash_sale_not_found" else 409, code)


@app.get("/api/v1/flash-sales/{sale_id}/claims/{claim_id}", response_model=ClaimAnswer)
def show_claim(
    sale_id: str, claim_id: str, user: Annotated[str, Depends(diner)]
) -> ClaimAnswer | JSONResponse:
    try:
        known = uuid.UUID(claim_id)
    except ValueError:
        return problem(404, "claim_not_found")
    with app.state.pool.connection() as connection:
        stored = connection.execute(SHOW_CLAIM, (known, sale_id, user)).fetchone()
    if stored is None:
        return problem(404, "claim_not_found")
    return _answer(claim_id, stored["qty"], stored["expires_at"])


def _answer(claim_id: str, quantity: int, expires_at: datetime) -> ClaimAnswer:
    return ClaimAnswer(
        claim_id=claim_id,
        status="held",
        quantity=quantity,
        position=None,
        expires_at=expires_at.isoformat(),
    )
