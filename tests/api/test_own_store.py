"""C3: what names its store only once it was read is still of that store only.

The door lets staff in who may do it in some store; the handler then looks whose it is. Every such route is called
with real things of s1 by people who have nothing to do with s1.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import get_args

import httpx
import pytest

from api.app import all_operations
from api.operations import Operation
from api.roles_page import name_of
from api.tokens import Staff
from brand.commands import CreateAccount
from brand.roles import Role
from tests.api.house import House, fresh_key, open_house, password_hash
from tests.api.test_reservations import plan, reserve
from tests.api.test_tables import new_table, sit, token_of

pytestmark = pytest.mark.anyio

UNOPENED = 426
"""A WebSocket that nobody opened; what it tells is tried with one."""

ROUTES = [one for one in all_operations() if one.audience.where == "any" and one.audience.action is not None]


@pytest.fixture(scope="module")
async def house() -> AsyncIterator[House]:
    """A house where s2 has somebody in every role."""
    async with open_house(settings={"limit_exempt": ("127.0.0.0/8",), "account_fresh_s": 3_600.0}) as house:
        for role in get_args(Role):
            account = CreateAccount(password_hash=password_hash(), roles={"s2": [role]})
            await house.command(f"staff-account/{role}.s2", account)
        yield house


@pytest.fixture(scope="module")
async def things(house: House) -> dict[str, str]:
    """An order, its payment, a table's session, a reservation: all of s1."""
    guest = await house.diner()
    sale = await house.open_sale()
    claim = (await house.claim(sale["flash_sale_id"], guest)).json()
    order = (await house.check_out(claim, guest)).json()
    session = (await sit(house, guest, await token_of(house, await new_table(house)))).json()
    await plan(house)
    reservation = (await reserve(house, guest)).json()
    return {
        "order_id": order["order_id"],
        "payment_id": order["payment"]["payment_id"],
        "session_id": session["session_id"],
        "reservation_id": reservation["reservation_id"],
        # Parts of the session: whose it is comes first.
        "call_id": "c1",
        "line_id": "l1",
    }


def has(things: dict[str, str], operation: Operation) -> bool:
    """Whether the house has all that the address names."""
    return set(re.findall(r"{(\w+)}", operation.path)) <= set(things)


async def calls(
    house: House, operation: Operation, things: dict[str, str], headers: dict[str, str]
) -> httpx.Response:
    path = re.sub(r"{(\w+)}", lambda name: things.get(name[1], "none"), operation.path)
    sent = {**headers, "Idempotency-Key": fresh_key()}
    body = operation.example if operation.body is not None else None
    return await house.http.request(operation.method, path, headers=sent, json=body)


@pytest.mark.parametrize("operation", ROUTES, ids=name_of)
async def test_C3_staff_of_another_store_are_told_nothing(
    house: House, things: dict[str, str], operation: Operation
) -> None:
    """Whatever they are there."""
    later = house.clock.now_ms() + 600_000
    for role in get_args(Role):
        token = house.tokens.for_staff(Staff(f"{role}.s2", 1), {}, later)
        answer = await calls(house, operation, things, {"Authorization": f"Bearer {token}"})
        # Of what this house does not have, nobody learns more than that.
        told = (403, UNOPENED) if has(things, operation) else (403, 404, UNOPENED)
        assert answer.status_code in told, f"{role} of s2: {answer.status_code} {answer.text}"


@pytest.mark.parametrize("operation", [one for one in ROUTES if one.audience.diner], ids=name_of)
async def test_C3_another_diner_is_told_nothing(
    house: House, things: dict[str, str], operation: Operation
) -> None:
    """An order is its diner's, a session its guests'."""
    answer = await calls(house, operation, things, await house.diner())

    assert answer.status_code in (403, 404, UNOPENED), f"{answer.status_code} {answer.text}"


async def test_C3_the_things_are_there(house: House, things: dict[str, str]) -> None:
    """The tests above would pass with ids of nothing."""
    manager = await house.staff("manager")
    paths = ("orders/{order_id}", "payments/{payment_id}", "table-sessions/{session_id}")
    for path in (*paths, "reservations/{reservation_id}"):
        answer = await house.http.get(f"/api/v1/{path.format(**things)}", headers=manager)
        assert answer.status_code == 200, answer.text
