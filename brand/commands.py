"""What can be asked of a staff account (kind ``staff-account``, id = username)."""

from __future__ import annotations

from actors.words import Command, Query
from brand.roles import Role


class CreateAccount(Command, frozen=True, kw_only=True):
    """Someone may work here. ``roles``: store id, or ``*`` for all stores → roles there. Answered with an
    AccountView.
    """

    password_hash: str
    roles: dict[str, list[Role]]
    name: str = ""


class ChangePassword(Command, frozen=True, kw_only=True):
    """A new password; tokens given under the old one end. Answered with an AccountView."""

    password_hash: str


class ChangeRoles(Command, frozen=True, kw_only=True):
    """The roles from now on, in place of the old ones; earlier tokens end. Answered with an AccountView."""

    roles: dict[str, list[Role]]


class DisableAccount(Command, frozen=True, kw_only=True):
    """No longer works here; earlier tokens end. Answered with an AccountView."""


class GetAccount(Query, frozen=True, kw_only=True):
    """The account with its password hash, for the door: AccountView."""
