"""What comes in has bounds, and the OpenAPI document shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.app import all_operations
from api.openapi import document
from store_runtime.texts import END, ONE_LINE
from tests.api.house import House, fresh_key

pytestmark = pytest.mark.anyio

SIXTY_FOUR_BITS = 2**63


def _inputs() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of something that comes in, by where it stands; references followed."""
    described = document(all_operations(), "1")
    schemas = described["components"]["schemas"]

    def walk(where: str, schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(schema, list):
            for part in schema:
                yield from walk(where, part)
        elif isinstance(schema, dict):
            if "$ref" in schema:
                yield from walk(where, schemas[schema["$ref"].rpartition("/")[2]])
                return
            yield where, schema
            for name, field in schema.get("properties", {}).items():
                yield from walk(f"{where}.{name}", field)
            for inner in ("anyOf", "items", "additionalProperties"):
                yield from walk(where, schema.get(inner))

    for path, operations in described["paths"].items():
        for method, entry in operations.items():
            for parameter in entry.get("parameters", ()):
                yield from walk(f"{method} {path} {parameter['name']}", parameter["schema"])
            for content in entry.get("requestBody", {}).get("content", {}).values():
                yield from walk(f"{method} {path} $", content["schema"])


def test_every_number_that_comes_in_has_bounds_in_the_document() -> None:
    """None of them can pass what a 64-bit number holds, the journal's largest."""
    numbers = [(where, schema) for where, schema in _inputs() if schema.get("type") == "integer"]

    assert len(numbers) > 10
    for where, schema in numbers:
        assert schema["maximum"] < SIXTY_FOUR_BITS, where
        assert schema["minimum"] > -SIXTY_FOUR_BITS, where


def test_no_pattern_lets_a_line_feed_in_at_the_end() -> None:
    """In Python ``$`` also matches before it; what is read by fullmatch does not."""
    read_by_fullmatch = ("Idempotency-Key", "_id", "table_token", " username")
    patterns = [
        (where, schema["pattern"])
        for where, schema in _inputs()
        if "pattern" in schema and not where.endswith(read_by_fullmatch)
    ]

    assert patterns
    for where, pattern in patterns:
        assert pattern.endswith(END), where


async def test_F12_a_proof_after_an_impossible_position_is_a_wrong_field(house: House) -> None:
    """Not a failure of ours, as it was from 2**63 on."""
    sale = await house.open_sale()
    for after in ("9223372036854775808", "9223372036854775807", "1" + "0" * 400, "-1"):
        answer = await house.http.get(f"/api/v1/flash-sales/{sale['flash_sale_id']}/proof?after={after}")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field"), after


async def test_settings_are_read_to_their_last_character(house: House) -> None:
    """A line feed behind a right value makes it a wrong one."""
    owner = await house.staff("owner")
    for field, value in (("cutoff", "04:00\n"), ("time_zone", "Asia/Shanghai\n"), ("name", "饭馆\n")):
        answer = await house.http.patch("/api/v1/stores/s1/settings", json={field: value}, headers=owner)
        assert (answer.status_code, answer.json()["path"]) == (422, f"$.{field}")


@pytest.mark.parametrize("name", ["a\x00b", "a\x1b[31mb", "a\nb", "a\u202eb", "\u2066a", "a\u2028b", "a\x7f"])
async def test_names_carry_no_control_characters(house: House, name: str) -> None:
    """Nothing that rewrites a terminal, a ticket or the text around it."""
    guest = await house.http.post("/api/v1/auth/guest", json={"nickname": name})
    owner = await house.staff("owner")
    store = await house.http.patch("/api/v1/stores/s1/settings", json={"name": name}, headers=owner)

    for answer in (guest, store):
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_field")
    assert re.search(ONE_LINE, "👩\u200d🍳 mit Öl, שלום, 小王") is not None


async def test_F5_two_keys_are_no_key(house: House) -> None:
    """Which of them would count is nobody's guess: 422."""
    sale = await house.open_sale()
    path = f"/api/v1/flash-sales/{sale['flash_sale_id']}/claims"
    headers = [
        *(await house.diner()).items(),
        ("Idempotency-Key", fresh_key()),
        ("Idempotency-Key", fresh_key()),
    ]

    answer = await house.http.post(path, json={"quantity": 1}, headers=headers)

    assert (answer.status_code, answer.json()["path"]) == (422, "header.Idempotency-Key")
