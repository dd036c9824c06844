"""Whatever comes in: a documented error, no stack trace, no 500."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from actors.words import Command, Query, Reply, Unserved
from api.settings import Router
from tests.api.house import House, fresh_key, open_house

pytestmark = pytest.mark.anyio


async def _claim(house: House, content: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    sale = await house.open_sale()
    sent = {**await house.diner(), "Idempotency-Key": fresh_key(), **headers}
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims"
    answer = await house.http.post(path, content=content, headers=sent)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"quantity": 0}', "$.quantity"),
        (b'{"quantity": -1}', "$.quantity"),
        (b'{"quantity": 1000000000}', "$.quantity"),
        (b'{"quantity": 1' + b"0" * 400 + b"}", "$.quantity"),
        (b'{"quantity": "1"}', "$.quantity"),
        (b'{"quantity": 1.5}', "$.quantity"),
        (b'{"quantity": true}', "$.quantity"),
        (b'{"quantity": null}', "$.quantity"),
        (b'{"quantity": {"$gt": ""}}', "$.quantity"),
        (b'{"quantity": [1]}', "$.quantity"),
        (b'{"quantity": 1, "wait": "yes"}', "$.wait"),
        (b'{"quantity": 1, "$where": "1"}', "$.$where"),
        (b"{}", "$.quantity"),
        (b"", "$.quantity"),
        (b"[]", "$"),
        (b"null", "$"),
        (b'"quantity"', "$"),
    ],
)
async def test_a_wrong_field_is_named_by_its_path(house: House, body: bytes, path: str) -> None:
    """422 invalid_field with the path of the field and what would be right."""
    status, problem = await _claim(house, body)

    assert (status, problem["code"], problem["path"]) == (422, "invalid_field", path)
    assert problem["problem"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"quantity": }',
        b'{"quantity": 1}}',
        b'{"quantity": NaN}',
        b"quantity=1",
        b"\xff\xfe",
        b'{"quantity\xff": 1}',
        b'{"quantity": "\xff\xfe"}',
        b'{"quantity": 1, "wait": tru',
        b"\x00",
        b"[" * 100_000,
    ],
)
async def test_a_body_that_is_not_json_is_malformed(house: House, body: bytes) -> None:
    """400 malformed_json, also for bytes that are not UTF-8; deep nesting is a wrong type or malformed."""
    status, problem = await _claim(house, body)

    assert (status, problem["code"]) in ((400, "malformed_json"), (422, "invalid_field"))
    if not body.startswith(b"["):
        assert problem["code"] == "malformed_json"


async def test_a_claim_needs_a_key_of_the_right_form(house: House) -> None:
    """No key: 400; an empty, long or strange one: 422."""
    sale = await house.open_sale()
    who = await house.diner()
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims"

    answer = await house.http.post(path, json={"quantity": 1}, headers=who)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    for key in ("", "a b", "k" * 65, "ключ".encode(), "a/b", "a;b", '{"$gt":""}'):
        answer = await house.http.post(path, json={"quantity": 1}, headers={**who, "Idempotency-Key": key})  # type: ignore[dict-item]
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field"), key
        assert answer.json()["path"] == "header.Idempotency-Key"
    for key in ("a", "k" * 64, "A-Z_09"):
        answer = await house.http.post(
            path, json={"quantity": 1}, headers={**await house.diner(), "Idempotency-Key": key}
        )
        assert answer.status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/flash-sales/none", "flash_sale_not_found"),
        ("GET", "/api/v1/flash-sales/a@0", "flash_sale_not_found"),
        ("GET", "/api/v1/flash-sales/%00", "flash_sale_not_found"),
        ("GET", "/api/v1/flash-sales/%E9%A5%AD", "flash_sale_not_found"),
        ("GET", "/api/v1/flash-sales/%FF", "flash_sale_not_found"),
        ("GET", "/api/v1/flash-sales/" + "x" * 500, "flash_sale_not_found"),
        ("GET", "/api/v1/stores/none/menu", "store_not_found"),
        ("GET", "/api/v1/flash-sales/a%2Fb", "route_not_found"),
        ("GET", "/api/v1/flash-sales/", "route_not_found"),
        ("GET", "/", "route_not_found"),
        ("GET", "/api/v2/orders", "route_not_found"),
        ("POST", "/favicon.ico", "route_not_found"),
    ],
)
async def test_what_is_not_there_is_not_found(house: House, method: str, path: str, code: str) -> None:
    """404 with the code of the thing, or of the route."""
    answer = await house.http.request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (404, code)


async def test_a_wrong_method_is_answered_with_the_right_ones(house: House) -> None:
    """405 with header Allow, and the same in the body."""
    answer = await house.http.delete("/api/v1/flash-sales/none/claims")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST"
    assert answer.json()["allowed_methods"] == ["POST"]


async def test_head_is_answered_like_get_without_a_body(house: House) -> None:
    """The same headers, no bytes."""
    get, head = await house.http.get("/healthz"), await house.http.head("/healthz")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_a_body_over_the_bound_is_refused_and_the_connection_lives(house: House) -> None:
    """1 MB and a byte, announced or in chunks: 413, and the next request on the connection is answered."""
    headers = {**await house.diner(), "Idempotency-Key": fresh_key()}
    large = b'{"quantity": 1, "note": "' + b"x" * 1_000_000 + b'"}'

    async def chunks() -> Any:
        for at in range(0, len(large), 65_536):
            yield large[at : at + 65_536]

    for content in (large, chunks()):
        answer = await house.http.post("/api/v1/flash-sales/none/claims", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert answer.json()["size_bytes_max"] == 1_000_000
        assert (await house.http.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"starts_at": "2026-11-24T12:00:00"}, "$.starts_at"),
        ({"starts_at": "1969-12-31T23:59:59Z"}, "$.starts_at"),
        ({"ends_at": "0001-01-01T00:00:00+14:00"}, "$.ends_at"),
        ({"ends_at": "9999-12-31T23:59:59-14:00"}, "$.ends_at"),
        ({"starts_at": 5}, "$.starts_at"),
        ({"starts_at": "soon"}, "$.starts_at"),
        ({"stock": 0}, "$.stock"),
        ({"price_fen": -1}, "$.price_fen"),
        ({"title": ""}, "$.title"),
        ({"policy": "auction"}, "$.policy"),
        ({"policy": "draw"}, "$.draw_window_ms"),
        ({"ends_at": "2020-01-01T00:00:00Z"}, "$.ends_at"),
    ],
)
async def test_a_sale_with_a_wrong_field_is_not_created(
    house: House, body: dict[str, object], path: str
) -> None:
    """422 with the field's path, whether the door or the entity saw it."""
    good = {
        "title": "t",
        "dish_id": "crayfish",
        "price_fen": 1,
        "stock": 1,
        "per_user_limit": 1,
        "starts_at": "2026-11-24T12:00:00+08:00",
        "ends_at": "2096-11-24T12:00:00+08:00",
    }
    headers = {**await house.staff("manager"), "Idempotency-Key": fresh_key()}

    answer = await house.http.post("/api/v1/stores/s1/flash-sales", json={**good, **body}, headers=headers)

    assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (422, "invalid_field", path)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=101", "limit=", "cursor=" + "x" * 300, "limit=1&" * 60]
)
async def test_a_wrong_query_is_named(house: House, query: str) -> None:
    """422 with the parameter's path."""
    answer = await house.http.get(f"/api/v1/orders?{query}", headers=await house.diner())

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert answer.json()["path"].startswith("query")


