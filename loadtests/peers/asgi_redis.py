"""Plain ASGI with one Redis script per claim: no framework, msgspec for JSON, hiredis, calls pipelined.

The same script and the same pipelines as the FastAPI peer's, on a server with ``appendfsync always``.

Run: ``PEER_REDIS_PORT=… PEER_SECRET=… uvicorn loadtests.peers.asgi_redis:app --workers 2``
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import jwt
import msgspec
import redis.asyncio as redis

from loadtests.peers.claim_script import ClaimScript

SECRET = os.environ.get("PEER_SECRET", "")
KEY_KEPT_SECONDS = 24 * 3600
VERIFIED_MAX = 20_000
KEY = re.compile(rb"[A-Za-z0-9_-]{1,64}")
ROUTES = re.compile(
    r"/api/v1/(?:flash-sales/(?P<sale>[^/]+)(?:/(?P<claims>claims)(?:/(?P<claim>[^/]+))?)?"
    r"|stores/[^/]+/flash-sales(?:/(?P<stopped>[^/]+)/stop)?)"
)
JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")
STATUS = {"flash_sale_not_found": 404, "claim_not_found": 404, "idempotency_key_reused": 422}

Reply = tuple[int, bytes]
Scope = dict[str, Any]


class OpenSale(msgspec.Struct):
    """A sale as its manager opens it."""

    stock: Annotated[int, msgspec.Meta(ge=1)]
    per_user_limit: Annotated[int, msgspec.Meta(ge=1)]
    hold_seconds: Annotated[int, msgspec.Meta(ge=1)]


class ClaimRequest(msgspec.Struct):
    """What a diner sends."""

    quantity: Annotated[int, msgspec.Meta(ge=1, le=1000)]


class ClaimAnswer(msgspec.Struct):
    """What a diner gets."""

    claim_id: str
    status: str
    quantity: int
    position: int
    expires_at: str


encode = msgspec.json.Encoder().encode
decode_sale = msgspec.json.Decoder(OpenSale).decode
decode_claim = msgspec.json.Decoder(ClaimRequest).decode


class Refused(Exception):
    """An answer that is not a yes."""

    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code


class Shop:
    """The client and the script, made once per worker."""

    def __init__(self) -> None:
        pool = redis.BlockingConnectionPool(
            host="127.0.0.1", port=int(os.environ["PEER_REDIS_PORT"]), max_connections=16, timeout=10
        )
        self.redis = redis.Redis.from_pool(pool)
        self.script = ClaimScript(self.redis)

    async def open_sale(self, scope: Scope, body: bytes, **_: str) -> Reply:
        diner(scope)
        sale, sale_id = decode_sale(body), secrets.token_hex(8)
        fields = {
            "stock": sale.stock,
            "left": sale.stock,
            "per_user_limit": sale.per_user_limit,
            "hold_ms": sale.hold_seconds * 1000,
        }
        await self.redis.hset(f"sale:{sale_id}", mapping=fields)
        return 201, encode(
            {"flash_sale_id": sale_id, "phase": "open", "stock": sale.stock, "left": sale.stock}
        )

    async def stop_sale(self, scope: Scope, body: bytes, stopped: str, **_: str) -> Reply:
        diner(scope)
        await self.redis.hset(f"sale:{stopped}", "stopped", 1)
        return 200, b'{"phase":"ended"}'

    async def show_sale(self, scope: Scope, body: bytes, sale: str, **_: str) -> Reply:
        stock, left, stopped = await self.redis.hmget(f"sale:{sale}", "stock", "left", "stopped")
        if stock is None:
            raise Refused(404, "flash_sale_not_found")
        phase = "ended" if stopped else "sold_out" if int(left) == 0 else "open"
        return 200, encode({"flash_sale_id": sale, "phase": phase, "stock": int(stock), "left": int(left)})

    async def claim(self, scope: Scope, body: bytes, sale: str, **_: str) -> Reply:
        user, key = diner(scope), header(scope, b"idempotency-key")
        if not KEY.fullmatch(key):
            raise Refused(422, "invalid_field")
        quantity = decode_claim(body).quantity
        name = f"sale:{sale}"
        outcome, *facts = await self.script(
            name,
            f"{name}:users",
            f"{name}:claims",
            f"idempotency:{sale}:{user}:{key.decode()}",
            user,
            quantity,
            secrets.token_hex(8),
            KEY_KEPT_SECONDS,
        )
        if outcome != b"held":
            code = outcome.decode()
            raise Refused(STATUS.get(code, 409), code)
        claim_id, position, expires = facts
        return 201, answer(claim_id.decode(), quantity, position, expires)

    async def show_claim(self, scope: Scope, body: bytes, sale: str, claim: str, **_: str) -> Reply:
        user, stored = diner(scope), await self.redis.hget(f"sale:{sale}:claims", claim)
        owner, quantity, position, expires = stored.decode().split() if stored is not None else ("", 0, 0, 0)
        if owner != user:
            raise Refused(404, "claim_not_found")
        return 200, answer(claim, int(quantity), int(position), int(expires))


def answer(claim_id: str, quantity: int, position: int, expires_ms: int) -> bytes:
    """A claim as its diner sees it."""
    expires_at = datetime.fromtimestamp(expires_ms / 1000, UTC).isoformat()
    return encode(ClaimAnswer(claim_id, "held", quantity, position, expires_at))


def header(scope: Scope, wanted: bytes) -> bytes:
    """The value of a header, or nothing."""
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return b""


verified: dict[bytes, tuple[str, float]] = {}


def diner(scope: Scope) -> str:
    """The user of the bearer token; verified tokens are remembered by their bytes until they expire."""
    authorization = header(scope, b"authorization")
    known = verified.get(authorization)
    if known is not None and known[1] > time.time():
        return known[0]
    scheme, _, token = authorization.partition(b" ")
    try:
        fields = jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["sub", "exp"]})
    except jwt.InvalidTokenError as invalid:
        raise Refused(401, "unauthenticated") from invalid
    if scheme.lower() != b"bearer":
        raise Refused(401, "unauthenticated")
    if len(verified) >= VERIFIED_MAX:
        verified.clear()
    verified[authorization] = (fields["sub"], fields["exp"])
    return str(fields["sub"])


def route(shop: Shop, method: str, path: str) -> tuple[Callable[..., Awaitable[Reply]], dict[str, str]]:
    """The handler of a request and the names in its path. Raises Refused (404)."""
    found = ROUTES.fullmatch(path)
    names = {} if found is None else {k: v for k, v in found.groupdict().items() if v}
    match method, *sorted(names):
        case "POST", "claims", "sale":
            return shop.claim, names
        case "GET", "claim", "claims", "sale":
            return shop.show_claim, names
        case "GET", "sale":
            return shop.show_sale, names
        case "POST", "stopped":
            return shop.stop_sale, names
        case ("POST",):
            if found is not None:
                return shop.open_sale, names
    raise Refused(404, "not_found")


async def body_of(receive: Any) -> bytes:
    """The whole body; most come as one message."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


class App:
    """The ASGI application."""

    shop: Shop

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        kind = JSON
        try:
            status, body = await self._answer(scope, receive)
        except Refused as refused:
            status, kind = refused.status, PROBLEM
            body = encode({"type": "about:blank", "status": status, "code": refused.code})
        except msgspec.DecodeError:
            status, kind, body = 422, PROBLEM, b'{"type":"about:blank","status":422,"code":"invalid_field"}'
        headers = [kind, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Any) -> Reply:
        if scope["path"] == "/readyz":
            await self.shop.redis.ping()
            return 200, b'{"status":"ready"}'
        handler, names = route(self.shop, scope["method"], scope["path"])
        return await handler(scope, await body_of(receive), **names)

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self.shop = Shop()
        await self.shop.script.load()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.shop.redis.aclose()
        await send({"type": "lifespan.shutdown.complete"})


app = App()
