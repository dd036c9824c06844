"""The OpenAPI document is the truth: it is complete, and whatever it allows is answered as it says."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import hypothesis
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks

from api.app import all_operations
from api.openapi import document
from tests.api.house import House, fresh_key, open_house

pytestmark = pytest.mark.anyio

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.ignored_auth,
]
"""All but those that expect a 2xx for whatever has the right form: a form does not make a sale exist."""

EXAMPLES = 40
"""Requests per operation; enough to meet every branch of the parsing, few enough for every run of the suite."""


def test_every_operation_is_described() -> None:
    """Each with its id, audience, answers, and for a write its body with an example that its own struct reads."""
    described = document(all_operations(), "1")
    names = []
    for operation in all_operations():
        entry = described["paths"][operation.path][operation.method.lower()]
        names.append(entry["operationId"])
        assert entry["summary"], operation.path
        assert entry["x-audience"]
        assert ("security" in entry) != operation.audience.public
        assert any(int(status) < 400 for status in entry["responses"])
        assert set(re.findall(r"{(\w+)}", operation.path)) == {
            parameter["name"] for parameter in entry.get("parameters", ()) if parameter["in"] == "path"
        }
        if operation.body is not None:
            example = entry["requestBody"]["content"]["application/json"]["example"]
            msgspec.json.decode(msgspec.json.encode(example), type=operation.body)
    assert len(names) == len(set(names))


async def test_the_document_is_served_and_is_openapi_3_1(house: House) -> None:
    """With one Problem schema for every error, and bearer tokens."""
    answer = await house.http.get("/openapi.json")

    served = answer.json()
    assert served["openapi"].startswith("3.1")
    assert served["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    schemathesis.openapi.from_dict(served)


async def test_whatever_the_document_allows_is_answered_as_it_says() -> None:
    """Generated requests to every operation: no server error, and every answer has a documented form."""
    async with open_house(settings={"login_floor_s": 0.0, "limit_exempt": ("127.0.0.0/8",)}) as house:
        who = await house.diner()
        people = {"diner": who, "manager": await house.staff("manager"), "ops": await house.staff("ops")}
        sale = await house.open_sale(stock=1_000, per_user_limit=1_000)
        claim = (await house.claim(sale["flash_sale_id"], who)).json()
        paid_for = (await house.claim(sale["flash_sale_id"], who)).json()
        order = (await house.check_out(paid_for, who)).json()
        table = (await house.http.get("/api/v1/stores/s1/tables/t8", headers=people["manager"])).json()
        at_table = await house.http.post(f"/api/v1/tables/{table['token']}/sessions", json={}, headers=who)
        call = await house.http.post(
            f"/api/v1/table-sessions/{at_table.json()['session_id']}/calls",
            json={"kind": "water"},
            headers=who,
        )
        known = {
            "store_id": "s1",
            "table_id": "t9",
            "table_token": table["token"],
            "session_id": at_table.json()["session_id"],
            "call_id": call.json()["call_id"],
            "line_id": f"{at_table.json()['session_id']}.l1",
            "kitchen_line_id": f"{at_table.json()['session_id']}.l1",
            "dish_id": "crayfish",
            "username": "waiter",
            "menu_version": "1",
            "flash_sale_id": sale["flash_sale_id"],
            "claim_id": claim["claim_id"],
            "order_id": order["order_id"],
            "payment_id": order["payment"]["payment_id"],
        }
        described = (await house.http.get("/openapi.json")).json()
        base_url = f"http://127.0.0.1:{house.port}"

        await asyncio.to_thread(_try_all, described, base_url, people, known)

        counted = house.app.door.meter.requests
        failed = {place: count for place, count in counted.items() if place[2] >= 500}
        assert not failed
        assert sum(counted.values()) > EXAMPLES * 10


def _try_all(
    described: dict[str, Any], base_url: str, people: dict[str, dict[str, str]], known: dict[str, str]
) -> None:
    schema = schemathesis.openapi.from_dict(described)
    for result in schema.get_all_operations():
        operation = result.ok()
        audience = operation.definition.raw["x-audience"]
        who = (
            "diner"
            if audience.get("diner")
            else "ops"
            if audience.get("where") == "everywhere"
            else "manager"
        )
        _try(operation, base_url, people[who], known)


def _good_and_bad(operation: Any) -> Any:
    """Requests as documented, and such that break the document in some place, where there is one to break."""
    good = operation.as_strategy()
    if operation.body or operation.query:
        return good | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    return good


def _try(operation: Any, base_url: str, headers: dict[str, str], known: dict[str, str]) -> None:
    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=_good_and_bad(operation), at_home=st.booleans(), with_key=st.booleans())
    def one(case: Any, at_home: bool, with_key: bool) -> None:
        sent = dict(headers)
        if at_home:
            case.path_parameters = {name: known.get(name, "none") for name in case.path_parameters or {}}
        if with_key:
            sent["Idempotency-Key"] = fresh_key()
        response = case.call(base_url=base_url, headers=sent, timeout=10)
        case.validate_response(response, checks=CHECKS)

    one()
