"""C3: limits of amount, the second person, and what neither of them may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import msgspec
import pytest

from api import app
from api.approvals import APPROVAL_S, authorize
from api.audiences import store_staff
from api.call import Call
from api.operations import Answer, Key, Table
from api.rejections import ApprovalInvalid, SecondPersonRequired
from brand.commands import ChangeRoles, CreateAccount
from store_runtime.store.commands import ChangeSettings
from tests.api.house import PASSWORD, SECRET, House, fresh_key, open_house, password_hash

pytestmark = pytest.mark.anyio

table = Table("Tests")


class CompBody(msgspec.Struct):
    amount_fen: int


class Comped(msgspec.Struct):
    account: str
    device: str
    approved_by: str


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/test-lines/{dish_id}/comp",
    audience=store_staff("line.comp"),
    body=CompBody,
    answers={200: Comped},
    key=Key.REQUIRED,
    problems=[SecondPersonRequired, ApprovalInvalid],
)
async def comp(call: Call) -> Answer:
    """赠菜, as any route does it."""
    by = await authorize(call, call.params["store_id"], "line.comp", call.body.amount_fen)
    return Answer(200, Comped(by.account, by.device, by.approved_by))


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house with a route that asks for the role's limit, and a second manager."""
    monkeypatch.setattr(app, "TABLES", (*app.TABLES, table))
    async with open_house() as open_one:
        account = CreateAccount(password_hash=password_hash(), roles={"s1": ["manager"]})
        await open_one.command("staff-account/manager-2", account)
        yield open_one


async def comps(
    house: House,
    who: str,
    amount_fen: int,
    *,
    key: str = "",
    approval: str = "",
    line: str = "l1",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    sent = {**await house.staff(who), "Idempotency-Key": key or fresh_key(), **(headers or {})}
    if approval:
        sent["Approval"] = approval
    path = f"/api/v1/stores/s1/test-lines/{line}/comp"
    return await house.http.post(path, json={"amount_fen": amount_fen}, headers=sent)


async def approves(house: House, who: str, second: str, key: str, **fields: Any) -> httpx.Response:
    body = {
        "username": second,
        "password": PASSWORD,
        "action": "line.comp",
        "subject": "/stores/s1/test-lines/l1/comp",
        "amount_fen": 5_000,
        "idempotency_key": key,
        **fields,
    }
    headers = {**await house.staff(who), "Device": "till-1"}
    return await house.http.post("/api/v1/stores/s1/approvals", json=body, headers=headers)


async def approval_of(house: House, who: str, second: str, key: str, **fields: Any) -> str:
    answer = await approves(house, who, second, key, **fields)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["approval"]
    return token


def no(answer: httpx.Response) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem.get("problem", "")


async def test_C3_within_the_limit_one_person_is_enough(house: House) -> None:
    """A manager comps up to 1,000 yuan, at a device that names itself."""
    answer = await comps(house, "manager", 100_000, headers={"Device": "till-1"})

    assert answer.json() == {"account": "manager", "device": "till-1", "approved_by": ""}


async def test_C3_an_owner_has_no_limit(house: House) -> None:
    """Unless the store sets one."""
    assert (await comps(house, "owner", 10**9)).status_code == 200


async def test_C3_above_the_limit_a_second_person_approves(house: House) -> None:
    """The no names all that the approval is asked for with; with it the act carries both names."""
    key = fresh_key()
    refused = await comps(house, "waiter", 5_000, key=key)
    assert no(refused)[:2] == (403, "second_person_required")
    facts = {name: refused.json()[name] for name in ("action", "subject", "amount_fen")}

    approval = await approval_of(house, "waiter", "manager", key, **facts)
    answer = await comps(house, "waiter", 5_000, key=key, approval=approval)

    assert answer.json() == {"account": "waiter", "device": "", "approved_by": "manager"}
    assert refused.json()["alone_up_to_fen"] == 0


async def test_C3_nobody_is_their_own_second_person(house: House) -> None:
    """Neither by their own password nor by an approval that another was given."""
    key = fresh_key()
    own = await approves(house, "waiter", "waiter", key)
    manager = await approval_of(house, "waiter", "manager-2", key)

    assert no(own)[:2] == (403, "second_person_required")
    limit = await comps(house, "cashier", 5_000, key=key, approval=manager)
    assert no(limit) == (403, "approval_invalid", "for another request")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"password": "wrong"}, "the second person's name or password is wrong"),
        ({"username": "nobody"}, "the second person's name or password is wrong"),
        ({"username": "cook"}, "the second person may not do it either"),
        ({"username": "other-manager"}, "the second person may not do it either"),
        ({"username": "cashier"}, "more than the second person may"),
        ({"amount_fen": 100_001}, "more than the second person may"),
    ],
)
async def test_C3_a_second_person_needs_the_right_themselves(
    house: House, fields: dict[str, Any], problem: str
) -> None:
    """By their password, in this store, up to their own limit."""
    answer = await approves(house, "waiter", "manager", fresh_key(), **fields)

    assert no(answer) == (403, "approval_invalid", problem)


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        ({"key": "another"}, "for another request"),
        ({"line": "l2"}, "for another request"),
        ({"amount_fen": 5_001}, "for a smaller amount"),
    ],
)
async def test_C3_an_approval_is_for_one_request(house: House, what: dict[str, Any], problem: str) -> None:
    """Not for the next line, the next request, or more."""
    key = fresh_key()
    approval = await approval_of(house, "waiter", "manager", key)

    answer = await comps(
        house, "waiter", what.get("amount_fen", 5_000), approval=approval, **{"key": key, **_names(what)}
    )

    assert no(answer) == (403, "approval_invalid", problem)
    assert (await comps(house, "waiter", 4_999, key=key, approval=approval)).status_code == 200


