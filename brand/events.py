"""What is true of a staff account."""

from __future__ import annotations

from actors.words import Event


class AccountCreated(Event, frozen=True, kw_only=True):
    """The account exists."""

    password_hash: str
    roles: dict[str, list[str]]
    name: str = ""


class PasswordChanged(Event, frozen=True, kw_only=True):
    """This is the password's hash from now on."""

    password_hash: str


class RolesChanged(Event, frozen=True, kw_only=True):
    """These are the roles from now on."""

    roles: dict[str, list[str]]


class AccountDisabled(Event, frozen=True, kw_only=True):
    """Nobody works under this account any more."""
