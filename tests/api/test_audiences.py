"""Every route has an audience, and only that audience gets in."""

from __future__ import annotations

from typing import get_args

import pytest

from api.app import all_operations
from api.audiences import Audience
from api.operations import Key, Operation
from api.tokens import Diner
from brand.commands import Role
from brand.roles import MAY
from tests.api.house import ROLES, SECRET, House, fresh_key, open_house

pytestmark = pytest.mark.anyio

PARAMS = {
    "store_id": "s1",
    "flash_sale_id": "none",
    "claim_id": "none.c1",
    "order_id": "none",
    "payment_id": "none.p1",
    "dish_id": "crayfish",
}
STAFF = sorted(ROLES)
"""The accounts of the house: one per role in s1, and a manager of s2."""

EXPECTED = {
    "GET /healthz": "public",
    "GET /readyz": "public",
    "GET /metrics": "public",
    "GET /openapi.json": "public",
    "GET /docs": "public",
    "POST /auth/guest": "public",
    "POST /auth/staff": "public",
    "GET /stores/{store_id}/menu": "public",
    "GET /stores/{store_id}/flash-sales": "public",
    "GET /flash-sales/{flash_sale_id}": "public",
    "GET /flash-sales/{flash_sale_id}/proof": "public",
    "POST /flash-sales/{flash_sale_id}/entry": "diner",
    "POST /flash-sales/{flash_sale_id}/claims": "diner",
    "GET /flash-sales/{flash_sale_id}/claims/{claim_id}": "diner",
    "DELETE /flash-sales/{flash_sale_id}/claims/{claim_id}": "diner",
    "POST /flash-sales/{flash_sale_id}/claims/{claim_id}/checkout": "diner",
    "GET /orders": "diner",
    "POST /orders/{order_id}/cancel": "diner",
    "GET /orders/{order_id}": "diner owner manager waiter cook cashier other-manager",
    "GET /payments/{payment_id}": "diner owner manager waiter cook cashier other-manager",
    "POST /payments/simulated/{payment_id}": "diner owner manager waiter cashier other-manager",
    "POST /stores/{store_id}/flash-sales": "owner manager",
    "PATCH /stores/{store_id}/flash-sales/{flash_sale_id}": "owner manager",
    "POST /stores/{store_id}/flash-sales/{flash_sale_id}/stop": "owner manager",
    "PUT /stores/{store_id}/stock/{dish_id}": "owner manager cook",
    "PATCH /stores/{store_id}/settings": "owner manager",
    "GET /stores/{store_id}/delivery": "public",
    "POST /stores/{store_id}/delivery/quotes": "diner",
    "PUT /stores/{store_id}/delivery": "owner manager",
    "GET /ops/silos": "ops",
}
"""Who gets past the door, written down a second time on purpose. A manager of s2 may ask for orders, and then sees
none of s1 (``test_staff_see_orders_of_their_own_store_only``)."""


def _name(operation: Operation) -> str:
    return f"{operation.method} {operation.path.removeprefix('/api/v1')}"


def test_every_route_names_its_audience() -> None:
    """No route is for nobody, public and more at once, or missing from the table."""
    for operation in all_operations():
        audience = operation.audience
        assert isinstance(audience, Audience)
        assert audience.public != (audience.diner or audience.action is not None), _name(operation)
        if audience.action is not None and audience.where == "store":
            assert "{store_id}" in operation.path, _name(operation)
    assert sorted(EXPECTED) == sorted(_name(operation) for operation in all_operations())


def test_every_role_of_the_house_is_tried() -> None:
    """The matrix below leaves no role out."""
    tried = {role for roles in ROLES.values() for here in roles.values() for role in here}
    assert tried == set(get_args(Role)) == set(MAY)


async def test_each_route_lets_in_its_audience_and_nobody_else() -> None:
    """All routes × (nobody, a diner, every role, a manager elsewhere): in, 401 or 403, as the table says."""
    assert len(SECRET) >= 32
    async with open_house() as house:
        people: dict[str, dict[str, str]] = {"nobody": {}, "diner": _diner(house)}
        for username in STAFF:
            people[username] = await house.staff(username)
        for operation in all_operations():
            welcome = EXPECTED[_name(operation)].split()
            for who, headers in people.items():
                status, code = await _call(house, operation, headers)
                if welcome == ["public"] or who in welcome:
                    assert code not in ("unauthenticated", "forbidden") or operation.name == "log_in", (
                        f"{who} is kept out of {_name(operation)}: {status} {code}"
                    )
                else:
                    expected = (401, "unauthenticated") if who == "nobody" else (403, "forbidden")
                    assert (status, code) == expected, f"{who} at {_name(operation)}"


def _diner(house: House) -> dict[str, str]:
    token = house.tokens.for_diner(Diner("g1"), house.clock.now_ms() + 60_000)
    return {"Authorization": f"Bearer {token}"}


async def _call(house: House, operation: Operation, headers: dict[str, str]) -> tuple[int, str]:
    sent = dict(headers)
    if operation.key is not Key.NONE:
        sent["Idempotency-Key"] = fresh_key()
    answer = await house.http.request(
        operation.method,
        operation.path.format(**PARAMS),
        headers=sent,
        json=operation.example if operation.body is not None else None,
    )
    if answer.headers["content-type"] == "application/problem+json":
        return answer.status_code, answer.json()["code"]
    return answer.status_code, ""
