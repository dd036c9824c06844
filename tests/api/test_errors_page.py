"""docs/errors.md is what the code says."""

from __future__ import annotations

from actors.words import OUTAGES
from api.app import all_operations
from api.errors_page import PAGE, page, rejections
from api.openapi import problems_of


def test_the_page_of_errors_is_current() -> None:
    """Run ``python -m api.errors_page`` when it is not."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_code_means_one_thing() -> None:
    """No two rejections share a code, and none has the code of an outage."""
    codes = [rejection.code for rejection in rejections()]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set(OUTAGES)


def test_every_problem_of_a_route_is_on_the_page() -> None:
    """What OpenAPI promises is explained."""
    text = page()
    for operation in all_operations():
        for _, code, _ in problems_of(operation):
            assert f"### `{code}`" in text