def _names(what: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in what.items() if name != "amount_fen"}


async def test_C3_an_approval_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two minutes it is worth nothing."""
    key = fresh_key()
    approval = await approval_of(house, "waiter", "manager", key)
    clock = house.app.door.clock
    later = clock.now_ms() + (APPROVAL_S + 1) * 1_000
    monkeypatch.setattr(type(clock), "now_ms", lambda self: later)

    assert no(await comps(house, "waiter", 5_000, key=key, approval=approval)) == (
        403,
        "approval_invalid",
        "expired",
    )


async def test_C3_a_forged_approval_is_none(house: House) -> None:
    """Made with another key, without a signature, from a login token, or from noise."""
    key = fresh_key()
    true = await approval_of(house, "waiter", "manager", key)
    fields = jwt.decode(true, options={"verify_signature": False})
    forged = [
        jwt.encode(fields, b"another key of thirty-two bytes or more", algorithm="HS256"),
        jwt.encode(fields, None, algorithm="none"),
        jwt.encode({**fields, "aud": "staff"}, SECRET, algorithm="HS256"),
        (await house.staff("manager"))["Authorization"].removeprefix("Bearer "),
        "noise",
    ]

    for token in forged:
        answer = await comps(house, "waiter", 5_000, key=key, approval=token)
        assert no(answer) == (403, "approval_invalid", "not one of ours"), token


async def test_C3_an_approval_is_no_login(house: House) -> None:
    """It opens nothing as a bearer token."""
    approval = await approval_of(house, "waiter", "manager", fresh_key())
    headers = {"Authorization": f"Bearer {approval}"}

    assert (await house.http.get("/api/v1/stores/s1/audit", headers=headers)).status_code == 401


async def test_C3_who_may_not_do_it_gets_no_approval(house: House) -> None:
    """A cook comps nothing, whoever stands behind."""
    assert no(await approves(house, "cook", "manager", fresh_key()))[:2] == (403, "forbidden")


async def test_C3_a_store_may_always_want_two(house: House) -> None:
    """0: nobody of the role does any of it alone; each still approves of what the other does."""
    limits = {"manager": {"line.comp": 0}, "owner": {"line.comp": 0}}
    path = "/api/v1/stores/s1/amount-limits"
    set_by = await house.http.put(path, json={"amount_limits": limits}, headers=await house.staff("owner"))
    assert set_by.json()["amount_limits"] == limits
    key = fresh_key()

    alone = await comps(house, "manager", 1, key=key)
    approval = await approval_of(house, "manager", "manager-2", key)

    assert no(alone)[:2] == (403, "second_person_required")
    both = await comps(house, "manager", 5_000, key=key, approval=approval)
    assert both.json()["approved_by"] == "manager-2"
    assert no(await comps(house, "owner", 1))[:2] == (403, "second_person_required")


@pytest.mark.parametrize(
    "limits",
    [
        {"king": {"line.comp": 0}},
        {"waiter": {"table.serve": 0}},
        {"waiter": {"line.comp": -1}},
        {"waiter": {"line.comp": "much"}},
        [],
    ],
)
async def test_C3_limits_are_of_roles_and_amounts_that_exist(house: House, limits: Any) -> None:
    """422 with the path; and a manager does not set their own limits."""
    path = "/api/v1/stores/s1/amount-limits"
    answer = await house.http.put(path, json={"amount_limits": limits}, headers=await house.staff("owner"))
    own = await house.http.put(path, json={"amount_limits": {}}, headers=await house.staff("manager"))

    assert no(answer)[:2] == (422, "invalid_field")
    assert no(own)[:2] == (403, "forbidden")


async def test_C3_settings_leave_the_limits_alone(house: House) -> None:
    """A change of other settings keeps them; they cannot be set there."""
    await house.command("store/s1", ChangeSettings(amount_limits={"waiter": {"line.comp": 700}}))
    manager = await house.staff("manager")
    path = "/api/v1/stores/s1/settings"

    changed = await house.http.patch(path, json={"grace_s": 7}, headers=manager)
    tried = await house.http.patch(path, json={"amount_limits": {}}, headers=manager)

    assert changed.json()["amount_limits"] == {"waiter": {"line.comp": 700}}
    assert no(tried)[:2] == (422, "invalid_field")
    assert (await comps(house, "waiter", 700)).status_code == 200


async def test_C3_a_role_that_was_taken_away_counts_no_more(house: House) -> None:
    """Also the second person's: their account is read anew."""
    await house.command("staff-account/manager-2", ChangeRoles(roles={"s1": ["cook"]}))

    answer = await approves(house, "waiter", "manager-2", fresh_key())

    assert no(answer) == (403, "approval_invalid", "the second person may not do it either")


