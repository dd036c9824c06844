"""Who works in a store, as its owner manages them (C3)."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta

from api.approvals import WHO_HEADERS, who
from api.audiences import store_staff
from api.call import Call
from api.operations import Answer, Key, Table
from api.tokens import Staff
from brand.commands import ChangePassword, ChangeRolesAt, CreateAccount, DisableAccount, GetAccount
from brand.projections import AccountView
from brand.rejections import AccountElsewhere, AccountExists, AccountNotFound, AccountOff
from brand.roles import ANY_STORE, allowed
from brand.staff_list.words import GetStaff, StaffRow, StaffRows
from store_runtime.audit_log.acts import HOUSE
from store_runtime.rejections import InvalidField
from store_runtime.store.commands import GetStore
from store_runtime.store.projections import StoreView
from store_runtime.store.rejections import StoreNotFound
from store_runtime.texts import END, ONE_LINE

table = Table("Staff")

MANAGE = store_staff("staff.manage")
OPERATORS = {"ops"}
"""Roles that are no restaurant's."""

NewUsername = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}" + END)]
NewPassword = Annotated[str, Meta(min_length=10, max_length=1_024, description="At least ten characters.")]
PersonName = Annotated[str, Meta(max_length=64, pattern=ONE_LINE)]
StoreRole = Literal["owner", "manager", "waiter", "cook", "cashier"]
StoreRoles = Annotated[list[StoreRole], Meta(max_length=5)]


class NewAccountBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Someone new: what they log in with, and their roles in this store."""

    username: NewUsername
    password: NewPassword
    roles: Annotated[list[StoreRole], Meta(min_length=1, max_length=5)]
    name: PersonName = ""


class RolesBody(msgspec.Struct, forbid_unknown_fields=True):
    """The roles in this store from now on; none: they no longer work here."""

    roles: StoreRoles


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    """The new password."""

    password: NewPassword


class Colleague(msgspec.Struct, frozen=True, kw_only=True):
    """A staff account as this store sees it: ``roles`` here, ``roles_everywhere`` in all stores."""

    username: str
    name: str
    roles: list[str]
    roles_everywhere: list[str]
    disabled: bool

    @classmethod
    def of(cls, view: AccountView, store_id: str) -> Self:
        """What concerns this store."""
        return cls(
            username=view.username,
            name=view.name,
            roles=view.roles.get(store_id, []),
            roles_everywhere=view.roles.get(ANY_STORE, []),
            disabled=view.disabled,
        )


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/staff",
    audience=MANAGE,
    body=NewAccountBody,
    answers={201: Colleague},
    key=Key.REQUIRED,
    problems=[AccountExists, StoreNotFound, InvalidField],
    headers=WHO_HEADERS,
    example={"username": "li", "password": "correct horse battery", "roles": ["waiter"], "name": "小李"},
)
async def create_account(call: Call) -> Answer:
    """Let somebody work here."""
    body: NewAccountBody = call.body
    store_id = call.params["store_id"]
    await call.ask(f"store/{store_id}", GetStore(), StoreView)
    command = CreateAccount(
        password_hash=await _hash(call, body.password),
        roles={store_id: list(dict.fromkeys(body.roles))},
        name=body.name,
        by=who(call),
        store_id=store_id,
    )
    view = await call.tell(f"staff-account/{body.username}", command, AccountView)
    return Answer(201, Colleague.of(view, store_id))


class Colleagues(msgspec.Struct, frozen=True, kw_only=True):
    """By username; disabled accounts too."""

    items: list[Colleague]
    next_cursor: str | None


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/staff",
    audience=MANAGE,
    answers={200: Colleagues},
)
async def list_accounts(call: Call) -> Answer:
    """Who works here.

    Those with a role in this store, and those with one in all stores, but for operators of the system. The list
    follows the accounts within moments.
    """
    here = await call.ask(f"staff-list/{call.params['store_id']}", GetStaff(), StaffRows)
    everywhere = await call.ask(f"staff-list/{HOUSE}", GetStaff(), StaffRows)
    found: dict[str, Colleague] = {}
    for row in here.items:
        found[row.username] = _colleague(row, roles=row.roles, roles_everywhere=[])
    for row in everywhere.items:
        if set(row.roles) <= OPERATORS:
            continue
        known = found.get(row.username)
        roles = [] if known is None else known.roles
        found[row.username] = _colleague(row, roles=roles, roles_everywhere=row.roles)
    return Answer(200, Colleagues(items=[found[name] for name in sorted(found)], next_cursor=None))


def _colleague(row: StaffRow, roles: list[str], roles_everywhere: list[str]) -> Colleague:
    return Colleague(
        username=row.username,
        name=row.name,
        roles=roles,
        roles_everywhere=roles_everywhere,
        disabled=row.disabled,
    )


@table.route(
    "GET",
    "/api/v1/stores/{store_id}/staff/{username}",
    audience=MANAGE,
    answers={200: Colleague},
    problems=[AccountNotFound],
)
async def show_account(call: Call) -> Answer:
    """Somebody who works here."""
    store_id = call.params["store_id"]
    view = await call.ask(_account(call), GetAccount(), AccountView)
    if not {store_id, ANY_STORE} & set(view.roles):
        raise AccountNotFound()
    return Answer(200, Colleague.of(view, store_id))


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/staff/{username}/roles",
    audience=MANAGE,
    body=RolesBody,
    answers={200: Colleague},
    problems=[AccountNotFound, AccountOff],
    headers=WHO_HEADERS,
    example={"roles": ["waiter", "cashier"]},
)
async def change_roles(call: Call) -> Answer:
    """What somebody is in this store.

    What they are elsewhere stays as it is. Tokens they have end within seconds.
    """
    store_id = call.params["store_id"]
    command = ChangeRolesAt(at=store_id, roles=list(dict.fromkeys(call.body.roles)), by=who(call))
    return Answer(200, Colleague.of(await call.tell(_account(call), command, AccountView), store_id))


@table.route(
    "PUT",
    "/api/v1/stores/{store_id}/staff/{username}/password",
    audience=MANAGE,
    body=PasswordBody,
    answers={200: Colleague},
    problems=[AccountNotFound, AccountOff, AccountElsewhere],
    headers=WHO_HEADERS,
    example={"password": "another horse battery"},
)
async def change_password(call: Call) -> Answer:
    """Give somebody a new password.

    Tokens they have end within seconds.
    """
    store_id = call.params["store_id"]
    command = ChangePassword(
        password_hash=await _hash(call, call.body.password),
        by=who(call),
        store_id=store_id,
        within=await _within(call),
    )
    return Answer(200, Colleague.of(await call.tell(_account(call), command, AccountView), store_id))


@table.route(
    "POST",
    "/api/v1/stores/{store_id}/staff/{username}/disable",
    audience=MANAGE,
    answers={200: Colleague},
    problems=[AccountNotFound, AccountOff, AccountElsewhere],
    headers=WHO_HEADERS,
)
async def disable_account(call: Call) -> Answer:
    """Nobody works under this account any more."""
    store_id = call.params["store_id"]
    command = DisableAccount(by=who(call), store_id=store_id, within=await _within(call))
    return Answer(200, Colleague.of(await call.tell(_account(call), command, AccountView), store_id))


def _account(call: Call) -> str:
    return f"staff-account/{call.params['username']}"


async def _within(call: Call) -> str:
    """The store whose staff alone the caller manages; empty when all of it."""
    assert isinstance(call.principal, Staff), "a route for staff"
    roles = await call.door.staff.roles(call.principal)
    return "" if allowed(roles, ANY_STORE, "staff.manage") else call.params["store_id"]


async def _hash(call: Call, password: str) -> str:
    # The salt follows from the request, so that the same request, sent again, is the same command.
    salt = hashlib.blake2b(call.command_id(), key=call.door.settings.secret_key[:64], digest_size=16).digest()
    return await call.door.staff.hash(password, salt)
