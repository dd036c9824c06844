"""The part of the HTTP contract that every peer speaks, and the token it checks."""

from __future__ import annotations

import os
import time
from typing import Annotated, Any

import jwt
from fastapi import Header, HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

SECRET = os.environ.get("PEER_SECRET", "")
TOKEN_SECONDS = 3600
VERIFIED_MAX = 20_000
IDEMPOTENCY_KEY = Header(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")

IdempotencyKey = Annotated[str, IDEMPOTENCY_KEY]


class OpenSale(BaseModel):
    """A sale as its manager opens it."""

    title: str
    stock: int = Field(ge=1)
    per_user_limit: int = Field(ge=1)
    hold_seconds: int = Field(ge=1)


class ClaimRequest(BaseModel):
    """What a diner sends."""

    quantity: int = Field(ge=1, le=1000)


class ClaimAnswer(BaseModel):
    """What a diner gets."""

    claim_id: str
    status: str
    quantity: int
    position: int | None
    expires_at: str


class SaleView(BaseModel):
    """The sale as anybody sees it."""

    flash_sale_id: str
    phase: str
    stock: int
    left: int


def mint(user: str, secret: str) -> str:
    """A bearer token (JWT, HS256) for one user, good for an hour."""
    return jwt.encode({"sub": user, "exp": int(time.time()) + TOKEN_SECONDS}, secret, algorithm="HS256")


_verified: dict[str, tuple[str, float]] = {}


async def diner(authorization: Annotated[str, Header()]) -> str:
    """The user of the bearer token; FastAPI dependency.

    Verified tokens are remembered by their text until they expire: a diner at a sale sends the same one again
    and again, and a well-tuned peer would not pay 20 µs for it each time.
    """
    known = _verified.get(authorization)
    if known is not None and known[1] > time.time():
        return known[0]
    scheme, _, token = authorization.partition(" ")
    try:
        fields = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["sub", "exp"]})
    except jwt.InvalidTokenError as invalid:
        raise HTTPException(401, "unauthenticated") from invalid
    if scheme.lower() != "bearer":
        raise HTTPException(401, "unauthenticated")
    if len(_verified) >= VERIFIED_MAX:
        _verified.clear()
    _verified[authorization] = (fields["sub"], fields["exp"])
    return str(fields["sub"])


def problem(status: int, code: str, **facts: Any) -> JSONResponse:
    """An error as problem+json with a stable code."""
    body = {
        "type": f"about:blank#{code}",
        "title": code.replace("_", " "),
        "status": status,
        "code": code,
        **facts,
    }
    return JSONResponse(body, status, media_type="application/problem+json")
