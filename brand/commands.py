"""What can be asked of a staff account (kind ``staff-account``, id = username).

``by`` is who does it; then it is told to the audit log of ``store_id``. ``within`` is the store whose staff they
manage, when not all: an account that also works elsewhere is then not theirs to end or to open.
"""

from __future__ import annotations

from actors.words import Command, Query
from brand.roles import Role
from store_runtime.audit_log.acts import HOUSE
from store_runtime.by import By


class CreateAccount(Command, frozen=True, kw_only=True):
    """Someone may work here. ``roles``: store id, or ``*`` for all stores → roles there. Answered with an
    AccountView.
    """

    password_hash: str
    roles: dict[str, list[Role]]
    name: str = ""
    by: By | None = None
    store_id: str = HOUSE


class ChangePassword(Command, frozen=True, kw_only=True):
    """A new password; tokens given under the old one end. Answered with an AccountView."""

    password_hash: str
    by: By | None = None
    store_id: str = HOUSE
    within: str = ""


class ChangeRoles(Command, frozen=True, kw_only=True):
    """The roles from now on, in place of the old ones; earlier tokens end. Answered with an AccountView."""

    roles: dict[str, list[Role]]
    by: By | None = None
    store_id: str = HOUSE


class ChangeRolesAt(Command, frozen=True, kw_only=True):
    """The roles in one store from now on; without any, they no longer work there. Earlier tokens end. Answered with
    an AccountView.
    """

    at: str
    roles: list[Role]
    by: By | None = None


class DisableAccount(Command, frozen=True, kw_only=True):
    """No longer works here; earlier tokens end. Answered with an AccountView."""

    by: By | None = None
    store_id: str = HOUSE
    within: str = ""


class GetAccount(Query, frozen=True, kw_only=True):
    """The account with its password hash, for the door: AccountView."""
