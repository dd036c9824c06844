"""What is asked of every subject, and how one round of it is measured and audited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from loadtests import generator, wrk
from loadtests.auditor import audit_sale
from loadtests.checker import SaleRules, Verdict
from loadtests.entrants import CLAIM, SOLD_OUT, STEADY, THROUGH
from loadtests.generator import Diner, Round, Shot, Target, percentile_ms, storm
from loadtests.subjects import Subject
from loadtests.wire import ConnectionBroken, HttpConnection

DINERS_PER_CONNECTION = (
    16  # as at a real storm, where one diner claims a few times and not thousands of times
)
AUDIT_SAMPLE_MAX = 40
UNLIMITED = 1_000_000
SMALL_STOCK = 1_000
BUYERS = 1_000
SELL_OUT_STORMS_MAX = 100
STEADY_SHARE = 0.7


class Case(NamedTuple):
    """One question. ``rated`` are the statuses of the answers that count; 409 only where it says sold out."""

    name: str
    about: str
    rated: frozenset[int]
    stock: int = UNLIMITED
    steady: bool = False
    """Claims come at 70 % of the rate that the warm-up made, and latency counts from when each was due."""
    most_only: bool = False
    """Only at the largest number of connections."""


CASES: Mapping[str, Case] = {
    CLAIM: Case("flash claim", "stock for everybody: each answer is a hold", frozenset({201})),
    SOLD_OUT: Case(
        "sold out",
        f"a sale of {SMALL_STOCK:,} that is sold out: each answer says so",
        frozenset({409}),
        stock=SMALL_STOCK,
        most_only=True,
    ),
    STEADY: Case(
        "flash claim at 70 % of the maximum",
        "claims come at a steady rate; latency counts from the moment at which each was due",
        frozenset({201}),
        steady=True,
        most_only=True,
    ),
    THROUGH: Case(
        "flash claim through a silo",
        "the same sale, entered at the silo that owns it, and at one that does not",
        frozenset({201}),
    ),
}


class RoundResult(msgspec.Struct, frozen=True, kw_only=True):
    """One subject, one round. The rate is of rated answers per second; percentiles are of them, in ms.

    ``offered`` is the rate at which claims became due, where the load sets it.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    acknowledged: int
    verdict: Verdict
    generator: str
    offered: float | None = None


async def warm_up(subject: Subject, case: Case, *, connections: int, seconds: float) -> RoundResult:
    """A round from our own generator, which keeps every answer, so that the audit sees the whole of it.

    Its rate is the maximum that a steady load is a share of: same generator, same machine.
    """
    return await _own_round(subject, case, connections, seconds, None)


async def run_round(
    subject: Subject, case: Case, *, connections: int, seconds: float, maximum: float, use_wrk: bool
) -> RoundResult:
    """A new sale, a storm, an audit. The audit's time is not measured.

    Args:
        maximum: the rate of this subject's warm-up.
        use_wrk: let wrk make the load where the case allows it. It keeps no answers: the sale's count is audited
            against its counts, to within what was under way at the bell.
    """
    if case.steady:
        return await _own_round(subject, case, connections, seconds, STEADY_SHARE * maximum)
    if use_wrk:
        return await _wrk_round(subject, case, connections, seconds)
    return await _own_round(subject, case, connections, seconds, None)


async def _own_round(
    subject: Subject, case: Case, connections: int, seconds: float, offered: float | None
) -> RoundResult:
    target = await _opened(subject, case, connections)
    before = await _sell_out(subject, case, target, connections)
    seen = await storm(target, connections=connections, seconds=seconds, per_second=offered)
    verdict = await audit_sale(
        subject.base_url,
        target.flash_sale_id,
        [*(attempt for round_ in before for attempt in round_.history()), *seen.history()],
        {diner.user: diner.token for round_ in (*before, seen) for diner in round_.diners},
        rules=SaleRules(stock=case.stock, per_user_limit=UNLIMITED),
        sample_max=AUDIT_SAMPLE_MAX,
    )
    await subject.stop_sale(target.flash_sale_id)
    rated = [shot for shot in seen.rated() if _counts(shot, case, subject)]
    # What a steady load still waits for at the bell is slow, so it belongs to the percentiles; with a closed loop
    # it is as many as there are connections, whoever is measured.
    timed = [shot for shot in seen.shots if _counts(shot, case, subject)] if case.steady else rated
    latencies = sorted(shot.answered_ns - shot.due_ns for shot in timed)
    return RoundResult(
        rate=len(rated) / seen.seconds,
        p50_ms=percentile_ms(latencies, 50),
        p99_ms=percentile_ms(latencies, 99),
        errors=sum(1 for shot in seen.shots if not _counts(shot, case, subject)) + seen.not_sent,
        acknowledged=verdict.acknowledged,
        verdict=verdict,
        generator=generator.NAME,
        offered=offered,
    )