async def test_C3_wrong_passwords_of_a_second_person_are_limited() -> None:
    """As logins are: one cannot try a manager's passwords at a till."""
    async with open_house(settings={"login_floor_s": 0.0}) as house:
        tried = [
            (await approves(house, "waiter", "manager", fresh_key(), password="x")).status_code
            for _ in range(12)
        ]

    assert tried[0] == 403
    assert tried[-1] == 429


async def test_A1_an_approval_is_in_the_log(house: House) -> None:
    """Who approved of what, for whom, where."""
    await approval_of(house, "waiter", "manager", fresh_key())

    entries = (await house.http.get("/api/v1/stores/s1/audit", headers=await house.staff("manager"))).json()

    (entry,) = entries["items"]
    told = {
        name: entry[name] for name in ("number", "account", "device", "approved_by", "action", "amount_fen")
    }
    assert told == {
        "number": 1,
        "account": "waiter",
        "device": "till-1",
        "approved_by": "manager",
        "action": "approval.give",
        "amount_fen": 5_000,
    }
    assert entry["after"] == {"action": "line.comp"}
    assert (entries["count"], entries["head"], entries["next_cursor"]) == (1, entry["hash"], None)


@pytest.mark.parametrize("device", ["a b", "x" * 65, "till;1"])
async def test_C3_a_device_names_itself_decently(house: House, device: str) -> None:
    """It goes into the log for ever."""
    answer = await comps(house, "manager", 1, headers={"Device": device})

    assert (no(answer)[:2], answer.json()["path"]) == ((422, "invalid_field"), "header.Device")
