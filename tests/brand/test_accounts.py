"""Staff accounts and the table of who may do what."""

from __future__ import annotations

from typing import get_args

import pytest

from actors.testing.kit import Given, after
from brand.actor import ROLES, StaffAccount
from brand.commands import (
    ChangePassword,
    ChangeRoles,
    ChangeRolesAt,
    CreateAccount,
    DisableAccount,
    GetAccount,
)
from brand.rejections import AccountExists, AccountNotFound, AccountOff, UnknownRole
from brand.roles import ALONE_UP_TO_FEN, MAY, NOT_AT_ALL, Action, allowed, alone_up_to_fen
from brand.state import Account


def account() -> Given[Account]:
    """Somebody who manages one store."""
    given = after(StaffAccount("li"))
    assert given.when(CreateAccount(password_hash="$argon2$1", roles={"s1": ["manager"]}, name="Li")).accepted
    return given


def test_C3_an_account_is_what_it_was_created_as() -> None:
    """The answer is what a later question answers."""
    given = after(StaffAccount("li"))

    created = given.when(CreateAccount(password_hash="h", roles={"*": ["owner"]}, name="Li"))

    assert created.reply == given.ask(GetAccount())
    assert (created.reply.username, created.reply.roles, created.reply.epoch) == ("li", {"*": ["owner"]}, 1)


def test_C3_a_username_is_given_once() -> None:
    """Nobody takes over another's account by creating it again."""
    assert (
        account().when(CreateAccount(password_hash="x", roles={"*": ["owner"]})).rejection == AccountExists()
    )


@pytest.mark.parametrize(
    "command",
    [
        ChangePassword(password_hash="$argon2$2"),
        ChangeRoles(roles={"s2": ["cook"]}),
        ChangeRolesAt(at="s1", roles=[]),
        ChangePassword(password_hash="$argon2$2", within="s1"),
        DisableAccount(),
    ],
)
def test_C3_each_change_ends_earlier_tokens(command: object) -> None:
    """Password, roles, and disabling each begin a new epoch, and the answer shows the account as it is."""
    given = account()

    changed = given.when(command)  # type: ignore[arg-type]

    assert changed.reply.epoch == 2
    assert changed.reply == given.ask(GetAccount())


def test_C3_a_disabled_account_stays_disabled() -> None:
    """It can be looked at, and no longer changed."""
    given = account()
    given.when(DisableAccount())

    assert given.ask(GetAccount()).disabled
    assert given.when(ChangePassword(password_hash="x")).rejection == AccountOff()
    assert given.when(DisableAccount()).rejection == AccountOff()


@pytest.mark.parametrize(("roles", "role"), [({"s1": ["king"]}, "king"), ({}, ""), ({"s1": []}, "")])
def test_C3_only_known_roles_are_given(roles: dict[str, list[str]], role: str) -> None:
    """A role that does not exist, or none at all, is refused with those there are."""
    refusal = UnknownRole(role=role, known=list(ROLES))

    assert account().when(ChangeRoles(roles=roles)).rejection == refusal  # type: ignore[arg-type]
    fresh = after(StaffAccount("wang"))
    assert fresh.when(CreateAccount(password_hash="h", roles=roles)).rejection == refusal  # type: ignore[arg-type]


def test_C3_an_unknown_account_is_not_found() -> None:
    """The door answers alike for a wrong name and a wrong password; this is where it learns of the first."""
    nobody = after(StaffAccount("nobody"))

    assert nobody.when(ChangePassword(password_hash="x")).rejection == AccountNotFound()
    with pytest.raises(AccountNotFound):
        nobody.ask(GetAccount())


@pytest.mark.parametrize(
    ("role", "action", "may"),
    [
        ("owner", "store.create", True),
        ("manager", "store.create", False),
        ("manager", "flash_sale.manage", True),
        ("waiter", "flash_sale.manage", False),
        ("cook", "stock.set", True),
        ("cashier", "money.read", True),
        ("waiter", "money.read", False),
        ("ops", "ops.read", True),
        ("owner", "ops.read", False),
        ("ops", "order.read", False),
        ("waiter", "line.comp", True),
        ("waiter", "line.refund", False),
        ("cook", "kitchen.cook", True),
        ("waiter", "kitchen.cook", False),
        ("cashier", "bill.discount", True),
        ("manager", "staff.manage", False),
        ("cook", "shift.own", False),
    ],
)
def test_C3_the_table_says_who_may(role: str, action: Action, may: bool) -> None:
    """Roles hold in their store, and everywhere under ``*``."""
    assert allowed({"s1": [role]}, "s1", action) is may
    assert allowed({"*": [role]}, "s1", action) is may
    assert allowed({"s2": [role]}, "s1", action) is False


def test_C3_a_role_in_a_store_is_none_in_the_whole() -> None:
    """What belongs to no store asks for a role under ``*``."""
    assert allowed({"*": ["owner"]}, "*", "store.create")
    assert not allowed({"s1": ["owner"]}, "*", "store.create")
    assert not allowed({}, "s1", "order.read")
    assert not allowed({"s1": ["king"]}, "s1", "order.read")


def test_C3_every_role_and_action_is_in_the_table() -> None:
    """No role without a right, no right that nobody has."""
    assert set(MAY) == set(ROLES)
    assert set().union(*MAY.values()) == set(get_args(Action))


@pytest.mark.parametrize(
    ("roles", "action", "limit_fen"),
    [
        ({"s1": ["waiter"]}, "line.comp", 0),
        ({"s1": ["cashier"]}, "bill.discount", 5_000),
        ({"s1": ["waiter", "manager"]}, "line.comp", 100_000),
        ({"*": ["manager"]}, "line.refund", 100_000),
        ({"*": ["owner"]}, "line.refund", None),
        ({"s1": ["waiter"]}, "table.serve", None),
        ({"s1": ["waiter"]}, "line.refund", NOT_AT_ALL),
        ({"s2": ["owner"]}, "line.refund", NOT_AT_ALL),
    ],
)
def test_C3_each_role_does_alone_what_the_table_says(
    roles: dict[str, list[str]], action: Action, limit_fen: int | None
) -> None:
    """The widest of somebody's roles counts; who may not do it at all does nothing alone."""
    assert alone_up_to_fen(roles, "s1", action) == limit_fen


def test_C3_a_store_sets_its_own_limits() -> None:
    """What the store set stands before the table, also for roles without a limit there."""
    own = {"cashier": {"bill.discount": 0}, "owner": {"line.comp": 20_000}}

    assert alone_up_to_fen({"s1": ["cashier"]}, "s1", "bill.discount", own) == 0
    assert alone_up_to_fen({"s1": ["cashier"]}, "s1", "line.comp", own) == 0
    assert alone_up_to_fen({"*": ["owner"]}, "s1", "line.comp", own) == 20_000


def test_C3_limits_are_of_roles_that_may() -> None:
    """A limit for what a role may not do would say nothing."""
    for action, limits in ALONE_UP_TO_FEN.items():
        assert all(action in MAY[role] for role in limits)
