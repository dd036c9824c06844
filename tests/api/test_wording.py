"""What is wrong with a field is said with what would be right, and in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
import pytest

from actors.words import Rejection
from api.app import TABLES
from api.bodies import parse_body, parse_query
from api.wording import form_of
from store_runtime.rejections import InvalidField
from store_runtime.store.kitchen.machine import MACHINE, allowed
from store_runtime.store.kitchen.words import LineState
from store_runtime.waiting_queue.actor import ALLOWED
from tests.api.house import House, fresh_key

pytestmark = pytest.mark.anyio

TAKEN: dict[str, Any] = {
    f"{operation.method} {operation.path}": taken
    for table in TABLES
    for operation in table.operations
    for taken in (operation.body, operation.query)
    if taken is not None
}


class Round(msgspec.Struct, tag="round"):
    n: int


class Square(msgspec.Struct, tag="square"):
    n: int


class Chosen(msgspec.Struct):
    fulfilment: Literal["pickup", "delivery"]


class Drawn(msgspec.Struct):
    shapes: list[Round | Square] = []
    by_name: dict[str, Round | Square] = {}


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from _patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _patterns(inner)


@pytest.mark.parametrize("route", TAKEN)
def test_every_pattern_of_every_route_has_words(route: str) -> None:
    """A new pattern comes with its words."""
    _, components = msgspec.json.schema_components([TAKEN[route]])

    assert [pattern for pattern in _patterns(components) if form_of(pattern) is None] == []


def _kinds(of: type[Rejection]) -> Iterator[type[Rejection]]:
    for kind in of.__subclasses__():
        yield kind
        yield from _kinds(kind)


def test_no_detail_and_no_hint_shows_markup_or_half_a_sentence() -> None:
    """They are read by people, who know nothing of docstrings."""
    texts = [text for kind in _kinds(Rejection) for text in (kind.sentence(), kind.hint)]

    assert len(texts) > 100
    assert [text for text in texts if "`" in text or text.count("(") != text.count(")")] == []


def test_a_tag_that_is_unknown_lists_the_tags() -> None:
    """In a list and in an object alike."""
    decoder = msgspec.json.Decoder(Drawn)
    for body in (b'{"shapes": [{"type": "oval"}]}', b'{"by_name": {"a": {"type": "oval"}}}'):
        with pytest.raises(InvalidField) as refused:
            parse_body(decoder, body)
        assert refused.value.problem == "Invalid value 'oval'; allowed: round, square"


def test_a_query_parameter_lists_its_values() -> None:
    """As a body's field does."""
    with pytest.raises(InvalidField) as refused:
        parse_query(b"fulfilment=drone", Chosen)
    assert refused.value.problem == "Invalid enum value 'drone'; allowed: delivery, pickup"


def _last_words(below: str) -> set[str]:
    """Of the addresses that go on after this parameter."""
    paths = (operation.path for table in TABLES for operation in table.operations)
    return {path.rpartition("/")[2] for path in paths if f"{{{below}}}/" in path}


@pytest.mark.parametrize("state", MACHINE)
def test_O3_what_is_allowed_of_a_kitchen_line_has_an_address(state: LineState) -> None:
    """A client puts the word behind the line's address."""
    assert set(allowed(state)) <= _last_words("kitchen_line_id")
    assert ("rush-reply" in allowed(state)) == ("REPLY" in MACHINE[state])


@pytest.mark.parametrize("words", ALLOWED.values(), ids=ALLOWED)
def test_T15_what_is_allowed_of_a_ticket_has_an_address(words: list[str]) -> None:
    """Below the ticket, or the queue's own ``call``."""
    assert set(words) <= {*_last_words("queue_ticket_id"), "call"}


async def test_an_enum_lists_what_is_allowed(house: House) -> None:
    """As the order's fulfilment, which is an enum, and one deeper in a body."""
    headers = {**await house.diner(), "Idempotency-Key": fresh_key()}
    body = {"fulfilment": "drone", "lines": [{"dish_id": "tea", "quantity": 1}]}

    answer = (await house.http.post("/api/v1/stores/s1/orders", json=body, headers=headers)).json()

    assert (answer["code"], answer["path"]) == ("invalid_field", "$.fulfilment")
    assert answer["problem"] == "Invalid enum value 'drone'; allowed: delivery, pickup, reservation"


async def test_a_pattern_is_said_in_words(house: House) -> None:
    """No regular expression reaches a client."""
    body = {"slots": [{"slot_id": "18:00 dinner", "starts": "18:00", "seats": 4}]}
    path = "/api/v1/stores/s1/reservation-plan"

    answer = await house.http.put(path, json=body, headers=await house.staff("manager"))

    problem = answer.json()
    assert (problem["code"], problem["path"]) == ("invalid_field", "$.slots[0].slot_id")
    assert problem["problem"] == "Expected letters (A to Z), digits, hyphens and underscores, without spaces"
    assert not re.search(r"regex|\^", answer.text)
