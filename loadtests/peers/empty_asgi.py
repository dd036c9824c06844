"""Empty ASGI app on uvicorn: one fixed answer to everything. It reads no body, checks nothing, remembers nothing.

What uvicorn, its HTTP parser and three ASGI messages cost, and nothing else. Its audit must fail.

Run: ``uvicorn loadtests.peers.empty_asgi:app``
"""

from __future__ import annotations

from typing import Any

BODY = (
    b'{"flash_sale_id":"no-op","phase":"open","stock":1,"left":1,"claim_id":"no-op","status":"held",'
    b'"quantity":1,"position":1,"expires_at":"2099-01-01T00:00:00+00:00"}'
)
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
CREATED = {"type": "http.response.start", "status": 201, "headers": HEADERS}
OK = {"type": "http.response.start", "status": 200, "headers": HEADERS}
REST = {"type": "http.response.body", "body": BODY}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """201 to a POST, 200 to the bench's other questions."""
    if scope["type"] == "http":
        await send(CREATED if scope["method"] == "POST" else OK)
        await send(REST)
