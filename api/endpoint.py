"""A request from its first header to its last byte: admit, read, ask, answer, count, log.

An endpoint is an ASGI app that FastAPI's router calls directly. Nothing runs around it: no dependency tree, no
response model, no middleware. The steps are methods of their own, because the fast road (``fast_road.py``) takes the
same ones without a task around them. ``docs/performance.md`` has what that costs and saves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import cast

import msgspec
import structlog
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from actors.words import Rejection
from api import ids
from api.bodies import ClientGone, parse_body, parse_query, read_body
from api.call import Call
from api.door import Door
from api.operations import Answer, Handler, HotHandler, Key, Operation
from api.problems import MEDIA_TYPE, Problem
from api.rejections import BodyTooLarge, IdempotencyKeyRequired, MethodNotAllowed
from store_runtime.rejections import InvalidField

log = structlog.get_logger("kaifan.api")

KEY_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
_KEY = re.compile(KEY_PATTERN.strip("^$").encode())
_encode = msgspec.json.Encoder().encode


class Endpoint:
    """One operation."""

    def __init__(self, door: Door, operation: Operation) -> None:
        self.door = door
        self.operation = operation
        self.hot = operation.hot
        self._decoder = None if operation.body is None else msgspec.json.Decoder(operation.body)
        settings = door.settings
        self._body_bytes_max = settings.file_bytes_max if operation.file else settings.body_bytes_max
        self.takes_body = self._decoder is not None or bool(operation.file)
        """It waits for a body; else what comes of one is dropped."""
        self._tally = door.meter.tally(operation.method, operation.path)

    # --- through FastAPI -----------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = perf_counter()
        peer = scope.get("client")
        headers = scope["headers"]
        params = scope.get("path_params", {})
        call = Call(self.door, self.operation, headers, dict(headers), params, peer[0] if peer else "")
        bind_contextvars(request_id=call.request_id)
        outcome: Answer | Exception
        try:
            outcome = await self._outcome(call, scope, receive)
        except ClientGone:
            return
        except Exception as error:
            outcome = error
        answer, code = self.settle(call, outcome)
        await self._send(answer, call.request_id, send)
        self.count(call, answer.status, code, perf_counter() - began)

    async def _outcome(self, call: Call, scope: Scope, receive: Receive) -> Answer | Exception:
        operation = self.operation
        staff = self.door.admit(call)
        if staff is not None:
            await self.door.admit_staff(call, staff)
        self.check(call)
        if self.takes_body:
            self.read(call, await read_body(receive, call.headers, self._body_bytes_max))
        if operation.query is not None:
            call.query = parse_query(scope["query_string"], operation.query)
        if not self.hot:
            return await cast(Handler, operation.handler)(call)
        outcome: asyncio.Future[Answer | Exception] = asyncio.get_running_loop().create_future()

        def done(ended: Answer | Exception) -> None:
            if not outcome.done():
                outcome.set_result(ended)

        self.decide(call, done)
        return await outcome

    async def _send(self, answer: Answer, request_id: str, send: Send) -> None:
        headers = [(b"x-request-id", request_id.encode()), self.door.silo_header, *answer.headers]
        body = body_of(answer)
        if answer.status not in (204, 304):
            headers.append((b"content-type", answer.content_type))
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    # --- the steps, for both roads -------------------------------------------------------------------------

    def check(self, call: Call) -> None:
        """Ids and key have their form. Raises a rejection."""
        ids.check(call.params)
        self.check_key(call)

    def check_key(self, call: Call) -> None:
        """The key has its form. Raises a rejection."""
        key = self.operation.key
        if key is not Key.NONE:
            call.key = _key(call.raw_headers, call.headers, key is Key.REQUIRED)

    def read(self, call: Call, body: bytes) -> None:
        """The whole body is here. Raises a rejection."""
        if len(body) > self._body_bytes_max:
            raise BodyTooLarge(size_bytes_max=self._body_bytes_max)
        call.body = body if self._decoder is None else parse_body(self._decoder, body)

    def decide(self, call: Call, done: Callable[[Answer | Exception], None]) -> None:
        """Of a hot operation: the outcome comes to ``done``, or is raised."""
        cast(HotHandler, self.operation.handler)(call, done)

    def settle(self, call: Call, outcome: Answer | Exception) -> tuple[Answer, str]:
        """The answer as it leaves, and the code of a problem (empty for a yes)."""
        if type(outcome) is Answer:
            return outcome, ""
        assert isinstance(outcome, Exception), "an answer, or why there is none"
        problem = outcome if isinstance(outcome, Problem) else _problem(outcome)
        body = problem.body(call.request_id)
        return Answer(problem.status, body, problem.all_headers, MEDIA_TYPE), problem.code

    def count(self, call: Call, status: int, code: str, seconds: float) -> None:
        """Metrics, and the line in the log."""
        self._tally.count(status, code, seconds)
        operation = self.operation
        self.door.access.line(operation.method, operation.path, status, code, seconds, call.request_id)


class Resource:
    """All operations of one address; a method it does not take is answered with those it takes."""

    def __init__(
        self, door: Door, operations: Iterable[Operation], unrouted: Callable[[Handler], Operation]
    ) -> None:
        self._endpoints = {operation.method: Endpoint(door, operation) for operation in operations}
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]
        methods = sorted(self._endpoints)

        async def refuse_method(call: Call) -> Answer:
            """The address is right, the method is not."""
            raise MethodNotAllowed(allowed_methods=methods)

        self.methods = methods
        self._refused = Endpoint(door, unrouted(refuse_method))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope["method"], self._refused)
        await endpoint(scope, receive, send)


def body_of(answer: Answer) -> bytes:
    """The answer's body as it leaves."""
    value = answer.value
    return value if isinstance(value, bytes) else b"" if value is None else _encode(value)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Rejection):
        return Problem.of(error)
    log.error("request_failed", exc_info=error)
    return Problem(500, "internal_error", "A mistake of ours; it was logged under this request_id.")


def _key(raw: list[tuple[bytes, bytes]], headers: dict[bytes, bytes], required: bool) -> str:
    """The Idempotency-Key, or empty where none came and none is needed."""
    given = headers.get(b"idempotency-key")
    if given is None:
        if required:
            raise IdempotencyKeyRequired()
        return ""
    if len(raw) != len(headers) and [name for name, _ in raw].count(b"idempotency-key") > 1:
        raise InvalidField(path="header.Idempotency-Key", problem="one of them")
    if not _KEY.fullmatch(given):
        raise InvalidField(path="header.Idempotency-Key", problem="1 to 64 of A-Z a-z 0-9 _ -")
    return given.decode()
