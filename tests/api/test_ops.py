"""What operators, load balancers and scrapers get."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest

from tests.api.house import House, open_house

pytestmark = pytest.mark.anyio


async def test_alive_and_ready(house: House) -> None:
    """Both say which silo answered."""
    assert (await house.http.get("/healthz")).json() == {"status": "alive", "silo": "local"}
    assert (await house.http.get("/readyz")).json() == {"status": "ready", "silo": "local"}


async def test_a_silo_that_cannot_commit_is_alive_and_not_ready() -> None:
    """healthz 200, readyz 503 unavailable with Retry-After."""
    async with open_house(ready=lambda: False) as house:
        assert (await house.http.get("/healthz")).status_code == 200
        answer = await house.http.get("/readyz")

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"


async def test_operators_see_the_silos(house: House) -> None:
    """Each with silo, pid, node, port and spare, and what the silo says of itself."""
    answer = await house.http.get("/api/v1/ops/silos", headers=await house.staff("ops"))

    assert answer.status_code == 200
    assert {"silo", "pid", "node", "port", "spare"} <= set(answer.json()["items"][0])


async def test_metrics_count_requests_by_route_and_problems_by_code(house: House) -> None:
    """Labels are route templates and codes: no id and no foreign address becomes one."""
    await house.http.get("/api/v1/flash-sales/none")
    await house.http.get("/some/address/4711")

    answer = await house.http.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    route = 'route="/api/v1/flash-sales/{flash_sale_id}"'
    assert f'kaifan_http_requests_total{{method="GET",{route},status="404"}} 1' in answer.text
    assert 'kaifan_http_problems_total{code="flash_sale_not_found"} 1' in answer.text
    assert f'kaifan_http_request_seconds_bucket{{{route},le="+Inf"}} 1' in answer.text
    assert "4711" not in answer.text


def lines_of(written: list[str]) -> list[dict[str, Any]]:
    """The lines of an access log."""
    return [msgspec.json.decode(line) for line in "".join(written).splitlines()]


async def test_each_request_has_one_log_line_without_secrets() -> None:
    """Method, route template, status, ms, code and request id; no token, no body, no id of a diner."""
    written: list[str] = []
    async with open_house(settings={"log_share": 1.0}, write_log=written.append) as house:
        who = await house.diner()
        await house.claim("none", {**who, "X-Request-Id": "r-7"})

    lines = lines_of(written)
    (line,) = [line for line in lines if line["request_id"] == "r-7"]
    assert {name: line[name] for name in ("event", "level", "method", "route", "status", "code")} == {
        "event": "request",
        "level": "info",
        "method": "POST",
        "route": "/api/v1/flash-sales/{flash_sale_id}/claims",
        "status": 404,
        "code": "flash_sale_not_found",
    }
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is not None
    assert line["ms"] > 0
    assert len(lines) == len([line for line in lines if line["event"] == "request"]) >= 2
    assert who["Authorization"].partition(" ")[2] not in "".join(written)


async def test_the_log_can_be_sampled() -> None:
    """A share of a quarter logs every fourth request."""
    written: list[str] = []
    async with open_house(settings={"log_share": 0.25}, write_log=written.append) as house:
        for _ in range(8):
            await house.http.get("/healthz")

    assert len(lines_of(written)) == 2


async def test_payments_are_simulated_only_where_the_channel_is_on() -> None:
    """Switched off, the address does not exist, in the service and in its description."""
    path = "/api/v1/payments/simulated/o.p1"
    async with open_house(settings={"simulated_channel": False}) as house:
        answer = await house.http.post(path, json={"outcome": "paid"}, headers=await house.diner())
        document = (await house.http.get("/openapi.json")).json()

    assert (answer.status_code, answer.json()["code"]) == (404, "route_not_found")
    assert not [one for one in document["paths"] if "simulated" in one]
