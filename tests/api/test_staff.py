"""C3: who works in a store, as its owner manages them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from brand.commands import CreateAccount
from tests.api.house import PASSWORD, House, fresh_key, open_house, password_hash

pytestmark = pytest.mark.anyio

STAFF = "/api/v1/stores/s1/staff"
LI = {"username": "li", "password": "correct horse battery", "roles": ["waiter"], "name": "小李"}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """One of its own for each test, with an owner of s1 only."""
    async with open_house(settings={"account_fresh_s": 0.0, "login_floor_s": 0.0}) as house:
        owner = CreateAccount(password_hash=password_hash(), roles={"s1": ["owner"]})
        await house.command("staff-account/owner-1", owner)
        yield house


async def asks(
    house: House, who: str, method: str, path: str, body: Any = None, key: str = ""
) -> httpx.Response:
    headers = {**await house.staff(who), "Idempotency-Key": key or fresh_key(), "Device": "office"}
    return await house.http.request(method, path, json=body, headers=headers)


async def logs_in(house: House, username: str, password: str) -> httpx.Response:
    body = {"username": username, "password": password}
    return await house.http.post("/api/v1/auth/staff", json=body)


async def test_C3_somebody_new_logs_in(house: House) -> None:
    """With their password and their role in this store; what is shown has no hash."""
    created = await asks(house, "owner-1", "POST", STAFF, LI)
    login = await logs_in(house, "li", LI["password"])  # type: ignore[arg-type]

    assert (created.status_code, created.json()) == (
        201,
        {"username": "li", "name": "小李", "roles": ["waiter"], "roles_everywhere": [], "disabled": False},
    )
    assert (login.status_code, login.json()["roles"]) == (200, {"s1": ["waiter"]})
    assert (await asks(house, "owner-1", "GET", f"{STAFF}/li")).json() == created.json()


async def test_C3_a_repeated_request_creates_once(house: House) -> None:
    """The same key is the same command, though a password's hash has salt; another request meets the name."""
    first, again = [await asks(house, "owner-1", "POST", STAFF, LI, "li-1") for _ in range(2)]
    other = await asks(house, "owner-1", "POST", STAFF, LI)

    assert (again.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (409, "account_exists")


async def test_C3_roles_change_in_this_store_only(house: House) -> None:
    """Elsewhere they stay, here they can go to none."""
    await house.command(
        "staff-account/both",
        CreateAccount(password_hash=password_hash(), roles={"s1": ["cook"], "s2": ["cook"]}),
    )

    changed = await asks(house, "owner-1", "PUT", f"{STAFF}/both/roles", {"roles": ["waiter", "waiter"]})
    login = await logs_in(house, "both", PASSWORD)
    gone = await asks(house, "owner-1", "PUT", f"{STAFF}/both/roles", {"roles": []})

    assert changed.json()["roles"] == ["waiter"]
    assert login.json()["roles"] == {"s1": ["waiter"], "s2": ["cook"]}
    assert gone.json()["roles"] == []
    assert (await asks(house, "owner-1", "GET", f"{STAFF}/both")).json()["code"] == "account_not_found"


async def test_C3_a_change_of_roles_ends_tokens(house: House) -> None:
    """What was a waiter's yesterday opens nothing today."""
    await asks(house, "owner-1", "POST", STAFF, LI)
    token = (await logs_in(house, "li", LI["password"])).json()["token"]  # type: ignore[arg-type]
    headers = {"Authorization": f"Bearer {token}"}
    before = await house.http.get("/api/v1/stores/s1/shifts/current", headers=headers)

    await asks(house, "owner-1", "PUT", f"{STAFF}/li/roles", {"roles": ["cook"]})
    after = await house.http.get("/api/v1/stores/s1/shifts/current", headers=headers)

    assert before.json()["code"] == "shift_not_found"
    assert (after.status_code, after.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "what", [("PUT", "password", {"password": "another horse battery"}), ("POST", "disable", None)]
)
async def test_C3_who_also_works_elsewhere_is_not_ours_to_end(
    house: House, what: tuple[str, str, dict[str, str] | None]
) -> None:
    """An owner of one store opens no door in another; the owner of all may."""
    method, step, body = what

    of_one = await asks(house, "owner-1", method, f"{STAFF}/owner/{step}", body)
    of_all = await asks(house, "owner", method, f"{STAFF}/owner-1/{step}", body)

    assert (of_one.status_code, of_one.json()["code"]) == (403, "account_elsewhere")
    assert of_all.status_code == 200
    assert (await logs_in(house, "owner-1", PASSWORD)).status_code == 401


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"username": "a/b"}, "invalid_field"),
        ({"username": ""}, "invalid_field"),
        ({"password": "short"}, "invalid_field"),
        ({"roles": []}, "invalid_field"),
        ({"roles": ["ops"]}, "invalid_field"),
        ({"roles": ["king"]}, "invalid_field"),
        ({"name": "a\nb"}, "invalid_field"),
        ({"role": "owner"}, "invalid_field"),
    ],
)
async def test_C3_what_is_no_account(house: House, fields: dict[str, Any], code: str) -> None:
    """422 with the path; nobody gets in, and nobody becomes an operator of the system this way."""
    answer = await asks(house, "owner-1", "POST", STAFF, {**LI, **fields})

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_C3_a_manager_manages_no_staff(house: House) -> None:
    """Nor an owner of another store, nor anybody of a store that does not exist."""
    by_manager = await asks(house, "manager", "POST", STAFF, LI)
    elsewhere = await asks(house, "owner-1", "POST", "/api/v1/stores/s2/staff", LI)
    nowhere = await asks(house, "owner", "POST", "/api/v1/stores/nowhere/staff", LI)

    assert [by_manager.status_code, elsewhere.status_code, nowhere.status_code] == [403, 403, 404]


