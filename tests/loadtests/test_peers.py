"""Every peer keeps the rules that it is measured with: a bench against a peer that cheats would say nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.auditor import audit_sale
from loadtests.checker import SaleRules
from loadtests.entrants import all_subjects
from loadtests.equipment import Missing
from loadtests.generator import Target, storm
from loadtests.peer_subjects import Peer
from loadtests.wire import Answer, HttpConnection

PEERS = [subject for subject in all_subjects() if isinstance(subject, Peer)]
SELLING = [peer.name for peer in PEERS if peer.remembers]
ANSWERING = [peer.name for peer in PEERS if not peer.remembers]
STOCK = 40
NO_LIMIT = 1_000_000

pytestmark = pytest.mark.services


def with_peer(name: str, visit: Callable[[Peer], Awaitable[None]]) -> None:
    """Start a fresh peer, visit it, stop it; a peer whose software is not here is skipped with a word."""
    peer = next(s for s in all_subjects() if isinstance(s, Peer) and s.name == name)

    async def run() -> None:
        with tempfile.TemporaryDirectory(prefix="kp-") as folder:
            try:
                await peer.start(Path(folder))
                await visit(peer)
            finally:
                await peer.stop()

    try:
        asyncio.run(run())
    except Missing as missing:
        pytest.skip(f"left out: {missing}")


async def claim(peer: Peer, sale: str, diner: int, key: str, quantity: Any = 1, token: str = "") -> Answer:
    """One claim of the numbered diner."""
    token = token or (await peer.diners(diner + 1))[diner].token
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    async with HttpConnection(peer.base_url) as connection:
        path = f"/api/v1/flash-sales/{sale}/claims"
        return await connection.request("POST", path, headers=headers, body={"quantity": quantity})


@pytest.mark.parametrize("name", SELLING)
def test_a_peer_keeps_the_rules_of_a_sale(name: str) -> None:
    """It sells exactly the stock under a storm, refuses beyond, keeps limit, key and token like the others."""

    async def sells_exactly_the_stock(peer: Peer) -> None:
        sale = await peer.open_sale(STOCK, NO_LIMIT)
        diners = (await peer.diners(32))[:32]
        target = Target(base_url=peer.base_url, flash_sale_id=sale, diners=diners)
        seen = await storm(target, connections=16, seconds=0.5)
        while seen.statuses()[409] == 0:
            more = await storm(target, connections=16, seconds=0.5)
            seen.shots.extend(more.shots)
        verdict = await audit_sale(
            peer.base_url,
            sale,
            seen.history(),
            {diner.user: diner.token for diner in diners},
            rules=SaleRules(stock=STOCK, per_user_limit=NO_LIMIT),
        )

        assert set(seen.statuses()) == {201, 409}
        assert all(b'"sold_out"' in shot.body for shot in seen.shots if shot.status == 409)
        assert (verdict.answer, verdict.acknowledged) == ("yes", STOCK), verdict

    async def keeps_the_limit_per_diner(peer: Peer) -> None:
        sale = await peer.open_sale(10, 3)
        answers = await asyncio.gather(*(claim(peer, sale, 0, f"k{number}", 2) for number in range(4)))
        last = await claim(peer, sale, 0, "k-last", 1)

        assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
        assert {answer.json()["code"] for answer in answers if answer.status == 409} == {"limit_reached"}
        assert last.status == 201
        assert (await claim(peer, sale, 1, "k", 3)).status == 201

    async def answers_the_same_key_alike(peer: Peer) -> None:
        sale = await peer.open_sale(10, 10)
        answers = await asyncio.gather(*(claim(peer, sale, 2, "same") for _ in range(8)))
        later = await claim(peer, sale, 2, "same")
        changed = await claim(peer, sale, 2, "same", 2)
        other = await claim(peer, sale, 3, "same")
        async with HttpConnection(peer.base_url) as connection:
            shown = await connection.request("GET", f"/api/v1/flash-sales/{sale}")

        ids = [answer.json().get("claim_id") for answer in (*answers, later)]
        assert {answer.status for answer in (*answers, later)} == {201}
        assert len(set(ids)) == 1
        assert (changed.status, changed.json()["code"]) == (422, "idempotency_key_reused")
        assert other.json()["claim_id"] != ids[0], "keys are a diner's own"
        assert shown.json()["left"] == 8

    async def refuses_what_is_not_a_claim(peer: Peer) -> None:
        sale = await peer.open_sale(10, 10)
        forged = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4IiwiZXhwIjo5OTk5OTk5OTk5fQ.AAAA"

        assert (await claim(peer, sale, 0, "f", token=forged)).status == 401
        assert (await claim(peer, sale, 0, "not a key!")).status in (400, 422)
        assert (await claim(peer, sale, 0, "zero", 0)).status in (400, 422)
        unknown = await claim(peer, "00000000deadbeef", 0, "u")
        assert (unknown.status, unknown.json()["code"]) == (404, "flash_sale_not_found")

    async def visit(peer: Peer) -> None:
        await sells_exactly_the_stock(peer)
        await keeps_the_limit_per_diner(peer)
        await answers_the_same_key_alike(peer)
        await refuses_what_is_not_a_claim(peer)

        sale = await peer.open_sale(10, 10)
        await peer.stop_sale(sale)
        after = await claim(peer, sale, 0, "late")
        assert (after.status, after.json().get("code")) in {(409, "ended"), (404, "flash_sale_not_found")}

    with_peer(name, visit)


@pytest.mark.parametrize("name", ANSWERING)
def test_a_no_op_answers_every_claim_and_fails_its_audit(name: str) -> None:
    """It answers in the shape of a hold, claim after claim on one connection, and remembers nothing."""

    async def visit(peer: Peer) -> None:
        sale = await peer.open_sale(STOCK, NO_LIMIT)
        diners = (await peer.diners(8))[:8]
        target = Target(base_url=peer.base_url, flash_sale_id=sale, diners=diners)
        seen = await storm(target, connections=4, seconds=0.3)
        verdict = await audit_sale(
            peer.base_url,
            sale,
            seen.history(),
            {diner.user: diner.token for diner in diners},
            rules=SaleRules(stock=STOCK, per_user_limit=NO_LIMIT),
            sample_max=5,
        )

        assert set(seen.statuses()) == {201}
        assert len(seen.shots) > 4
        assert verdict.answer == "no"

    with_peer(name, visit)


def test_the_no_op_protocol_answers_pipelined_and_chunked_claims_in_order() -> None:
    """Two claims in one packet, the second in chunks, then a broken one: three answers, in their order."""
    head = b"POST /api/v1/flash-sales/s/claims HTTP/1.1\r\nHost: x\r\nIdempotency-Key: k\r\n"
    whole = head + b'Content-Length: 14\r\n\r\n{"quantity":1}'
    chunked = head + b'Transfer-Encoding: chunked\r\n\r\n7\r\n{"quant\r\n7\r\nity":2}\r\n0\r\n\r\n'
    broken = head + b"Content-Length: 2\r\n\r\n{]"

    async def visit(peer: Peer) -> None:
        port = int(peer.base_url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(whole + chunked + broken)
        said = await reader.readuntil(b"HTTP/1.1 400 Bad Request\r\n")
        writer.close()

        assert said.count(b"HTTP/1.1 201 Created") == 2
        assert said.index(b'"quantity":1') < said.index(b'"quantity":2')

    with_peer("no-op protocol", visit)
