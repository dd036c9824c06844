"""What is asked of every subject, and how one round of it is measured and audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from loadtests.auditor import audit_sale
from loadtests.checker import SaleRules, Verdict
from loadtests.generator import Round, Shot, Target, storm
from loadtests.subjects import Subject

DINERS_PER_CONNECTION = (
    16  # as at a real storm, where one diner claims a few times and not thousands of times
)
AUDIT_SAMPLE_MAX = 40
UNLIMITED = 1_000_000


class Case(NamedTuple):
    """One question: how many claims of this kind per second? ``rated`` are the answers that count."""

    name: str
    stock: int
    rated: frozenset[int]
    about: str


CASES: Mapping[str, Case] = {
    "claim": Case("flash claim", UNLIMITED, frozenset({201}), "stock for everybody: each answer is a hold"),
    "past-stock": Case(
        "flash claim past stock",
        1_000,
        frozenset({201, 409}),
        "1,000 holds, then sold out, for a demand of many times that",
    ),
}


class RoundResult(msgspec.Struct, frozen=True, kw_only=True):
    """One subject, one round. Latencies are of rated answers, sorted, in ns."""

    rate: float
    latencies_ns: list[int]
    errors: int
    acknowledged: int
    verdict: Verdict


async def run_round(subject: Subject, case: Case, *, connections: int, seconds: float) -> RoundResult:
    """A new sale, a storm, an audit. The audit's time is not measured."""
    diners = await subject.diners(connections * DINERS_PER_CONNECTION)
    diners = diners[: connections * DINERS_PER_CONNECTION]
    sale_id = await subject.open_sale(case.stock, UNLIMITED)
    target = Target(base_url=subject.base_url, flash_sale_id=sale_id, diners=diners)
    seen = await storm(target, connections=connections, seconds=seconds)
    verdict = await audit_sale(
        subject.base_url,
        sale_id,
        seen.history(),
        {diner.user: diner.token for diner in diners},
        rules=SaleRules(stock=case.stock, per_user_limit=UNLIMITED),
        sample_max=AUDIT_SAMPLE_MAX,
    )
    await subject.stop_sale(sale_id)
    rated = [shot for shot in seen.rated() if _counts(shot, case)]
    return RoundResult(
        rate=len(rated) / seen.seconds,
        latencies_ns=sorted(shot.answered_ns - shot.sent_ns for shot in rated),
        errors=_errors(seen, case),
        acknowledged=verdict.acknowledged,
        verdict=verdict,
    )


def _counts(shot: Shot, case: Case) -> bool:
    """A 409 counts only where it says sold out; any other refusal is an error of the case."""
    return shot.status in case.rated and (shot.status == 201 or b'"sold_out"' in shot.body)


def _errors(seen: Round, case: Case) -> int:
    """Broken connections and every answer that the case does not rate."""
    return sum(1 for shot in seen.shots if not _counts(shot, case))