async def test_A1_staff_changes_are_in_the_log(house: House) -> None:
    """Who let whom do what; never a password or its hash."""
    await asks(house, "owner-1", "POST", STAFF, LI)
    await asks(house, "owner-1", "PUT", f"{STAFF}/li/roles", {"roles": ["cashier"]})
    await asks(house, "owner-1", "PUT", f"{STAFF}/li/password", {"password": "another horse battery"})
    await asks(house, "owner-1", "POST", f"{STAFF}/li/disable")
    owner = await house.staff("owner-1")

    log = await house.becomes("/api/v1/stores/s1/audit", owner, lambda log: log["count"] == 4, "four entries")

    told = [(e["account"], e["device"], e["subject"], e["action"]) for e in log["items"]]
    li = ("owner-1", "office", "staff-account/li")
    steps = ("staff.create", "staff.roles", "staff.password", "staff.disable")
    assert told == [(*li, step) for step in steps]
    assert log["items"][1]["before"] == {"roles": {"s1": ["waiter"]}}
    assert log["items"][1]["after"] == {"roles": {"s1": ["cashier"]}}
    assert "argon2" not in str(log)
    assert "horse" not in str(log)


async def test_C3_a_store_lists_who_works_in_it(house: House) -> None:
    """Those of this store and those of all; the list follows a change."""
    await asks(house, "owner-1", "POST", STAFF, LI)
    owner = await house.staff("owner-1")

    def li(shown: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in shown["items"] if row["username"] == "li"]

    listed = await house.becomes(STAFF, owner, lambda shown: bool(li(shown)), "li")
    await asks(house, "owner-1", "PUT", f"{STAFF}/li/roles", {"roles": []})
    await house.becomes(STAFF, owner, lambda shown: not li(shown), "no li")

    names = [row["username"] for row in listed["items"]]
    assert names == sorted(names)
    assert {"manager", "owner", "owner-1"} <= set(names)
    assert not {"other-manager", "ops"} & set(names)
    assert next(row for row in listed["items"] if row["username"] == "owner")["roles_everywhere"] == ["owner"]
