"""What a staff account remembers."""

from __future__ import annotations

import msgspec


class Account(msgspec.Struct, kw_only=True):
    """One staff account. ``epoch``: tokens given under an earlier one have ended; ``listed``: stores whose
    staff list has been told of it, where it has or had a role (``*`` for all).
    """

    created: bool = False
    disabled: bool = False
    name: str = ""
    password_hash: str = ""
    roles: dict[str, list[str]] = {}
    epoch: int = 0
    listed: list[str] = []