class Outage:
    """An owner that does not answer but with one outage."""

    def __init__(self, router: Router, code: str) -> None:
        self.router = router
        self.code = code

    def submit(
        self, entity: str, word: Command | Query, *, callback: Callable[[Reply], None], **how: Any
    ) -> None:
        callback(Unserved(self.code, "", 1_500))


@pytest.mark.parametrize(
    "code", ["overloaded", "in_doubt", "unavailable", "deadline_exceeded", "quarantined"]
)
async def test_an_outage_is_a_503_that_says_when_to_come_again(code: str) -> None:
    """503 with its code, a sentence and Retry-After in whole seconds, rounded up."""
    async with open_house(around=lambda router: Outage(router, code)) as house:
        answer = await house.http.get("/api/v1/stores/s1/menu")

    assert (answer.status_code, answer.json()["code"]) == (503, code)
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["detail"]


class Broken:
    """A mistake of ours."""

    def __init__(self, router: Router) -> None:
        self.router = router

    def submit(self, entity: str, word: Command | Query, **how: Any) -> None:
        raise ZeroDivisionError("a secret of the inside")


async def test_a_mistake_of_ours_shows_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """500 internal_error with the request id and nothing of the inside; the log has it."""
    async with open_house(around=Broken) as house:
        answer = await house.http.get("/api/v1/stores/s1/menu", headers={"X-Request-Id": "r-1"})

    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (
        500,
        "internal_error",
        "r-1",
    )
    assert "secret" not in answer.text
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_a_request_id_of_a_strange_form_is_replaced(house: House) -> None:
    """A decent one comes back, another one is not echoed."""
    kept = await house.http.get("/healthz", headers={"X-Request-Id": "a.B-9_"})
    replaced = await house.http.get("/healthz", headers={"X-Request-Id": "a b<script>"})

    assert kept.headers["x-request-id"] == "a.B-9_"
    assert "script" not in replaced.headers["x-request-id"]
    assert replaced.headers["x-request-id"]
