"""A no as the caller sees it: problem+json (RFC 9457) with a stable code and the facts behind it."""

from __future__ import annotations

import math
from typing import Any, Self

import msgspec

from actors.words import OUTAGES, Rejected, Rejection, Unserved
from api.moments import rfc3339

MEDIA_TYPE = b"application/problem+json"
RETRY_AFTER_S = {429: 1, 503: 1}
_MOMENTS = ("valid_from", "until")

OUTAGE_STATUS = {code: 500 if code == "internal_error" else 503 for code in OUTAGES}
"""An outage may be asked again with the same key, except where the mistake is ours."""


def title_of(code: str) -> str:
    """``sold_out`` → ``Sold out``."""
    return code.replace("_", " ").capitalize()


class Problem(Exception):
    """A request that was not done, or not known to be done, and why."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        hint: str = "",
        facts: dict[str, Any] | None = None,
        retry_after_s: float | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.hint = hint
        self.facts = facts or {}
        self.retry_after_s = RETRY_AFTER_S.get(status) if retry_after_s is None else retry_after_s
        self.headers = headers

    @classmethod
    def of(cls, rejection: Rejection, *, retry_after_s: float | None = None) -> Self:
        """A rejection that the door raised itself."""
        headers: tuple[tuple[bytes, bytes], ...] = ()
        if rejection.status == 401:
            headers = ((b"www-authenticate", b"Bearer"),)
        facts = rejection.facts()
        if rejection.status == 426:
            headers = ((b"upgrade", b"websocket"), (b"sec-websocket-version", b"13"))
        if "allowed_methods" in facts:
            headers = ((b"allow", ", ".join(facts["allowed_methods"]).encode()),)
        return cls(
            rejection.status,
            rejection.code,
            rejection.sentence(),
            hint=rejection.hint,
            facts=facts,
            retry_after_s=retry_after_s,
            headers=headers,
        )

    @classmethod
    def from_reply(cls, reply: Rejected | Unserved) -> Self:
        """An entity's no, or the runtime's "ask again"."""
        if isinstance(reply, Rejected):
            return cls(reply.status, reply.code, reply.detail, hint=reply.hint, facts=reply.facts)
        status = OUTAGE_STATUS.get(reply.code, 503)
        retry_after_s = max(1, reply.retry_after_ms / 1_000) if status == 503 else None
        return cls(
            status, reply.code, reply.detail or OUTAGES.get(reply.code, ""), retry_after_s=retry_after_s
        )

    @classmethod
    def prepared(cls, rejection: Rejection) -> PreparedProblem:
        """A no that is given many times: its document is made once."""
        return PreparedProblem(cls.of(rejection))

    @property
    def all_headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Its own headers and Retry-After in whole seconds."""
        if self.retry_after_s is None:
            return self.headers
        return (*self.headers, (b"retry-after", b"%d" % math.ceil(self.retry_after_s)))

    def body(self, request_id: str) -> bytes:
        """The document; moments among the facts are RFC 3339, as everywhere."""
        document = {name: _public(name, value) for name, value in self.facts.items()}
        document.update(
            type=f"urn:kaifan:problem:{self.code}",
            title=title_of(self.code),
            status=self.status,
            code=self.code,
            detail=self.detail,
        )
        if self.hint:
            document["hint"] = self.hint
        if request_id:
            document["request_id"] = request_id
        return msgspec.json.encode(document)


_MARK = "\x00"


class PreparedProblem(Problem):
    """A Problem whose document waits for nothing but the request's id."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(
            problem.status,
            problem.code,
            problem.detail,
            hint=problem.hint,
            facts=problem.facts,
            retry_after_s=problem.retry_after_s,
            headers=problem.headers,
        )
        self._before, _, self._after = problem.body(_MARK).partition(msgspec.json.encode(_MARK)[1:-1])

    def body(self, request_id: str) -> bytes:
        """``request_id`` has the form that the door gives it and needs no escape."""
        return self._before + request_id.encode() + self._after


def _public(name: str, value: Any) -> Any:
    if type(value) is int and (name.endswith("_at") or name in _MOMENTS):
        return rfc3339(value)
    return value