async def _wrk_round(subject: Subject, case: Case, connections: int, seconds: float) -> RoundResult:
    target = await _opened(subject, case, connections)
    before = await _sell_out(subject, case, target, connections)
    tally = await wrk.claims(target, connections=connections, seconds=seconds)
    held = tally.statuses.get("201", 0) + sum(round_.statuses()[201] for round_ in before)
    verdict = await _count_agrees(subject, target.flash_sale_id, case.stock, held, connections + tally.broken)
    await subject.stop_sale(target.flash_sale_id)
    rated = tally.answers if not subject.remembers else _rated(tally, case)
    return RoundResult(
        rate=rated / (tally.duration_us / 1e6),
        p50_ms=tally.p50_us / 1000,
        p99_ms=tally.p99_us / 1000,
        errors=tally.answers - rated + tally.broken,
        acknowledged=held,
        verdict=verdict,
        generator=wrk.name(),
    )


async def _opened(subject: Subject, case: Case, connections: int) -> Target:
    """A new sale of the case, and as many diners as the connections need."""
    wanted = connections * DINERS_PER_CONNECTION
    diners: list[Diner] = (await subject.diners(wanted))[:wanted]
    sale_id = await subject.open_sale(case.stock, UNLIMITED)
    return Target(base_url=await subject.door(sale_id), flash_sale_id=sale_id, diners=diners)


async def _sell_out(subject: Subject, case: Case, target: Target, connections: int) -> list[Round]:
    """Where the case wants it, claim until somebody hears that nothing is left.

    By other diners than those of the storm: at a real sale nearly all who hear "sold out" have got nothing.
    """
    rounds: list[Round] = []
    if case.stock == UNLIMITED or not subject.remembers:
        return rounds
    storming = len(target.diners)
    buyers = (await subject.diners(storming + BUYERS))[storming : storming + BUYERS]
    buying = Target(base_url=target.base_url, flash_sale_id=target.flash_sale_id, diners=buyers)
    while not any(b'"sold_out"' in shot.body for round_ in rounds for shot in round_.shots):
        rounds.append(await storm(buying, connections=connections, seconds=0.2))
        if len(rounds) > SELL_OUT_STORMS_MAX:
            raise ConnectionBroken(f"{case.stock:,} were not sold in {len(rounds)} storms")
    return rounds


async def _count_agrees(
    subject: Subject, flash_sale_id: str, stock: int, held: int, under_way: int
) -> Verdict:
    """What the sale says it sold, against the holds that clients were told of."""
    async with HttpConnection(subject.base_url) as connection:
        answer = await connection.request("GET", f"/api/v1/flash-sales/{flash_sale_id}", seconds=30)
    left = answer.json().get("left")
    if not isinstance(left, int):
        because = f"GET of the sale answered {answer.status} with left={left!r}"
        return Verdict(answer="no", rule="store answers", because=because, acknowledged=held)
    sold = stock - left
    if left >= 0 and held <= sold <= min(stock, held + under_way):
        return Verdict(answer="yes", because="the counts agree", acknowledged=held)
    because = f"{held:,} holds were answered and at most {under_way} were under way, the sale says {sold:,}"
    return Verdict(answer="no", rule="counts agree", because=because, acknowledged=held)


def _counts(shot: Shot, case: Case, subject: Subject) -> bool:
    """A no-op's answer always counts. A 409 counts only where it says sold out."""
    if not subject.remembers:
        return 200 <= shot.status < 300
    return shot.status in case.rated and (shot.status == 201 or b'"sold_out"' in shot.body)


def _rated(tally: wrk.Tally, case: Case) -> int:
    return (tally.statuses.get("201", 0) if 201 in case.rated else 0) + (
        tally.sold_out if 409 in case.rated else 0
    )
