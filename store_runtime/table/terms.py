"""What holds at a table, as its store has set it."""

from __future__ import annotations

import msgspec

from pricing.facts import BillTerms
from store_runtime.store.commands import JoinPolicy, PayMode
from store_runtime.store.zone import SHANGHAI, Offsets


class TableTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The terms a table has, and a session keeps from when it was opened.

    Args:
        name: what guests and paper call it: "8 号桌".
        area: the room or floor it stands in; room: it is a private room.
        join_policy: who may open it by its code (T1); open sessions are joined freely, but for ``pin``.
        shared: strangers may sit at it, each party with a session of its own (T8).
        order_hold_s, grace_s: how long a round that is to be paid first holds its dishes (T6).
        clearing_s: how long it stays in phase clearing after it was cleared.
        bill: fees and rounding (T10, M7).
        zone_offsets, cutoff: the store's own time, and when its business day changes.
    """

    name: str
    area: str = ""
    room: bool = False
    seats: int = 4
    join_policy: JoinPolicy = "staff_confirm"
    pay_mode: PayMode = "pay_later"
    shared: bool = False
    order_hold_s: int = 900
    grace_s: int = 30
    clearing_s: int = 0
    bill: BillTerms = BillTerms()
    zone_offsets: Offsets = SHANGHAI
    cutoff: str = "04:00"
