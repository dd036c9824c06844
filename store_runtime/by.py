"""Who did it: commands of staff carry it, events keep it, the audit log chains it (C3, A1)."""

from __future__ import annotations

import msgspec


class By(msgspec.Struct, frozen=True, omit_defaults=True):
    """A staff account at work.

    ``device``: the till, tablet or phone, as it names itself; ``approved_by``: the account of the second
    person, where one was needed. A command without one comes from a guest or from the house itself.
    """

    account: str
    device: str = ""
    approved_by: str = ""
