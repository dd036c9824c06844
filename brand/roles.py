"""Who may do what where, and up to which amount (C3): two tables, two questions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Literal

from msgspec import Meta

ANY_STORE = "*"
"""Roles under this key hold in every store."""

NOT_AT_ALL = -1
"""As a limit: of who may not do it in the first place."""

Role = Literal["owner", "manager", "waiter", "cook", "cashier", "ops"]

Action = Literal[
    "store.create",
    "store.settings",
    "menu.change",
    "stock.set",
    "flash_sale.manage",
    "order.read",
    "order.handle",  # accept, reject
    "table.serve",  # open, order for guests, calls, head count, clear when settled
    "table.manage",  # transfer, merge, combine, unmerge, lock, set host
    "bill.take",  # payments, splits
    "bill.discount",  # manual discount, 抹零
    "bill.reopen",  # 反结账
    "bill.write_off",  # 免单, 跑单
    "line.cancel",  # 退菜
    "line.comp",  # 赠菜
    "line.refund",
    "line.unlisted",  # 临时菜
    "line.weigh",
    "kitchen.read",
    "kitchen.pass",  # 起菜, 催菜, serve: what floor and kitchen both do
    "kitchen.cook",  # start, ready, recall, remake, answer a cancellation
    "reservation.manage",
    "queue.manage",
    "shift.own",
    "shift.read",
    "money.read",
    "audit.read",
    "staff.manage",
    "ops.read",
    "ops.manage",
]

LimitedAction = Literal[
    "bill.discount",
    "bill.reopen",
    "bill.write_off",
    "line.cancel",
    "line.comp",
    "line.refund",
    "line.unlisted",
]
"""Actions with an amount: what is given away, or of ``line.unlisted`` what is charged at a price of one's own."""

LimitFen = Annotated[int, Meta(ge=0, le=100_000_000)]

_FLOOR: frozenset[Action] = frozenset(
    {
        "order.read",
        "order.handle",
        "table.serve",
        "table.manage",
        "bill.take",
        "line.cancel",
        "line.comp",
        "line.unlisted",
        "line.weigh",
        "kitchen.read",
        "kitchen.pass",
        "reservation.manage",
        "queue.manage",
        "shift.own",
    }
)
_TILL: frozenset[Action] = frozenset(
    {"bill.discount", "bill.reopen", "bill.write_off", "line.refund", "money.read"}
)
_KITCHEN: frozenset[Action] = frozenset(
    {"stock.set", "order.read", "line.weigh", "kitchen.read", "kitchen.pass", "kitchen.cook"}
)
_HOUSE: frozenset[Action] = frozenset(
    {"store.settings", "menu.change", "flash_sale.manage", "shift.read", "audit.read"}
)

MAY: dict[str, frozenset[Action]] = {
    "owner": _FLOOR | _TILL | _KITCHEN | _HOUSE | {"store.create", "staff.manage"},
    "manager": _FLOOR | _TILL | _KITCHEN | _HOUSE,
    "waiter": _FLOOR,
    "cook": _KITCHEN,
    "cashier": _FLOOR | _TILL,
    "ops": frozenset({"ops.read", "ops.manage"}),
}
"""What each role may do. Operators of the system see silos and queues, not a restaurant's orders."""

ALONE_UP_TO_FEN: dict[Action, dict[str, int]] = {
    "bill.discount": {"cashier": 5_000, "manager": 100_000},
    "bill.reopen": {"cashier": 0, "manager": 1_000_000},
    "bill.write_off": {"cashier": 0, "manager": 100_000},
    "line.cancel": {"waiter": 10_000, "cashier": 10_000, "manager": 100_000},
    "line.comp": {"waiter": 0, "cashier": 0, "manager": 100_000},
    "line.refund": {"cashier": 0, "manager": 100_000},
    "line.unlisted": {"waiter": 50_000, "cashier": 50_000},
}
"""Action → role → the most, in fen, that it does without a second person; a role that may and is not
named has no limit. A store may set its own (``overrides``: role → action → fen).
"""

Overrides = Mapping[str, Mapping[str, int]]


def allowed(roles: Mapping[str, Sequence[str]], store: str, action: Action) -> bool:
    """Whether somebody with these roles (store id or ``*`` → roles) may do this in this store.

    For what belongs to no store (``store.create``, ``ops.read``) ask with store ``*``.

    >>> allowed({"s1": ["manager"]}, "s1", "flash_sale.manage")
    True
    >>> allowed({"s1": ["manager"]}, "s2", "flash_sale.manage")
    False
    """
    return any(action in MAY.get(role, frozenset()) for role in _here(roles, store))


def alone_up_to_fen(
    roles: Mapping[str, Sequence[str]], store: str, action: Action, overrides: Overrides | None = None
) -> int | None:
    """The most, in fen, that somebody with these roles does alone; None is no limit.

    Of several roles the widest counts. ``NOT_AT_ALL`` for who may not do it.

    >>> alone_up_to_fen({"s1": ["cashier"]}, "s1", "bill.discount")
    5000
    >>> alone_up_to_fen({"s1": ["waiter", "manager"]}, "s1", "line.comp")
    100000
    >>> alone_up_to_fen({"s1": ["cashier"]}, "s1", "bill.discount", {"cashier": {"bill.discount": 0}})
    0
    >>> alone_up_to_fen({"*": ["owner"]}, "s1", "line.refund") is None
    True
    """
    own = overrides or {}
    widest = NOT_AT_ALL
    for role in _here(roles, store):
        if action not in MAY.get(role, frozenset()):
            continue
        limit = own.get(role, {}).get(action, ALONE_UP_TO_FEN.get(action, {}).get(role))
        if limit is None:
            return None
        widest = max(widest, limit)
    return widest


def _here(roles: Mapping[str, Sequence[str]], store: str) -> Iterable[str]:
    return (*roles.get(ANY_STORE, ()), *(roles.get(store, ()) if store != ANY_STORE else ()))
