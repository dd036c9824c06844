"""A diner's phone that does not give up: it claims until it has an answer, and remembers every try."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import secrets
import time
from typing import Any

import msgspec

from loadtests.history import Attempt, moment_ms
from loadtests.wire import Answer, ConnectionBroken, HttpConnection

PATIENCE_SECONDS = 30.0
ANSWER_SECONDS_MAX = 6.0
PAUSE_SECONDS_MIN = 0.02
PAUSE_SECONDS_MAX = 0.5
_ASK_AGAIN = frozenset({429, 503})


class StormClient:
    """Claims over one kept connection and retries with the *same* key while the outcome is open.

    A broken connection, no answer in time, 503 and 429 are tried again until the deadline, with growing
    pauses that are shorter than any ``Retry-After``: a storm wants to find the first good moment. Every try
    is appended to ``log``, which :func:`loadtests.checker.check` judges. One claim at a time; use several
    clients for a storm. ``user`` names the diner in the log and defaults to a digest of the token.
    """

    def __init__(
        self, base_url: str, token: str, *, user: str = "", log: list[Attempt] | None = None
    ) -> None:
        self.user = user or hashlib.sha256(token.encode()).hexdigest()[:12]
        self.token = token
        self.log: list[Attempt] = [] if log is None else log
        self._connection = HttpConnection(base_url)
        self._keys = (f"{secrets.token_hex(6)}-{number}" for number in itertools.count(1))

    async def claim(
        self,
        flash_sale_id: str,
        quantity: int = 1,
        *,
        key: str | None = None,
        wait: bool = False,
        entry_token: str = "",
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Attempt:
        """Claim until yes or a definite no, or until patience ends; the last try is returned.

        Args:
            key: the idempotency key; a fresh one by default.
            wait: ask for a place in the waitlist when nothing is left.
        """
        attempt = Attempt(
            key=key or next(self._keys),
            user=self.user,
            quantity=quantity,
            wait=wait,
            entry_token=entry_token,
            sent_at=moment_ms(),
        )
        return await self.again(flash_sale_id, attempt, patience_seconds=patience_seconds)

    async def again(
        self, flash_sale_id: str, attempt: Attempt, *, patience_seconds: float = PATIENCE_SECONDS
    ) -> Attempt:
        """Send a claim of the log once more, to the letter and with its own key."""
        body: dict[str, Any] = {"quantity": attempt.quantity, **({"wait": True} if attempt.wait else {})}
        headers = {"Entry-Token": attempt.entry_token} if attempt.entry_token else {}
        path = f"/api/v1/flash-sales/{flash_sale_id}/claims"
        return await self._insist("POST", path, body, headers, attempt, patience_seconds)

    async def release(
        self,
        flash_sale_id: str,
        claim_id: str,
        *,
        key: str | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Attempt:
        """Give a hold back; retried like a claim."""
        path = f"/api/v1/flash-sales/{flash_sale_id}/claims/{claim_id}"
        attempt = Attempt(
            act="release", key=key or next(self._keys), user=self.user, claim_id=claim_id, sent_at=moment_ms()
        )
        return await self._insist("DELETE", path, None, {}, attempt, patience_seconds)

    async def get(self, path: str, *, patience_seconds: float = PATIENCE_SECONDS) -> Answer:
        """Read something as this diner, as patiently; a read is not part of the log.

        Raises:
            ConnectionBroken: patience ended without a whole answer.
        """
        deadline = time.monotonic() + patience_seconds
        for pause in _pauses():
            try:
                answer = await self._send("GET", path, None, {}, deadline)
            except ConnectionBroken:
                if time.monotonic() + pause >= deadline:
                    raise
            else:
                if answer.status not in _ASK_AGAIN or time.monotonic() + pause >= deadline:
                    return answer
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    def close(self) -> None:
        """Close the connection; the log stays."""
        self._connection.close()

    async def __aenter__(self) -> StormClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.close()

    async def _insist(
        self,
        method: str,
        path: str,
        body: object,
        headers: dict[str, str],
        asked: Attempt,
        patience_seconds: float,
    ) -> Attempt:
        deadline = time.monotonic() + patience_seconds
        for pause in _pauses():
            sent_at = moment_ms()
            answer = await self._try(method, path, body, {**headers, "Idempotency-Key": asked.key}, deadline)
            attempt = msgspec.structs.replace(
                asked,
                sent_at=sent_at,
                answered_at=None if answer is None else moment_ms(),
                status=None if answer is None else answer.status,
                body={} if answer is None else answer.json(),
            )
            self.log.append(attempt)
            settled = answer is not None and answer.status not in _ASK_AGAIN
            if settled or time.monotonic() + pause >= deadline:
                return attempt
            await asyncio.sleep(pause)
        raise AssertionError("pauses never end")

    async def _try(
        self, method: str, path: str, body: object, headers: dict[str, str], deadline: float
    ) -> Answer | None:
        try:
            return await self._send(method, path, body, headers, deadline)
        except ConnectionBroken:
            return None

    async def _send(
        self, method: str, path: str, body: object, headers: dict[str, str], deadline: float
    ) -> Answer:
        left = max(0.001, min(ANSWER_SECONDS_MAX, deadline - time.monotonic()))
        headers = {"Authorization": f"Bearer {self.token}", **headers}
        return await self._connection.request(method, path, headers=headers, body=body, seconds=left)


def _pauses() -> itertools.chain[float]:
    """20 ms, doubled up to half a second, for ever."""
    growing = itertools.takewhile(
        lambda pause: pause < PAUSE_SECONDS_MAX, (PAUSE_SECONDS_MIN * 2**n for n in itertools.count())
    )
    return itertools.chain(growing, itertools.repeat(PAUSE_SECONDS_MAX))
