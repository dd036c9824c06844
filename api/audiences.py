"""Who may call a route. Every route names one audience; it is both enforced and documented.

What each staff role may do is the table in ``brand/roles.py``; here a route only names the action.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from brand.roles import ANY_STORE, Action, allowed


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """``public``: anyone. Else a diner's token, a staff token whose account may do ``action``, or either.

    ``where`` the role must hold: in the ``store`` that the address names, in ``any`` store (the handler then
    checks the one it reads), or ``everywhere``.
    """

    public: bool = False
    diner: bool = False
    action: Action | None = None
    where: Literal["store", "any", "everywhere"] = "store"

    def __str__(self) -> str:
        if self.public:
            return "public"
        staff = f"staff who may {self.action}" if self.action else ""
        return " or ".join(filter(None, ["diner" if self.diner else "", staff]))

    def admits(self, roles: Mapping[str, Sequence[str]], store_id: str | None) -> bool:
        """Whether staff with these roles may call; ``store_id`` is the one in the address, if there is one."""
        if self.action is None:
            return False
        match self.where:
            case "everywhere":
                return allowed(roles, ANY_STORE, self.action)
            case "any":
                return any(allowed(roles, store, self.action) for store in (ANY_STORE, *roles))
            case "store":
                return store_id is not None and allowed(roles, store_id, self.action)


PUBLIC = Audience(public=True)
DINER = Audience(diner=True)


def store_staff(action: Action) -> Audience:
    """Staff who may do ``action`` in the store that the address names."""
    return Audience(action=action)


def diner_or_staff(action: Action) -> Audience:
    """A diner for what is their own, or staff who may do ``action`` in the store it belongs to."""
    return Audience(diner=True, action=action, where="any")


def operators(action: Action) -> Audience:
    """Those who run the system."""
    return Audience(action=action, where="everywhere")
