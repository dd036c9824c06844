"""FastAPI with PostgreSQL over asyncpg: one statement per claim.

The statement calls a function, so the sale's row is locked for one round trip only; the key is unique, and
``synchronous_commit`` is on. asyncpg prepares the statement once per connection.

Run: ``PEER_POSTGRES_URI=… PEER_SECRET=… uvicorn loadtests.peers.fastapi_asyncpg:app``
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import asyncpg
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

POOL_MAX = int(os.environ.get("PEER_POSTGRES_POOL", "16"))

SCHEMA = """
CREATE TABLE IF NOT EXISTS sales (
  id text PRIMARY KEY, stock int NOT NULL, remaining int NOT NULL CHECK (remaining >= 0),
  per_user_limit int NOT NULL, hold interval NOT NULL, sequence int NOT NULL DEFAULT 0,
  stopped boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS diners (
  sale_id text, user_id text, held int NOT NULL, PRIMARY KEY (sale_id, user_id)
);
CREATE TABLE IF NOT EXISTS claims (
  id text PRIMARY KEY, sale_id text NOT NULL, user_id text NOT NULL, key text NOT NULL, quantity int NOT NULL,
  position int NOT NULL, expires_at timestamptz NOT NULL, UNIQUE (sale_id, user_id, key)
);
CREATE OR REPLACE FUNCTION claim(
  of_sale text, of_user text, with_key text, wanted int, new_id text,
  OUT outcome text, OUT claim_id text, OUT place int, OUT until timestamptz
) LANGUAGE plpgsql AS $$
DECLARE sale sales; known claims; mine int;
BEGIN
  SELECT * INTO sale FROM sales WHERE id = of_sale FOR NO KEY UPDATE;
  IF NOT FOUND THEN outcome := 'flash_sale_not_found'; RETURN; END IF;
  SELECT * INTO known FROM claims WHERE sale_id = of_sale AND user_id = of_user AND key = with_key;
  IF FOUND THEN
    outcome := CASE WHEN known.quantity = wanted THEN 'held' ELSE 'idempotency_key_reused' END;
    claim_id := known.id; place := known.position; until := known.expires_at; RETURN;
  END IF;
  IF sale.stopped THEN outcome := 'ended'; RETURN; END IF;
  SELECT held INTO mine FROM diners WHERE sale_id = of_sale AND user_id = of_user;
  IF coalesce(mine, 0) + wanted > sale.per_user_limit THEN outcome := 'limit_reached'; RETURN; END IF;
  IF sale.remaining < wanted THEN outcome := 'sold_out'; RETURN; END IF;
  UPDATE sales SET remaining = remaining - wanted, sequence = sequence + 1 WHERE id = of_sale
    RETURNING sequence, clock_timestamp() + hold INTO place, until;
  INSERT INTO diners VALUES (of_sale, of_user, wanted)
    ON CONFLICT (sale_id, user_id) DO UPDATE SET held = diners.held + wanted;
  INSERT INTO claims VALUES (new_id, of_sale, of_user, with_key, wanted, place, until);
  outcome := 'held'; claim_id := new_id;
END $$;
"""
CLAIM = "SELECT outcome, claim_id, place, until FROM claim($1, $2, $3, $4, $5)"
OPEN = """INSERT INTO sales (id, stock, remaining, per_user_limit, hold)
          VALUES ($1, $2, $2, $3, make_interval(secs => $4))"""
SHOW_CLAIM = (
    "SELECT quantity, position, expires_at FROM claims WHERE id = $1 AND sale_id = $2 AND user_id = $3"
)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(
        os.environ["PEER_POSTGRES_URI"], min_size=POOL_MAX, max_size=POOL_MAX
    ) as pool:
        await pool.execute(SCHEMA)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    await app.state.pool.fetchval("SELECT 1")
    return {"status": "ready"}


@app.post("/api/v1/stores/{store_id}/flash-sales", status_code=201)
async def open_sale(store_id: str, sale: OpenSale, user: Annotated[str, Depends(diner)]) -> SaleView:
    sale_id = secrets.token_hex(8)
    await app.state.pool.execute(OPEN, sale_id, sale.stock, sale.per_user_limit, float(sale.hold_seconds))
    return SaleView(flash_sale_id=sale_id, phase="open", stock=sale.stock, left=sale.stock)


@app.post("/api/v1/stores/{store_id}/flash-sales/{sale_id}/stop")
async def stop_sale(store_id: str, sale_id: str, user: Annotated[str, Depends(diner)]) -> dict[str, str]:
    await app.state.pool.execute("UPDATE sales SET stopped = true WHERE id = $1", sale_id)
    return {"phase": "ended"}


@app.get("/api/v1/flash-sales/{sale_id}", response_model=SaleView)
async def show_sale(sale_id: str) -> SaleView | JSONResponse:
    sale = await app.state.pool.fetchrow("SELECT stock, remaining, stopped FROM sales WHERE id = $1", sale_id)
    if sale is None:
        return problem(404, "flash_sale_not_found")
    stock, left, stopped = sale
    phase = "ended" if stopped else "sold_out" if left == 0 else "open"
    return SaleView(flash_sale_id=sale_id, phase=phase, stock=stock, left=left)


@app.post("/api/v1/flash-sales/{sale_id}/claims", status_code=201, response_model=ClaimAnswer)
async def claim(
    sale_id: str, request: ClaimRequest, user: Annotated[str, Depends(diner)], idempotency_key: IdempotencyKey
) -> ClaimAnswer | JSONResponse:
    outcome, claim_id, position, expires_at = await app.state.pool.fetchrow(
        CLAIM, sale_id, user, idempotency_key, request.quantity, secrets.token_hex(8)
    )
    if outcome != "held":
        status = {"flash_sale_not_found": 404, "idempotency_key_reused": 422}.get(outcome, 409)
        return problem(status, outcome)
    return _answer(claim_id, request.quantity, position, expires_at)


@app.get("/api/v1/flash-sales/{sale_id}/claims/{claim_id}", response_model=ClaimAnswer)
async def show_claim(
    sale_id: str, claim_id: str, user: Annotated[str, Depends(diner)]
) -> ClaimAnswer | JSONResponse:
    stored = await app.state.pool.fetchrow(SHOW_CLAIM, claim_id, sale_id, user)
    return problem(404, "claim_not_found") if stored is None else _answer(claim_id, *stored)


def _answer(claim_id: str, quantity: int, position: int, expires_at: datetime) -> ClaimAnswer:
    return ClaimAnswer(
        claim_id=claim_id,
        status="held",
        quantity=quantity,
        position=position,
        expires_at=expires_at.isoformat(),
    )
