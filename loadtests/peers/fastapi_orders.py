"""A table's whole order on FastAPI with PostgreSQL: cart, round, bill, payment, with row locks.

As one would write it well: asyncpg with a pool and prepared statements, one transaction per request, the row of the
session locked first and the dishes' rows in the order of their ids (so nothing deadlocks), stock with a CHECK, unique
keys for operations, rounds and payments, ``synchronous_commit`` on.

Run: ``PEER_POSTGRES_URI=… PEER_SECRET=… uvicorn loadtests.peers.fastapi_orders:app``
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import asyncpg
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from loadtests.peers.shapes import IdempotencyKey, diner, problem

POOL_MAX = int(os.environ.get("PEER_POSTGRES_POOL", "16"))
TABLES, DISHES, STOCK, PRICE_FEN = 400, 20, 100_000_000, 1_800

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS dishes (
  id text PRIMARY KEY, name text NOT NULL, price_fen int NOT NULL, remaining int NOT NULL CHECK (remaining >= 0),
  sold int NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS tables (id text PRIMARY KEY, session_id text);
CREATE TABLE IF NOT EXISTS sessions (
  id text PRIMARY KEY, table_id text NOT NULL, phase text NOT NULL, seq int NOT NULL DEFAULT 0,
  rounds int NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS cart (
  session_id text, dish_id text, user_id text, quantity int NOT NULL, PRIMARY KEY (session_id, dish_id, user_id)
);
CREATE TABLE IF NOT EXISTS ops (session_id text, op_id text, PRIMARY KEY (session_id, op_id));
CREATE TABLE IF NOT EXISTS rounds (
  session_id text, round_no int, key text NOT NULL, PRIMARY KEY (session_id, round_no), UNIQUE (session_id, key)
);
CREATE TABLE IF NOT EXISTS round_lines (
  id text PRIMARY KEY, session_id text NOT NULL, round_no int NOT NULL, dish_id text NOT NULL, user_id text NOT NULL,
  quantity int NOT NULL, unit_price_fen int NOT NULL, kitchen text NOT NULL DEFAULT 'queued'
);
CREATE INDEX IF NOT EXISTS round_lines_of ON round_lines (session_id);
CREATE TABLE IF NOT EXISTS payments (
  id text PRIMARY KEY, session_id text NOT NULL, key text NOT NULL, amount_fen int NOT NULL, status text NOT NULL,
  UNIQUE (session_id, key)
);
INSERT INTO dishes SELECT 'dish-' || n, 'Dish ' || n, {PRICE_FEN}, {STOCK} FROM generate_series(1, {DISHES}) n
  ON CONFLICT DO NOTHING;
INSERT INTO tables SELECT 'table-' || n, NULL FROM generate_series(1, {TABLES}) n ON CONFLICT DO NOTHING;
"""
ADD = """INSERT INTO cart VALUES ($1, $2, $3, $4)
         ON CONFLICT (session_id, dish_id, user_id) DO UPDATE SET quantity = cart.quantity + excluded.quantity"""
WANTED = (
    "SELECT dish_id, sum(quantity)::int AS quantity FROM cart WHERE session_id = $1 GROUP BY 1 ORDER BY 1"
)
TAKE = """UPDATE dishes SET remaining = remaining - $2, sold = sold + $2 WHERE id = $1 AND remaining >= $2
          RETURNING price_fen"""
ORDER = """INSERT INTO round_lines (id, session_id, round_no, dish_id, user_id, quantity, unit_price_fen)
           SELECT $1::text || '.l' || $2::int || '.' || row_number() OVER (), $1, $2,
             c.dish_id, c.user_id, c.quantity, d.price_fen
           FROM cart c JOIN dishes d ON d.id = c.dish_id WHERE c.session_id = $1
           RETURNING id, dish_id, quantity, unit_price_fen"""
LINES = "SELECT id, dish_id, quantity, unit_price_fen FROM round_lines WHERE session_id = $1"
PAID = "SELECT coalesce(sum(amount_fen), 0)::int FROM payments WHERE session_id = $1 AND status = 'paid'"


class Op(BaseModel):
    """One operation on a cart."""

    op_id: str = Field(min_length=1, max_length=64)
    op: Literal["add"]
    dish_id: str
    quantity: int = Field(ge=1, le=99)


