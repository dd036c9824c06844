"""Is what the clients saw possible for a correct sale? Yes, no with the first bad operation, or unknown.

A pure function over a history; no clock, no network. Every rule is *sound*: it says "no" only when no order
of the concurrent operations could explain the history. Each is one pass over the sorted history, so a million
attempts take seconds, where a general linearizability search would not end.

The moment of a decision lies somewhere between a request's first ``sent_at`` and its ``answered_at``; the
rules therefore use what is *sure* to be held when they look for too much, and what is *possibly* held when
they look for a false "sold out".
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Literal, NamedTuple

import msgspec

from loadtests.history import Attempt

_DOCUMENTED = frozenset({None, 200, 201, 202, 204, 409, 429, 503})


class SaleRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the sale promised before the first claim.

    ``complete`` says that the history holds every claim of this sale; only then can a false "sold out" be
    proven. ``reopen_ms`` is how long after a return "sold out" may still be said (F9).
    """

    stock: int
    per_user_limit: int | None = None
    complete: bool = True
    reopen_ms: float = 100.0


class StoreView(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said afterwards, when all was quiet.

    ``left`` is the sale's own count, ``None`` if it was not asked; ``asked_at`` when its answer came, ms
    since the epoch (by default the history's last moment). ``claims`` maps each claim id that was asked for
    to its state, ``None`` where the server does not know it.
    """

    left: int | None = None
    asked_at: float | None = None
    claims: Mapping[str, str | None] = {}


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, and for "no" the rule that broke with the first operation that broke it."""

    answer: Literal["yes", "no", "unknown"]
    because: str
    rule: str = ""
    operation: Attempt | None = None
    acknowledged: int = 0
    acknowledged_quantity: int = 0
    unresolved: int = 0


class _Bad(NamedTuple):
    rule: str
    operation: Attempt | None
    because: str


class _Claim:
    """All attempts of one user with one key."""

    __slots__ = ("accepted", "attempts")

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.accepted: Attempt | None = None

    def add(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        if attempt.accepted and (self.accepted is None or _answered(attempt) < _answered(self.accepted)):
            self.accepted = attempt

    @property
    def first_sent_at(self) -> float:
        return min(attempt.sent_at for attempt in self.attempts)

    @property
    def may_hold(self) -> bool:
        """False only when every attempt was refused, so that nothing can have been taken."""
        return not all(attempt.refused for attempt in self.attempts)

    @property
    def unresolved(self) -> bool:
        return self.accepted is None and self.may_hold


class _History:
    """The attempts, folded by key and by claim id, with the span in which each claim is surely held."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = sorted(attempts, key=_answered)
        claims: defaultdict[tuple[str, str], _Claim] = defaultdict(_Claim)
        self.releases: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            if attempt.act == "release":
                self.releases[attempt.claim_id].append(attempt)
            else:
                claims[attempt.user, attempt.key].add(attempt)
        self.claims = list(claims.values())
        self.accepted = [claim.accepted for claim in self.claims if claim.accepted is not None]
        self.held = [attempt for attempt in self.accepted if attempt.body.get("status", "held") == "held"]
        self.unresolved = [claim for claim in self.claims if claim.unresolved]
        self.last_at = max((attempt.answered_at or attempt.sent_at for attempt in attempts), default=0.0)

    def surely_until(self, attempt: Attempt) -> float:
        """Until when an acknowledged claim is surely held: a release is sent, or its shown expiry comes."""
        released = min((r.sent_at for r in self.releases[_claim_id(attempt)]), default=math.inf)
        expires_at = attempt.body.get("expires_at")
        expired = datetime.fromisoformat(expires_at).timestamp() * 1000 if expires_at else math.inf
        return min(released, expired)


def check(history: Sequence[Attempt], rules: SaleRules, store: StoreView | None = None) -> Verdict:
    """Judge a history of one sale.

    "Unknown" is not "yes": nothing was acknowledged, or claims stayed without an answer and the store's count
    that could settle them was not asked for.

    Args:
        history: attempts in any order, of any number of clients that share one clock.
        rules: the sale as it was opened.
        store: what the server said afterwards; without it only what the clients saw is judged.
    """
    seen = _History(history)
    found = [bad for rule in _RULES for bad in _first(rule(seen, rules))]
    if store is not None:
        found += [bad for rule in _STORE_RULES for bad in _first(rule(seen, rules, store))]
    if found:
        worst = min(found, key=lambda bad: math.inf if bad.operation is None else _answered(bad.operation))
        return _verdict(seen, "no", worst.because, worst)
    if not seen.accepted:
        return _verdict(seen, "unknown", "no claim was acknowledged, so nothing is proven")
    if seen.unresolved and (store is None or store.left is None):
        return _verdict(seen, "unknown", f"{len(seen.unresolved)} claims have no definite answer")
    return _verdict(seen, "yes", "every answer fits one history of the sale")


def _verdict(
    seen: _History, answer: Literal["yes", "no", "unknown"], because: str, bad: _Bad | None = None
) -> Verdict:
    return Verdict(
        answer=answer,
        because=because,
        rule=bad.rule if bad else "",
        operation=bad.operation if bad else None,
        acknowledged=len(seen.accepted),
        acknowledged_quantity=sum(attempt.quantity for attempt in seen.held),
        unresolved=len(seen.unresolved),
    )


# Rules over what the clients saw. Each yields its violations in the order of their answers.


def _documented_status(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """201, 202, 409, 429 and 503 answer a claim, 422 a key with another quantity; all else is a bug."""
    first_quantity: dict[tuple[str, str], int] = {}
    for attempt in sorted(seen.attempts, key=lambda attempt: attempt.sent_at):
        quantity = first_quantity.setdefault((attempt.user, attempt.key), attempt.quantity)
        changed = attempt.act == "claim" and attempt.quantity != quantity
        if attempt.status == 422 and attempt.code == "idempotency_key_reused" and changed:
            continue
        if attempt.status not in _DOCUMENTED:
            yield _Bad("documented status", attempt, f"status {attempt.status} is not an answer to a claim")


def _whole_answer(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """A yes names its claim and the quantity that was asked for."""
    for attempt in _claims_accepted(seen.attempts):
        if not _claim_id(attempt):
            yield _Bad("whole answer", attempt, "the claim was accepted without a claim_id")
        elif attempt.body.get("quantity", attempt.quantity) != attempt.quantity:
            yield _Bad(
                "whole answer", attempt, f"asked for {attempt.quantity}, got {attempt.body['quantity']}"
            )


def _same_key_same_answer(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """F5: one key, one claim; and once a yes was heard, the same key never hears a no."""
    for claim in seen.claims:
        first = claim.accepted
        if first is None or len(claim.attempts) == 1:
            continue
        for attempt in claim.attempts:
            if attempt.accepted and _answer_of(attempt) != _answer_of(first):
                because = (
                    f"the same key was answered {_answer_of(first)} before and {_answer_of(attempt)} now"
                )
                yield _Bad("same key same answer", attempt, because)
            if (
                attempt.status == 409
                and attempt.sent_at >= _answered(first)
                and attempt.quantity == first.quantity
            ):
                because = f"the key holds {_claim_id(first)} and was refused with {attempt.code} afterwards"
                yield _Bad("same key same answer", attempt, because)


def _one_key_per_claim(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """F3: no claim is given to two keys."""
    owner: dict[str, tuple[str, str]] = {}
    for attempt in _claims_accepted(seen.attempts):
        key = (attempt.user, attempt.key)
        if owner.setdefault(_claim_id(attempt), key) != key:
            because = f"claim {_claim_id(attempt)} was already given for key {owner[_claim_id(attempt)][1]}"
            yield _Bad("one key per claim", attempt, because)


def _within_stock(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """F1: what is surely held at one moment never exceeds the stock."""
    for attempt, held in _held_over_time(seen, seen.held):
        if held > rules.stock:
            yield _Bad("within stock", attempt, f"{held} of {rules.stock} are acknowledged and held at once")


def _within_limit(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """F2: nor does one user's share exceed the limit."""
    if rules.per_user_limit is None:
        return
    by_user: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in seen.held:
        by_user[attempt.user].append(attempt)
    for user, held_by_user in by_user.items():
        for attempt, held in _held_over_time(seen, held_by_user):
            if held > rules.per_user_limit:
                because = f"user {user} holds {held}, the limit is {rules.per_user_limit}"
                yield _Bad("within limit", attempt, because)


def _position_in_order(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """F12: positions are unique, and a claim that began after another was answered stands behind it."""
    first_sent = {id(claim.accepted): claim.first_sent_at for claim in seen.claims if claim.accepted}
    placed = [attempt for attempt in seen.held if isinstance(attempt.body.get("position"), int)]
    by_start = sorted(placed, key=lambda attempt: first_sent[id(attempt)])
    by_answer = sorted(placed, key=_answered)
    taken: dict[int, Attempt] = {}
    ahead, answered = -1, 0
    for attempt in by_start:
        position = attempt.body["position"]
        while answered < len(by_answer) and _answered(by_answer[answered]) < first_sent[id(attempt)]:
            ahead = max(ahead, by_answer[answered].body["position"])
            answered += 1
        if position in taken:
            because = f"position {position} was already given to {_claim_id(taken[position])}"
            yield _Bad("position in order", attempt, because)
        elif position < ahead:
            because = f"position {position}, though position {ahead} was answered before it was asked for"
            yield _Bad("position in order", attempt, because)
        taken[position] = attempt


def _no_false_sold_out(seen: _History, rules: SaleRules) -> Iterator[_Bad]:
    """Guarantee 3: "sold out" is said only while enough may be held that the quantity does not fit."""
    if not rules.complete:
        return
    asked = sorted(
        (claim.first_sent_at, claim.attempts[0].quantity) for claim in seen.claims if claim.may_hold
    )
    back = sorted(_returned(seen, rules))
    asked_at, asked_sum = [at for at, _ in asked], [0, *accumulate(quantity for _, quantity in asked)]
    back_at, back_sum = [at for at, _ in back], [0, *accumulate(quantity for _, quantity in back)]
    for attempt in seen.attempts:
        if attempt.act == "release" or attempt.code != "sold_out":
            continue
        possible = asked_sum[bisect_right(asked_at, _answered(attempt))]
        possible -= back_sum[bisect_left(back_at, attempt.sent_at)]
        if possible + attempt.quantity <= rules.stock:
            because = f"sold out was said while at most {possible} of {rules.stock} could be held"
            yield _Bad("no false sold out", attempt, because)


# Rules over what the store says afterwards.


def _nothing_lost(seen: _History, rules: SaleRules, store: StoreView) -> Iterator[_Bad]:
    """F3: every acknowledged claim that was asked for is there."""
    for attempt in seen.accepted:
        if store.claims.get(_claim_id(attempt), "not asked") is None:
            yield _Bad(
                "nothing lost", attempt, f"claim {_claim_id(attempt)} was acknowledged and is unknown now"
            )


def _count_agrees(seen: _History, rules: SaleRules, store: StoreView) -> Iterator[_Bad]:
    """F1, F3: held + sold by the store's count is what was acknowledged, give or take what had no answer."""
    if store.left is None or not rules.complete:
        return
    taken = rules.stock - store.left
    asked_at = seen.last_at if store.asked_at is None else store.asked_at
    sure = sum(attempt.quantity for attempt in seen.held if seen.surely_until(attempt) > asked_at)
    most = sum(claim.attempts[0].quantity for claim in seen.claims if claim.may_hold)
    most -= sum(quantity for _, quantity in _returned(seen, rules))
    if not 0 <= store.left <= rules.stock:
        yield _Bad("count agrees", None, f"the store says {store.left} left of {rules.stock}")
    elif taken < sure:
        yield _Bad("count agrees", None, f"{sure} are acknowledged, the store counts only {taken}")
    elif taken > most:
        yield _Bad(
            "count agrees",
            None,
            f"the store counts {taken}, at most {most} were asked for and not given back",
        )


_Rule = Callable[[_History, SaleRules], Iterator[_Bad]]
_StoreRule = Callable[[_History, SaleRules, StoreView], Iterator[_Bad]]
_RULES: tuple[_Rule, ...] = (
    _documented_status,
    _whole_answer,
    _same_key_same_answer,
    _one_key_per_claim,
    _within_stock,
    _within_limit,
    _position_in_order,
    _no_false_sold_out,
)
_STORE_RULES: tuple[_StoreRule, ...] = (_nothing_lost, _count_agrees)


def _first(violations: Iterator[_Bad]) -> Iterator[_Bad]:
    """The violation answered first, if any; rules walk keys or users, so it need not be the first yielded."""
    bad = min(
        violations,
        key=lambda bad: math.inf if bad.operation is None else _answered(bad.operation),
        default=None,
    )
    if bad is not None:
        yield bad


def _answered(attempt: Attempt) -> float:
    return math.inf if attempt.answered_at is None else attempt.answered_at


def _claim_id(attempt: Attempt) -> str:
    return str(attempt.body.get("claim_id", ""))


def _answer_of(attempt: Attempt) -> tuple[object, ...]:
    return tuple(attempt.body.get(field) for field in ("claim_id", "quantity", "position"))


def _claims_accepted(attempts: Iterable[Attempt]) -> Iterator[Attempt]:
    return (attempt for attempt in attempts if attempt.act == "claim" and attempt.accepted)


def _returned(seen: _History, rules: SaleRules) -> Iterator[tuple[float, int]]:
    """When each acknowledged release must be open to others again, and how much it gave back."""
    quantity_of = {_claim_id(attempt): attempt.quantity for attempt in seen.held}
    for claim_id, releases in seen.releases.items():
        confirmed = [_answered(release) for release in releases if release.accepted]
        if confirmed and claim_id in quantity_of:
            yield min(confirmed) + rules.reopen_ms, quantity_of[claim_id]


def _held_over_time(seen: _History, held: Iterable[Attempt]) -> Iterator[tuple[Attempt, int]]:
    """Each acknowledgement with the quantity surely held right after it; what ends then has ended."""
    changes: list[tuple[float, int, Attempt]] = []
    for attempt in held:
        end = seen.surely_until(attempt)
        if end > _answered(attempt):
            changes.append((_answered(attempt), attempt.quantity, attempt))
            changes.append((end, -attempt.quantity, attempt))
    total = 0
    for _, change, attempt in sorted(changes, key=lambda change: change[:2]):
        total += change
        if change > 0:
            yield attempt, total
