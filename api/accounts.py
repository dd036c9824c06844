"""Accounts: a guest is made by asking, staff log in. Both get a signed token; nothing about it is stored."""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
from msgspec import Meta

from api.audiences import PUBLIC
from api.call import Call
from api.moments import rfc3339
from api.operations import Answer, Key, Table
from api.rejections import RateLimited, Unauthenticated
from api.tokens import Diner, Staff
from api.views import GuestToken, StaffToken
from store_runtime.texts import ONE_LINE

table = Table("Accounts")

Nickname = Annotated[
    str, Meta(min_length=1, max_length=32, pattern=ONE_LINE, description="What others at the table see.")
]


Username = Annotated[str, Meta(min_length=1, max_length=64)]
Password = Annotated[str, Meta(min_length=1, max_length=1_024)]


class GuestBody(msgspec.Struct, forbid_unknown_fields=True):
    """A guest may say what to be called."""

    nickname: Nickname | None = None


class LoginBody(msgspec.Struct, forbid_unknown_fields=True):
    """A staff account's name and password."""

    username: Username
    password: Password


@table.route(
    "POST",
    "/api/v1/auth/guest",
    audience=PUBLIC,
    body=GuestBody,
    answers={201: GuestToken},
    problems=[RateLimited],
    key=Key.NONE,
    example={"nickname": "小王"},
    entity=False,
)
async def make_guest(call: Call) -> Answer:
    """Become a guest.

    Every call makes another guest; keep the token. It stands for the diner until it expires.
    """
    door = call.door
    door.take_guest(call)
    diner = Diner(f"g{secrets.token_hex(10)}", call.body.nickname or "")
    expires_at = door.clock.now_ms() // 1_000 * 1_000 + door.settings.guest_token_s * 1_000
    token = door.tokens.for_diner(diner, expires_at)
    shown = GuestToken(
        user_id=diner.user_id,
        token=token,
        expires_at=rfc3339(expires_at),
        nickname=diner.nickname or None,
    )
    return Answer(201, shown)


@table.route(
    "POST",
    "/api/v1/auth/staff",
    audience=PUBLIC,
    body=LoginBody,
    answers={200: StaffToken},
    problems=[Unauthenticated, RateLimited],
    key=Key.NONE,
    example={"username": "manager", "password": "correct horse battery staple"},
)
async def log_in(call: Call) -> Answer:
    """Log in as staff.

    A wrong password and an unknown account are answered alike, and equally late. Only failures count against the
    limits of logins.
    """
    door = call.door
    exempt = call.address in door.exempt
    account = await door.staff.log_in(call.body.username, call.body.password, call.address, exempt)
    expires_at = door.clock.now_ms() // 1_000 * 1_000 + door.settings.staff_token_s * 1_000
    token = door.tokens.for_staff(Staff(account.username, account.epoch), account.roles, expires_at)
    shown = StaffToken(
        token=token,
        expires_at=rfc3339(expires_at),
        username=account.username,
        name=account.name,
        roles=account.roles,
    )
    return Answer(200, shown)