class Ops(BaseModel):
    """Operations that a phone sends together."""

    ops: list[Op] = Field(min_length=1, max_length=50)
    seen_seq: int = 0


class Round(BaseModel):
    """Submit what was seen."""

    seen_seq: int = 0


class Pay(BaseModel):
    """Pay an amount, or all that is due."""

    channel: Literal["simulated"]
    amount_fen: int | None = Field(default=None, ge=1)


class Outcome(BaseModel):
    """What the channel reports."""

    outcome: Literal["paid", "failed"]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    uri = os.environ["PEER_POSTGRES_URI"]
    async with asyncpg.create_pool(uri, min_size=POOL_MAX, max_size=POOL_MAX) as pool:
        await pool.execute(SCHEMA)
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)
User = Annotated[str, Depends(diner)]


@app.get("/readyz")
async def ready() -> dict[str, str]:
    await app.state.pool.fetchval("SELECT 1")
    return {"status": "ready"}


@app.post("/api/v1/tables/{table_id}/sessions", status_code=201)
async def open_session(table_id: str, user: User) -> Any:
    async with app.state.pool.acquire() as db, db.transaction():
        table = await db.fetchrow("SELECT session_id FROM tables WHERE id = $1 FOR UPDATE", table_id)
        if table is None:
            return problem(404, "table_not_found")
        if table["session_id"]:
            return JSONResponse({"session_id": table["session_id"], "guest_id": user, "seq": 0}, 200)
        session_id = f"ts{secrets.token_hex(8)}"
        await db.execute("INSERT INTO sessions VALUES ($1, $2, 'seated')", session_id, table_id)
        await db.execute("UPDATE tables SET session_id = $2 WHERE id = $1", table_id, session_id)
    return {"session_id": session_id, "guest_id": user, "seq": 0}


@app.post("/api/v1/table-sessions/{session_id}/cart/ops")
async def change_cart(session_id: str, request: Ops, user: User) -> dict[str, Any]:
    results = []
    async with app.state.pool.acquire() as db, db.transaction():
        seq = await _lock(db, session_id)
        for op in request.ops:
            known = await db.fetchval("SELECT 1 FROM dishes WHERE id = $1 AND remaining > 0", op.dish_id)
            if not known:
                results.append({"op_id": op.op_id, "status": "rejected", "code": "dish_not_found"})
                continue
            new = await db.execute(
                "INSERT INTO ops VALUES ($1, $2) ON CONFLICT DO NOTHING", session_id, op.op_id
            )
            if new == "INSERT 0 1":
                await db.execute(ADD, session_id, op.dish_id, user, op.quantity)
                seq += 1
            results.append({"op_id": op.op_id, "status": "accepted", "line_id": f"{session_id}.{op.dish_id}"})
        await db.execute("UPDATE sessions SET seq = $2 WHERE id = $1", session_id, seq)
    return {"seq": seq, "results": results}


@app.post("/api/v1/table-sessions/{session_id}/rounds", status_code=201)
async def submit_round(session_id: str, request: Round, user: User, idempotency_key: IdempotencyKey) -> Any:
    async with app.state.pool.acquire() as db, db.transaction():
        await _lock(db, session_id)
        done = await db.fetchval(
            "SELECT round_no FROM rounds WHERE session_id = $1 AND key = $2", session_id, idempotency_key
        )
        if done is not None:
            lines = await db.fetch(f"{LINES} AND round_no = $2", session_id, done)
            return {"round_no": done, "lines": [_line(line) for line in lines]}
        for wanted in await db.fetch(WANTED, session_id):
            if await db.fetchval(TAKE, wanted["dish_id"], wanted["quantity"]) is None:
                raise HTTPException(409, {"code": "cart_stale", "dish_id": wanted["dish_id"]})
        round_no = await db.fetchval(
            "UPDATE sessions SET rounds = rounds + 1, seq = seq + 1, phase = 'ordering'"
            " WHERE id = $1 RETURNING rounds",
            session_id,
        )
        await db.execute("INSERT INTO rounds VALUES ($1, $2, $3)", session_id, round_no, idempotency_key)
        lines = await db.fetch(ORDER, session_id, round_no)
        await db.execute("DELETE FROM cart WHERE session_id = $1", session_id)
    return {"round_no": round_no, "lines": [_line(line) for line in lines]}


