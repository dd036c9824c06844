"""C3: every route × everybody, really called, against docs/roles.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

import httpx
import pytest

from api.app import all_operations
from api.audiences import Audience
from api.operations import Operation
from api.roles_page import PAGE, ROLES, name_of, page
from api.tokens import Diner, Staff
from brand.commands import CreateAccount
from brand.roles import MAY, Role
from tests.api.house import House, fresh_key, open_house, password_hash

pytestmark = pytest.mark.anyio

STORES = {"here": "s1", "elsewhere": "s2", "everywhere": "*"}
BROKEN = b'{"'
"""A body that is read only of who was let in, and then refused: nothing happens in this house."""


def committed() -> dict[str, dict[str, str]]:
    """Route → column → sign, as the page that was looked at says."""
    text = PAGE.read_text(encoding="utf-8").partition("## Routes")[2]
    header, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    columns = _cells(header)[1:]
    return {_cells(row)[0].strip("`"): dict(zip(columns, _cells(row)[1:], strict=True)) for row in rows}


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def people(house: House) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Column, where the role is held, and the headers they come with."""
    later = house.clock.now_ms() + 600_000
    yield "anyone", "", {}
    yield "diner", "", _bearer(house.tokens.for_diner(Diner("g1"), later))
    for role in ROLES:
        for where in STORES:
            yield role, where, _bearer(house.tokens.for_staff(Staff(f"{role}.{where}", 1), {}, later))


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def may(sign: str, where: str) -> bool:
    """What a sign of the page says of somebody who holds the role there."""
    return (
        where
        in {
            "": (),
            "●": ("", "here", "everywhere"),
            "●*": ("everywhere",),
            "○": ("here", "elsewhere", "everywhere"),
        }[sign]
    )


async def test_C3_the_page_of_roles_is_current() -> None:
    """Run ``python -m api.roles_page`` when it is not, and look at what changed."""
    assert PAGE.read_text(encoding="utf-8") == page()


async def test_C3_every_route_names_its_audience() -> None:
    """No route is for nobody, or public and more at once; one for a store's staff names the store."""
    for operation in all_operations():
        audience = operation.audience
        assert isinstance(audience, Audience)
        assert audience.public != (audience.diner or audience.action is not None), name_of(operation)
        if audience.action is not None and audience.where == "store":
            assert "{store_id}" in operation.path, name_of(operation)


async def test_C3_every_role_is_tried() -> None:
    """The matrix leaves no role out."""
    assert set(ROLES) == set(get_args(Role)) == set(MAY)


@pytest.mark.timeout(300)
async def test_C3_each_route_lets_in_its_audience_and_nobody_else() -> None:
    """All routes × (nobody, a diner, every role here, elsewhere, everywhere): in, 401 or 403, as the page says."""
    table = committed()
    limits = {"limit_exempt": ("127.0.0.0/8",), "account_fresh_s": 3_600.0}
    async with open_house(settings=limits) as house:
        for role in ROLES:
            for where, store in STORES.items():
                account = CreateAccount(password_hash=password_hash(), roles={store: [role]})  # type: ignore[dict-item]
                await house.command(f"staff-account/{role}.{where}", account)
        everybody = list(people(house))
        for operation in all_operations():
            signs = table[name_of(operation)]
            for column, where, headers in everybody:
                answer = await _call(house, operation, headers)
                public = operation.audience.public
                wrong = f"{column} {where} at {name_of(operation)}: {answer.status_code} {answer.text[:200]}"
                code = answer.json().get("code") if b"problem+json" in _type(answer) else ""
                if public or may(signs[column], where):
                    assert code not in ("unauthenticated", "forbidden"), wrong
                else:
                    expected = (401, "unauthenticated") if column == "anyone" else (403, "forbidden")
                    assert (answer.status_code, code) == expected, wrong


def _type(answer: httpx.Response) -> bytes:
    return answer.headers.get("content-type", "").encode()


async def _call(house: House, operation: Operation, headers: dict[str, str]) -> httpx.Response:
    # Nothing under these ids, so that a route without a body finds nothing to change; the store is there.
    path = re.sub(r"{(\w+)}", lambda name: "s1" if name[1] == "store_id" else "none", operation.path)
    body = BROKEN if operation.body is not None else None
    sent = {**headers, "Idempotency-Key": fresh_key(), "Content-Type": "application/json"}
    return await house.http.request(operation.method, path, headers=sent, content=body)
