"""A request from its first header to its last byte: admit, read, ask, answer, count, log.

An endpoint is an ASGI app that FastAPI's router calls directly. Nothing runs around it: no dependency tree, no
response model, no middleware. ``docs/performance.md`` has what that costs and saves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from time import perf_counter

import msgspec
import structlog
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from actors.words import Rejection
from api import ids
from api.bodies import ClientGone, parse_body, parse_query, read_body
from api.call import Call
from api.door import Door
from api.operations import Answer, Key, Operation
from api.problems import MEDIA_TYPE, Problem
from api.rejections import IdempotencyKeyRequired, MethodNotAllowed
from store_runtime.rejections import InvalidField

log = structlog.get_logger("kaifan.api")

KEY_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
_KEY = re.compile(KEY_PATTERN.strip("^$").encode())
_encode = msgspec.json.Encoder().encode


class Endpoint:
    """One operation."""

    def __init__(self, door: Door, operation: Operation) -> None:
        self._door = door
        self._operation = operation
        self._decoder = None if operation.body is None else msgspec.json.Decoder(operation.body)
        self._unlogged = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        call = Call(self._door, self._operation, scope, receive)
        request_id = call.request_id = self._door.request_id(call.headers)
        bind_contextvars(request_id=request_id)
        code = ""
        try:
            answer = await self._answer(call)
        except ClientGone:
            return
        except Exception as error:
            problem = _problem(error)
            code = problem.code
            answer = Answer(problem.status, problem.body(request_id), problem.all_headers, MEDIA_TYPE)
        await self._send(answer, request_id, send)
        seconds = perf_counter() - began
        operation = self._operation
        self._door.meter.count(operation.method, operation.path, answer.status, code, seconds)
        self._log(answer.status, code, seconds)

    async def _answer(self, call: Call) -> Answer:
        operation = self._operation
        await self._door.admit(call)
        ids.check(call.params)
        if operation.key is not Key.NONE:
            call.key = _key(call.headers, operation.key is Key.REQUIRED)
        if self._decoder is not None:
            body = await read_body(call.receive, call.headers, self._door.settings.body_bytes_max)
            call.body = parse_body(self._decoder, body)
        if operation.query is not None:
            call.query = parse_query(call.scope["query_string"], operation.query)
        return await operation.handler(call)

    async def _send(self, answer: Answer, request_id: str, send: Send) -> None:
        value = answer.value
        body = value if isinstance(value, bytes) else b"" if value is None else _encode(value)
        headers = [(b"x-request-id", request_id.encode()), self._door.silo_header, *answer.headers]
        if answer.status not in (204, 304):
            headers.append((b"content-type", answer.content_type))
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _log(self, status: int, code: str, seconds: float) -> None:
        """One line per request, or for the share of them that the settings ask for."""
        self._unlogged += self._door.settings.log_share
        if self._unlogged < 1 and status < 500:
            return
        self._unlogged = 0.0 if self._unlogged < 1 else self._unlogged - 1
        log.info(
            "request",
            method=self._operation.method,
            route=self._operation.path,
            status=status,
            ms=round(seconds * 1_000, 2),
            code=code,
        )


class Resource:
    """All operations of one address; a method it does not take is answered with those it takes."""

    def __init__(self, door: Door, operations: Iterable[Operation], refused: Operation) -> None:
        self._endpoints = {operation.method: Endpoint(door, operation) for operation in operations}
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]
        self.methods = sorted(self._endpoints)
        self._refused = Endpoint(door, refused)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["method"])
        if endpoint is None:
            scope["kaifan.allowed_methods"] = self.methods
            endpoint = self._refused
        await endpoint(scope, receive, send)


async def refuse_method(call: Call) -> Answer:
    """The address is right, the method is not."""
    raise MethodNotAllowed(allowed_methods=call.scope["kaifan.allowed_methods"])


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Rejection):
        return Problem.of(error)
    log.error("request_failed", exc_info=error)
    return Problem(500, "internal_error", "A mistake of ours; it was logged under this request_id.")


def _key(headers: dict[bytes, bytes], required: bool) -> str:
    """The Idempotency-Key, or empty where none came and none is needed."""
    given = headers.get(b"idempotency-key")
    if given is None:
        if required:
            raise IdempotencyKeyRequired()
        return ""
    if not _KEY.fullmatch(given):
        raise InvalidField(path="header.Idempotency-Key", problem="1 to 64 of A-Z a-z 0-9 _ -")
    return given.decode()
