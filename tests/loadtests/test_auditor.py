"""The auditor believes a real store that keeps its word, and catches one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from loadtests.auditor import audit_sale
from loadtests.backends import start_redis
from loadtests.checker import SaleRules, Verdict
from loadtests.client import StormClient
from loadtests.generator import Diner
from loadtests.history import Attempt
from loadtests.peer_subjects import Peer

pytestmark = pytest.mark.services
FIVE = SaleRules(stock=5, per_user_limit=2)
Scene = Callable[[Peer, str, list[Diner]], Awaitable[Verdict]]


def with_a_sale_of_five(folder: Path, scene: Scene) -> Verdict:
    """Play a scene against FastAPI + Redis with a sale of five, at most two per diner."""

    async def run() -> Verdict:
        shop = Peer("fastapi + redis", "fsync", "fastapi_redis", backend=start_redis)
        try:
            await shop.start(folder)
            sale_id = await shop.open_sale(FIVE.stock, 2)
            return await scene(shop, sale_id, await shop.diners(8))
        finally:
            await shop.stop()

    return asyncio.run(run())


async def stormed(shop: Peer, sale_id: str, diners: list[Diner]) -> list[Attempt]:
    """Eight diners claim at once; the log of all."""
    log: list[Attempt] = []
    clients = [StormClient(shop.base_url, diner.token, user=diner.user, log=log) for diner in diners]
    await asyncio.gather(*(client.claim(sale_id) for client in clients))
    for client in clients:
        client.close()
    return log


async def audited(
    shop: Peer, sale_id: str, diners: list[Diner], log: list[Attempt], rules: SaleRules = FIVE
) -> Verdict:
    """The audit of a log."""
    tokens = {diner.user: diner.token for diner in diners}
    return await audit_sale(shop.base_url, sale_id, log, tokens, rules=rules, patience_seconds=2)


def test_F1_a_store_that_keeps_its_word_passes(tmp_path: Path) -> None:
    """Five of eight are held, three hear sold out, and the store agrees."""

    async def scene(shop: Peer, sale_id: str, diners: list[Diner]) -> Verdict:
        log = await stormed(shop, sale_id, diners)
        assert sorted(attempt.status or 0 for attempt in log) == [201] * 5 + [409] * 3
        return await audited(shop, sale_id, diners, log)

    verdict = with_a_sale_of_five(tmp_path, scene)

    assert verdict.answer == "yes", verdict
    assert verdict.acknowledged == 5


def test_F3_an_acknowledged_claim_that_the_store_does_not_know_is_found(tmp_path: Path) -> None:
    """A claim in a client's log that the store cannot show is the first violating event."""
    forged = Attempt(
        key="forged",
        user="diner-7",
        sent_at=1,
        answered_at=2,
        status=201,
        body={"claim_id": "x", "status": "held"},
    )

    async def scene(shop: Peer, sale_id: str, diners: list[Diner]) -> Verdict:
        return await audited(shop, sale_id, diners, [forged, *await stormed(shop, sale_id, diners[:3])])

    verdict = with_a_sale_of_five(tmp_path, scene)

    assert verdict.answer == "no"
    assert verdict.operation is not None
    assert (verdict.operation.key, verdict.rule) in {
        ("forged", "nothing lost"),
        ("forged", "same key same answer"),
    }


def test_F3_a_claim_behind_the_clients_back_is_found(tmp_path: Path) -> None:
    """The store's count must be what the log explains."""

    async def scene(shop: Peer, sale_id: str, diners: list[Diner]) -> Verdict:
        log = await stormed(shop, sale_id, diners[:4])
        return await audited(shop, sale_id, diners, log[:3])

    verdict = with_a_sale_of_five(tmp_path, scene)

    assert (verdict.answer, verdict.rule) == ("no", "count agrees")


def test_F5_a_claim_without_an_answer_is_settled_by_its_own_key(tmp_path: Path) -> None:
    """A claim whose answer was lost is asked for again and found, not made twice."""

    async def scene(shop: Peer, sale_id: str, diners: list[Diner]) -> Verdict:
        log = await stormed(shop, sale_id, diners[:5])
        lost = msgspec.structs.replace(log[0], answered_at=None, status=None, body={})
        return await audited(shop, sale_id, diners, [lost, *log[1:]])

    verdict = with_a_sale_of_five(tmp_path, scene)

    assert (verdict.answer, verdict.acknowledged, verdict.unresolved) == ("yes", 5, 0)


def test_a_store_that_is_gone_does_not_pass(tmp_path: Path) -> None:
    """No answer is not a yes."""

    async def scene(shop: Peer, sale_id: str, diners: list[Diner]) -> Verdict:
        log = await stormed(shop, sale_id, diners)
        await shop.stop()
        return await audited(shop, sale_id, diners, log)

    verdict = with_a_sale_of_five(tmp_path, scene)

    assert (verdict.answer, verdict.rule) == ("no", "store answers")
