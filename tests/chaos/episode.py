"""One sale under faults, and the verdict over it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from actors.placement import best_owner, shard_of
from loadtests.auditor import audit_sale
from loadtests.checker import SaleRules, Verdict
from loadtests.history import write_history
from tests.chaos.faults import FAULTS, Scene
from tests.chaos.storm import Storm
from tests.chaos.system import NotRecovered, System

DINERS = 20
STOCK = 40
PER_USER_LIMIT = 6
"""20 diners may hold 120 of 40: most of the time somebody is refused, and what comes back is taken at once."""

AUDIT_PATIENCE_SECONDS = 30.0


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to one sale. ``until_claim_ms`` pairs each fault with its time to the first new claim."""

    flash_sale_id: str
    faults: list[str]
    kills: int
    attempts: int
    reads: int
    until_claim_ms: list[tuple[str, float]]
    violations: list[str]
    verdict: Verdict

    @property
    def acknowledged(self) -> int:
        """Claims that were answered with yes."""
        return self.verdict.acknowledged


async def run_episode(system: System, faults: Sequence[str], seed: int) -> Episode:
    """Open a sale, storm it, do each fault in turn and wait until the system has settled, then judge.

    A system that does not come back is a violation too; it never raises for what the system does.
    """
    *diners, witness = await system.kaifan.diners(DINERS + 1)
    sale_id = await _open_sale(system)
    storm = Storm(system.base_url, sale_id, diners, seed)
    scene = Scene(system, storm, witness, random.Random(seed))
    kills, times, violations = 0, [], []
    try:
        async with storm:
            await storm.sold_out()
            for name in faults:
                harm = await FAULTS[name](scene)
                kills += harm.kills
                times.append((name, harm.until_claim_ms))
                await system.settled()
    except NotRecovered as late:
        violations.append(f"after {times[-1][0] if times else 'the start'}: {late}")
    verdict = await audit_sale(
        system.base_url,
        sale_id,
        storm.log,
        {diner.user: diner.token for diner in [*diners, witness]},
        rules=SaleRules(stock=STOCK, per_user_limit=PER_USER_LIMIT),
        patience_seconds=AUDIT_PATIENCE_SECONDS,
    )
    if verdict.answer != "yes":
        violations.append(f"{verdict.answer}: {verdict.rule}: {verdict.because}: {verdict.operation}")
    violations += storm.stale
    if violations:
        write_history(kept_history(system.folder, sale_id), storm.log)
    else:
        await system.kaifan.stop_sale(sale_id)
    return Episode(
        flash_sale_id=sale_id,
        faults=list(faults),
        kills=kills,
        attempts=len(storm.log),
        reads=storm.reads,
        until_claim_ms=times,
        violations=violations,
        verdict=verdict,
    )


async def _open_sale(system: System) -> str:
    """A sale that would move to the next silo there is, so that scaling moves it for certain."""
    silos = {f"silo-{number}": f"silo-{number}" for number in range(system.silos + 1)}
    while True:
        sale_id = await system.kaifan.open_sale(STOCK, PER_USER_LIMIT)
        if best_owner(shard_of(f"flash-sale/{sale_id}"), silos) == f"silo-{system.silos}":
            return sale_id
        await system.kaifan.stop_sale(sale_id)


def kept_history(folder: Path, flash_sale_id: str) -> Path:
    """Where the clients' log of a failed episode is kept."""
    return folder / f"history-{flash_sale_id}.jsonl"


async def audit(system: System) -> list[str]:
    """``kaifan audit`` over all that was sold: what it finds wrong."""
    try:
        await system.command("audit")
    except NotRecovered as wrong:
        return [str(wrong)]
    return []
