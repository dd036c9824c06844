"""What a staff account shows."""

from __future__ import annotations

import msgspec


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """The account as the door needs it; the hash never leaves the door.

    ``epoch`` grows with password, roles and disabling: a token carries the epoch it was given under and
    ends with it.
    """

    username: str
    name: str
    password_hash: str
    roles: dict[str, list[str]]
    disabled: bool
    epoch: int
