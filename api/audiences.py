"""Who may call a route. Every route names one audience; it is both enforced and documented.

What each staff role may do is the table in ``brand/roles.py``; here a route only names the action.
"""

from __future__ import annotations

import msgspec


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """``public``: anyone. Else a diner's token, a staff token whose account may do ``action``, or either.

    With a store in the address the role must hold there (or everywhere, ``*``); without one, anywhere.
    """

    public: bool = False
    diner: bool = False
    action: str = ""

    def __str__(self) -> str:
        if self.public:
            return "public"
        staff = f"staff who may {self.action}" if self.action else ""
        return " or ".join(filter(None, ["diner" if self.diner else "", staff]))


PUBLIC = Audience(public=True)
DINER = Audience(diner=True)


def staff(action: str) -> Audience:
    """Staff whose role allows ``action``."""
    return Audience(action=action)


def diner_or_staff(action: str) -> Audience:
    """A diner for what is their own, or staff whose role allows ``action``."""
    return Audience(diner=True, action=action)
