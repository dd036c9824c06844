"""Does the store agree with what its clients were told? Asked over the public HTTP API only."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from loadtests.checker import SaleRules, StoreView, Verdict, check
from loadtests.client import StormClient
from loadtests.history import Attempt, moment_ms
from loadtests.wire import ConnectionBroken

SAMPLE_SEED = 20_26


async def audit_sale(
    base_url: str,
    flash_sale_id: str,
    history: Sequence[Attempt],
    tokens: Mapping[str, str],
    *,
    rules: SaleRules,
    sample_max: int | None = None,
    patience_seconds: float = 30.0,
) -> Verdict:
    """Settle what is open, ask the store, and judge the whole.

    First every claim without an answer is sent again with its own key, and a sample of the answered ones too:
    the same key must give the same answer. Then each acknowledged claim is read, then the sale's count. Call
    it when the sale is quiet.

    Args:
        history: all attempts on this sale.
        tokens: the bearer token of each ``user`` in the history.
        sample_max: how many claims to read and how many keys to send again; ``None`` is all.
    Returns:
        The checker's verdict over the history, the new attempts, and the store's answers. A store that cannot
        be asked is a "no" of the rule "store answers".
    """
    log = list(history)
    accepted = {(a.user, a.key): a for a in history if a.act == "claim" and a.accepted}
    released = {a.claim_id for a in history if a.act == "release"}
    open_keys = _unsettled(history)
    sample = random.Random(SAMPLE_SEED).sample
    picked = list(accepted.values())
    if sample_max is not None and len(picked) > sample_max:
        picked = sample(picked, sample_max)
    try:
        async with _Readers(base_url, tokens, log, patience_seconds) as readers:
            for attempt in [*open_keys, *(a for a in picked if a.body.get("claim_id") not in released)]:
                await readers.claim_again(flash_sale_id, attempt)
            claims = {str(a.body.get("claim_id")): await readers.state_of(flash_sale_id, a) for a in picked}
            left = await readers.left(flash_sale_id, next(iter(tokens)))
    except (ConnectionBroken, _NoAnswer) as broken:
        verdict = check(log, rules)
        if verdict.answer == "no":
            return verdict
        return Verdict(
            answer="no", rule="store answers", because=str(broken), acknowledged=verdict.acknowledged
        )
    return check(log, rules, StoreView(left=left, asked_at=moment_ms(), claims=claims))


def _unsettled(history: Sequence[Attempt]) -> list[Attempt]:
    """One attempt of each key that may have been done and has no yes."""
    by_key: dict[tuple[str, str], Attempt] = {}
    settled = set()
    for attempt in history:
        if attempt.act == "claim":
            key = (attempt.user, attempt.key)
            if attempt.accepted:
                settled.add(key)
            elif not attempt.refused:
                by_key[key] = attempt
    return [attempt for key, attempt in by_key.items() if key not in settled]


class _NoAnswer(Exception):
    """The store answered something that an audit cannot use."""


class _Readers:
    """One patient client per diner, opened when needed."""

    def __init__(
        self, base_url: str, tokens: Mapping[str, str], log: list[Attempt], patience_seconds: float
    ) -> None:
        self._base_url, self._tokens, self._log, self._patience = base_url, tokens, log, patience_seconds
        self._clients: dict[str, StormClient] = {}

    async def claim_again(self, flash_sale_id: str, attempt: Attempt) -> None:
        client = self._client(attempt.user)
        answered = await client.again(flash_sale_id, attempt, patience_seconds=self._patience)
        if answered.status is None:
            raise _NoAnswer(f"no answer to key {attempt.key} within {self._patience} s")

    async def state_of(self, flash_sale_id: str, attempt: Attempt) -> str | None:
        """The claim's state; ``None`` when the store does not know it."""
        path = f"/api/v1/flash-sales/{flash_sale_id}/claims/{attempt.body.get('claim_id')}"
        answer = await self._client(attempt.user).get(path, patience_seconds=self._patience)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _NoAnswer(f"GET {path} answered {answer.status}")
        return str(answer.json().get("status", ""))

    async def left(self, flash_sale_id: str, user: str) -> int:
        path = f"/api/v1/flash-sales/{flash_sale_id}"
        answer = await self._client(user).get(path, patience_seconds=self._patience)
        left = answer.json().get("left")
        if answer.status != 200 or not isinstance(left, int):
            raise _NoAnswer(f"GET {path} answered {answer.status} with left={left!r}")
        return left

    def _client(self, user: str) -> StormClient:
        if user not in self._clients:
            self._clients[user] = StormClient(self._base_url, self._tokens[user], user=user, log=self._log)
        return self._clients[user]

    async def __aenter__(self) -> _Readers:
        return self

    async def __aexit__(self, *error: object) -> None:
        for client in self._clients.values():
            client.close()
