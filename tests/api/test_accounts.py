"""Guests, staff, and the tokens they come with."""

from __future__ import annotations

import secrets

import jwt
import pytest

from api.passwords import hash_password
from api.rejections import Unauthenticated
from api.tokens import VERIFIED_MAX, Diner, Staff, Tokens
from brand.commands import ChangePassword, ChangeRoles, DisableAccount
from tests.api.house import PASSWORD, SECRET, House, open_house

pytestmark = pytest.mark.anyio

LOGIN = "/api/v1/auth/staff"


async def test_a_guest_gets_an_id_and_a_token_that_works(house: House) -> None:
    """201 with user_id, token and expires_at; the token opens what is for diners."""
    answer = await house.http.post("/api/v1/auth/guest", json={"nickname": "小王"})

    guest = answer.json()
    assert answer.status_code == 201
    assert set(guest) == {"user_id", "token", "expires_at", "nickname"}
    orders = await house.http.get("/api/v1/orders", headers={"Authorization": f"Bearer {guest['token']}"})
    assert (orders.status_code, orders.json()) == (200, {"items": [], "next_cursor": None})


async def test_staff_log_in_with_their_roles(house: House) -> None:
    """200 with the token and the roles; the password's hash stays inside."""
    answer = await house.http.post(LOGIN, json={"username": "manager", "password": PASSWORD})

    assert answer.status_code == 200
    assert answer.json()["roles"] == {"s1": ["manager"]}
    assert "argon2" not in answer.text


@pytest.mark.parametrize("username", ["manager", "nobody", "a/b", "a b", "$ne"])
async def test_a_wrong_login_is_answered_alike_whoever_it_names(house: House, username: str) -> None:
    """A wrong password and an unknown or impossible name: the same 401, no sooner than login_floor_s."""
    began = house.clock.monotonic()
    answer = await house.http.post(LOGIN, json={"username": username, "password": "wrong"})

    problem = {name: value for name, value in answer.json().items() if name != "request_id"}
    assert answer.status_code == 401
    assert problem["code"] == "unauthenticated"
    assert set(problem) == {"type", "title", "status", "code", "detail", "hint"}
    assert house.clock.monotonic() - began >= house.app.door.settings.login_floor_s


async def test_failed_logins_of_one_account_are_limited_and_good_ones_are_not() -> None:
    """Ten wrong tries from one address are all it takes to be slowed down; other accounts are not."""
    async with open_house(settings={"login_floor_s": 0.0}) as house:
        good = [await _log_in(house, "cook", PASSWORD) for _ in range(12)]
        assert good == [200] * 12

        codes: list[int] = []
        while 429 not in codes and len(codes) < 12:
            codes.append(await _log_in(house, "cook", "wrong"))
        assert codes[:10] == [401] * 10
        assert codes[-1] == 429
        assert await _log_in(house, "waiter", PASSWORD) == 200


async def _log_in(house: House, username: str, password: str) -> int:
    return (await house.http.post(LOGIN, json={"username": username, "password": password})).status_code


@pytest.mark.parametrize(
    "change",
    [
        ChangeRoles(roles={"s1": ["cook"]}),
        ChangePassword(password_hash=hash_password("another one")),
        DisableAccount(),
    ],
    ids=["roles", "password", "disabled"],
)
async def test_a_change_of_the_account_ends_its_tokens(change: object) -> None:
    """After new roles, a new password, or being disabled, the old token is nobody's."""
    async with open_house(settings={"account_fresh_s": 0.0}) as house:
        headers = await house.staff("manager")
        path = "/api/v1/stores/s1/settings"
        assert (await house.http.patch(path, json={}, headers=headers)).status_code == 200

        await house.command("staff-account/manager", change)  # type: ignore[arg-type]

        answer = await house.http.patch(path, json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def _damaged(token: str) -> str:
    head, body, signature = token.split(".")
    return f"{head}.{body}.{signature[:-2]}{'AA' if signature[-2:] != 'AA' else 'BB'}"


async def test_a_token_that_is_not_ours_is_refused(house: House) -> None:
    """Missing, damaged, foreign, unsigned, expired, with another audience, or no token at all: 401."""
    now = house.clock.now_ms()
    good = house.tokens.for_diner(Diner("g1"), now + 60_000)
    fields = {"sub": "g1", "aud": "diner", "exp": now // 1_000 + 60}
    headers = [
        None,
        "",
        "Bearer",
        f"Basic {good}",
        f"Bearer {_damaged(good)}",
        f"Bearer {Tokens(secrets.token_bytes(32)).for_diner(Diner('g1'), now + 60_000)}",
        f"Bearer {house.tokens.for_diner(Diner('g1'), now - 1_000)}",
        f"Bearer {jwt.encode(fields, '', algorithm='none')}",
        f"Bearer {jwt.encode({**fields, 'aud': 'kitchen'}, SECRET)}",
        f"Bearer {jwt.encode({**fields, 'sub': 'a/b'}, SECRET)}",
        f"Bearer {jwt.encode({'sub': 'g1', 'aud': 'diner'}, SECRET)}",
        "Bearer a.b.c",
        "Bearer " + "x" * 5_000,
    ]
    for header in headers:
        sent = {} if header is None else {"Authorization": header}
        answer = await house.http.get("/api/v1/orders", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), header
    answer = await house.http.get("/api/v1/orders", headers={"Authorization": f"bearer {good}"})
    assert answer.status_code == 200


def test_a_verified_token_still_ends_at_its_expiry() -> None:
    """It is remembered by its bytes, but not for longer than it is good; and only so many are."""
    tokens = Tokens(SECRET)
    header = f"Bearer {tokens.for_diner(Diner('g1', '小王'), 10_000)}".encode()
    assert tokens.principal(header, 9_999) == Diner("g1", "小王")
    assert tokens.principal(header, 9_999) == Diner("g1", "小王")
    with pytest.raises(Unauthenticated):
        tokens.principal(header, 10_000)

    for number in range(3):
        tokens.principal(f"Bearer {tokens.for_staff(Staff('w', number), {}, 10_000)}".encode(), 1)
    assert len(tokens._verified) <= VERIFIED_MAX