@app.get("/api/v1/table-sessions/{session_id}/bill")
async def show_bill(session_id: str, user: User) -> dict[str, Any]:
    async with app.state.pool.acquire() as db:
        lines = [_line(line) for line in await db.fetch(LINES, session_id)]
        paid = await db.fetchval(PAID, session_id)
    total = sum(line["amount_fen"] for line in lines)
    return {"total_fen": total, "paid_fen": paid, "due_fen": total - paid, "lines": lines}


@app.post("/api/v1/table-sessions/{session_id}/payments", status_code=201)
async def pay(session_id: str, request: Pay, user: User, idempotency_key: IdempotencyKey) -> Any:
    async with app.state.pool.acquire() as db, db.transaction():
        await _lock(db, session_id)
        known = await db.fetchrow(
            "SELECT id, status, amount_fen FROM payments WHERE session_id = $1 AND key = $2",
            session_id,
            idempotency_key,
        )
        if known is not None:
            return {"payment_id": known["id"], "status": known["status"], "amount_fen": known["amount_fen"]}
        lines = await db.fetch(LINES, session_id)
        due = sum(_line(line)["amount_fen"] for line in lines) - await db.fetchval(PAID, session_id)
        amount = request.amount_fen or due
        if not 0 < amount <= due:
            return problem(409, "illegal_transition", allowed=[])
        payment_id = f"{session_id}.p{secrets.token_hex(6)}"
        await db.execute(
            "INSERT INTO payments VALUES ($1, $2, $3, $4, 'paying')",
            payment_id,
            session_id,
            idempotency_key,
            amount,
        )
    return {"payment_id": payment_id, "status": "paying", "amount_fen": amount}


@app.post("/api/v1/payments/simulated/{payment_id}")
async def report(payment_id: str, request: Outcome, user: User) -> Any:
    session_id = payment_id.partition(".")[0]
    async with app.state.pool.acquire() as db, db.transaction():
        await _lock(db, session_id)
        status = "paid" if request.outcome == "paid" else "failed"
        amount = await db.fetchval(
            "UPDATE payments SET status = $2 WHERE id = $1 AND status = 'paying' RETURNING amount_fen",
            payment_id,
            status,
        )
        lines = await db.fetch(LINES, session_id)
        due = sum(_line(line)["amount_fen"] for line in lines) - await db.fetchval(PAID, session_id)
        if due <= 0:
            await db.execute("UPDATE sessions SET phase = 'settled' WHERE id = $1", session_id)
    return {"payment_id": payment_id, "status": status, "amount_fen": amount}


@app.post("/api/v1/table-sessions/{session_id}/clear")
async def clear(session_id: str, user: User, idempotency_key: IdempotencyKey) -> Any:
    async with app.state.pool.acquire() as db, db.transaction():
        phase = await db.fetchval("SELECT phase FROM sessions WHERE id = $1 FOR UPDATE", session_id)
        if phase not in ("settled", "seated"):
            return problem(409, "illegal_transition", allowed=[])
        await db.execute("UPDATE sessions SET phase = 'closed' WHERE id = $1", session_id)
        await db.execute("UPDATE tables SET session_id = NULL WHERE session_id = $1", session_id)
    return {"session_id": session_id, "state": "closed"}


async def _lock(db: asyncpg.Connection, session_id: str) -> int:
    """The session's row, locked: guests of one table take turns."""
    session = await db.fetchrow("SELECT phase, seq FROM sessions WHERE id = $1 FOR UPDATE", session_id)
    if session is None:
        raise HTTPException(404, {"code": "session_not_found"})
    if session["phase"] == "closed":
        raise HTTPException(410, {"code": "session_closed"})
    return int(session["seq"])


def _line(line: asyncpg.Record) -> dict[str, Any]:
    return {
        "line_id": line["id"],
        "dish_id": line["dish_id"],
        "quantity": line["quantity"],
        "unit_price_fen": line["unit_price_fen"],
        "amount_fen": line["quantity"] * line["unit_price_fen"],
    }
